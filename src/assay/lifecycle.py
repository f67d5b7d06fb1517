"""The life of a model, one function per verb: each tells its story from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from assay import publishing, steps
from assay.begun import begin, refuse_changes
from assay.begun import resume as go_on
from assay.checks.base import Check
from assay.checks.known import known_checks
from assay.comparing import compared
from assay.data.ledger import Look
from assay.errors import InputError
from assay.evaluation.contrast import Comparison
from assay.evaluation.recorded import as_table
from assay.evaluation.result import OUT_OF_FOLD, TEST, VALIDATION
from assay.experiment.asking import ask
from assay.fitting.hold_out import Surroundings
from assay.inference.loading import load_folder
from assay.inference.testing import confront, predict_sealed
from assay.looking import looked_at, sample
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.publishing import known_run
from assay.run import Run
from assay.seeding import seeded
from assay.segmenting import by_segment
from assay.tracking.keeping import kept
from assay.tracking.looks import mirror
from assay.tracking.notes import opening
from assay.tracking.resources import watched
from assay.tracking.runs import CHOSEN_AMONG
from assay.tracking.store import Store
from assay.tracking.terminal import written_down
from assay.workspace import check_folder, private


@private()
def train(
    source: Any = None,
    *,
    target: str | Iterable[str] | None = None,
    learner: Any = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    why: str = "",
    tags: Sequence[str] = (),
    workers: int | None = None,
    checks: Sequence[Check] | None = None,
    store: Store | None = None,
    profile: bool = False,
    announce: Announce = silent,
    resume: Run | str | None = None,
) -> Run:
    """Train a model one can trust: seal a test set, check, fit, judge, finish, record.

    Args:
        source: An experiment file, or a table in memory (pandas, Polars, Arrow, Hugging Face) with
            `target`.
        target: The column to predict of a table in memory; or several of yes and no, each of them
            a label that a row may have.
        learner: A learner's name or import path, a scikit-learn estimator, a class derived from
            nn.Module, or a learner.
        settings: More settings for a table in memory, nested as in the file.
        overrides: 'key=value' each, as `--set` on the command line.
        why: What the run is made for: a hypothesis, kept in the log book.
        tags: Words to find the run by, as 'baseline' or 'final'.
        workers: Parallel fits; by the size of the work and the cores when None.
        checks: What to look for; all known checks when None.
        store: Where to keep the run; as the experiment says when None.
        profile: Whether to find out where the time of a network's step goes.
        announce: Told of progress.
        resume: A run that did not finish, to go on with as it was asked for; `source` and
            `learner` are needed only where they were objects that are not recorded.

    Raises:
        InputError: What is asked for cannot be done; nothing was recorded.
        LearnerError: A fit failed; the run is kept, marked as failed.
    """
    if resume is None:
        noted = opening(why, tags)
        announce(Step("Reading the experiment and its table"))
        asked = ask(source, target=target, learner=learner, settings=settings or {},
                    overrides=overrides)  # fmt: skip
        begun = begin(asked, noted, store=store, announce=announce)
    else:
        refuse_changes(target=target, settings=settings, overrides=overrides, why=why, tags=tags)
        announce(Step("Reading what was recorded"))
        begun = go_on(resume, data=source, learner=learner, store=store, announce=announce)
    ready, place, recorder = begun.ready, begun.place, begun.recorder
    with (
        begun.checkpoints() as checkpoints,
        kept(recorder),
        written_down(begun.log, announce) as told,
        place.workspace.scratch() as scratch,
        watched(recorder, scratch, begun.lasted_s),
        seeded(ready.plan.seed),
    ):
        if not begun.resumes:
            steps.record_settings(ready, recorder, scratch)
            steps.keep_snapshot(ready, place)
        place.vault.seal(ready.data.sealed)
        told(Step("Looking for known mistakes"))
        checks = known_checks() if checks is None else checks
        found = steps.look_for_mistakes(ready, checks, recorder)
        surroundings = Surroundings(told, checkpoints, begun.resumes, profile)
        fitted = steps.fit(ready, recorder, scratch, workers, told, surroundings)
        guarded = getattr(fitted.model, "findings", ())
        found = steps.heard(ready, found, guarded, recorder)
        told(Step("Evaluating"))
        judged = steps.judge(ready, fitted)
        outcome, folds = judged.judged.outcome, fitted.repetitions[0][1]
        recorder.table(ready.rows.replace("-", "_"), as_table(outcome, folds))
        recorder.table("predictions_sample", sample(ready, judged))
        told(Step("Looking for weak segments"))
        segments, found = by_segment(ready, outcome, found, recorder)
        told(Step("Saving the model"))
        model = steps.save_model(ready, fitted, judged, recorder, scratch)
        run = steps.summed_up(ready, found, fitted, judged, model, recorder)
        run = looked_at(replace(run, segments=segments), ready, judged, recorder)
        recorder.metrics({name: each.value for name, each in run.metrics.items()})
        return publishing.publish(run, outcome, place, recorder, scratch)


def evaluate(
    run: Run | str,
    *,
    on: str | None = None,
    reason: str = "",
    store: Store | None = None,
    announce: Announce = silent,
) -> Run:
    """What a run is worth; on 'test' this opens the sealed rows, and the look is counted.

    Args:
        run: A run, or what it is called: an id, a name, 'last' or 'best'.
        on: None for what training found, on 'out-of-fold' or 'validation' rows, or 'test'.
        reason: Why the test is opened; goes into the ledger.
        store: Where the run is kept.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: A sealed row cannot be predicted; no look was spent.
        VaultError: The look cannot be recorded, so the rows stay sealed.
        UnsafeModelError: The model was changed since it was trained.
    """
    if on not in (None, OUT_OF_FOLD, VALIDATION, TEST):
        raise InputError(f"There are no rows {on!r} to evaluate on.", mend="--on test")
    place = Place.to_find(store)
    if on != TEST:
        with place.workspace.scratch_to_read() as scratch:
            known = replace(known_run(run, place, scratch), test=None)
        if on not in (None, known.evaluation.rows):
            raise InputError(
                f"{known.name} was judged on {known.evaluation.rows} rows in training, "
                f"and has no {on} rows.",
                where=f"run {known.run_id}",
                mend=f"--on {known.evaluation.rows}, or --on test",
            )
        return known
    with place.workspace.scratch() as scratch:
        known = known_run(run, place, scratch)
        # The model and its predictions first: if there are none, no look is spent.
        folder, digest = place.store.model(known.run_id, scratch)
        model = load_folder(folder, name=known.name, expected=digest, trust=None)
        announced = publishing.announced_by(known, place)
        features = place.vault.features(known.test_digest, known.schema.target)
        predicted = predict_sealed(model, features)
        announce(Step("Opening the sealed test rows"))
        workspace = str(place.workspace.root)
        look = Look(known.run_id, known.name, workspace, reason or "evaluate --on test")
        opened = place.vault.open(known.test_digest, look)
        with closing(place.attach(known.run_id, announce)) as recorder:
            mirror(look, opened.looks, recorder, scratch)
            announce(Step("Evaluating"))
            outcome, notes = confront(predicted, opened, announced.design)
            chosen = place.store.get(known.run_id).tags.get(CHOSEN_AMONG)
            notes = (*notes, chosen) if chosen else notes
            tested = publishing.tested(known, outcome, announced, opened.looks, notes, features)
            recorder.table("test", as_table(outcome))
            recorder.metrics(
                {f"test_{name}": each.value for name, each in tested.metrics.items()},
                step=opened.looks,
            )
            return publishing.publish(tested, announced, place, recorder, scratch)


def compare(
    first: Run | str, second: Run | str, *others: Run | str, store: Store | None = None
) -> Comparison:
    """Which runs are better than the first, on the rows that all predicted and none learnt from.

    Args:
        first: What the others are compared with: a run, or what it is called.
        second: Another.
        *others: Further ones; the intervals of all hold together.
        store: Where the runs are kept.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: They were trained on different data, predict different things, or share no rows.
    """
    place = Place.to_find(store)
    with place.workspace.scratch_to_read() as scratch:
        known = [
            known_run(each, place, scratch / str(number))
            for number, each in enumerate((first, second, *others))
        ]
        return compared(known, place, scratch)


def report(
    run: Run | str,
    kind: Literal["page", "card", "mistakes"] = "page",
    *,
    out: str | Path | None = None,
    store: Store | None = None,
) -> Path:
    """Write the page of a run again, its model card, or its mistakes, and return the path.

    Args:
        run: A run, or what it is called.
        kind: 'page'; 'card' for the model card: Markdown, with marked places for what only people
            can say, where what they wrote before is kept; or 'mistakes' for a table of all rows
            that were predicted wrongly and of labels that may be wrong: CSV, or Parquet.
        out: Where to write it; among the reports of the workspace if None.
        store: Where the run is kept.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        InputError: The folder of `out` cannot take it, there is a file in the place of a card that
            is none, or a table cannot be written in the form that `out` asks for.
    """
    if kind not in publishing.DRAWN:
        kinds = ", ".join(publishing.DRAWN)
        raise InputError(f"There is no report {kind!r} of a run.", mend=f"one of {kinds}")
    if out is not None:
        check_folder(Path(out))
    place = Place.to_find(store)
    with place.workspace.scratch() as scratch:
        known = known_run(run, place, scratch)
        return publishing.DRAWN[kind](known, place, Path(out) if out is not None else None)
