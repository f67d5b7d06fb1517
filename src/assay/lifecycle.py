"""The life of a model, one function per verb: each tells its story from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay import publishing, steps
from assay.checks.base import Check
from assay.checks.builtin import CHECKS
from assay.data.ledger import Look
from assay.errors import InputError
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.recorded import as_table, from_table
from assay.evaluation.result import Comparison
from assay.experiment.asking import ask
from assay.inference.loading import load_folder
from assay.inference.testing import confront, predict_sealed
from assay.monitor import Announce, Step, silent
from assay.pairs import names_apart, on_common_rows
from assay.place import Place
from assay.publishing import known_run
from assay.run import Run
from assay.seeding import seeded
from assay.tracking.keeping import kept
from assay.tracking.looks import mirror
from assay.tracking.notes import opening
from assay.tracking.resources import watched
from assay.tracking.store import Store
from assay.tracking.terminal import LOG, written_down
from assay.workspace import private


@private()
def train(
    source: Any,
    *,
    target: str | None = None,
    learner: Any = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    why: str = "",
    tags: Sequence[str] = (),
    workers: int | None = None,
    checks: Sequence[Check] = CHECKS,
    store: Store | None = None,
    announce: Announce = silent,
) -> Run:
    """Train a model one can trust: seal a test set, check, cross-fit, judge, finish, record.

    Args:
        source: An experiment file, or a table in memory (pandas, Polars, Arrow) with `target`.
        target: The column to predict of a table in memory.
        learner: A learner's name or import path, a scikit-learn estimator, or a learner.
        settings: More settings for a table in memory, nested as in the file.
        overrides: 'key=value' each, as `--set` on the command line.
        why: What the run is made for: a hypothesis, kept in the log book.
        tags: Words to find the run by, as 'baseline' or 'final'.
        workers: Parallel fits; by the size of the work and the cores when None.
        checks: What to look for.
        store: Where to keep the run; as the experiment says when None.
        announce: Told of progress.

    Raises:
        InputError: What is asked for cannot be done; nothing was recorded.
        LearnerError: A fit failed; the run is kept, marked as failed.
    """
    noted = opening(why, tags)
    announce(Step("Reading the experiment and its table"))
    ready = steps.made_ready(
        ask(source, target=target, learner=learner, settings=settings or {}, overrides=overrides)
    )
    loaded = ready.asked.loaded
    place = Place.to_begin(loaded.tracking_uri, store, loaded.experiment.tracking.artifacts)
    recorder = place.begin(
        loaded.name, ready.name, ready.tags | noted, mirrors=ready.mirrors, announce=announce
    )
    with (
        kept(recorder),
        written_down(recorder.growing(LOG), announce) as told,
        place.workspace.scratch() as scratch,
        watched(recorder, scratch),
        seeded(ready.plan.seed),
    ):
        steps.record_settings(ready, recorder, scratch)
        steps.keep_snapshot(ready, place)
        place.vault.seal(ready.data.sealed)
        told(Step("Looking for known mistakes"))
        found = steps.look_for_mistakes(ready, checks, recorder)
        fitted = steps.fit(ready, recorder, scratch, workers, told)
        told(Step("Evaluating"))
        judged = steps.judge(ready, fitted)
        outcome, folds = judged.judged.outcome, fitted.repetitions[0][1]
        recorder.table("out_of_fold", as_table(outcome, folds))
        recorder.table("predictions_sample", steps.sample(ready, judged))
        told(Step("Saving the model"))
        model = steps.save_model(ready, fitted, judged, recorder, scratch)
        run = steps.summed_up(ready, found, fitted, judged, model, recorder)
        recorder.metrics({name: each.value for name, each in run.metrics.items()})
        return publishing.publish(run, outcome, place, recorder, scratch)


def evaluate(
    run: Run | str,
    *,
    on: str = "out-of-fold",
    reason: str = "",
    store: Store | None = None,
    announce: Announce = silent,
) -> Run:
    """What a run is worth; on 'test' this opens the sealed rows, and the look is counted.

    Args:
        run: A run, or what it is called: an id, a name, 'last' or 'best'.
        on: 'out-of-fold' for what training found, or 'test'.
        reason: Why the test is opened; goes into the ledger.
        store: Where the run is kept.
        announce: Told of progress.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: A sealed row cannot be predicted; no look was spent.
        VaultError: The look cannot be recorded, so the rows stay sealed.
        UnsafeModelError: The model was changed since it was trained.
    """
    if on not in ("out-of-fold", "test"):
        raise InputError(f"There are no rows {on!r} to evaluate on.", mend="--on test")
    place = Place.to_find(store)
    if on == "out-of-fold":
        with place.workspace.scratch_to_read() as scratch:
            return replace(known_run(run, place, scratch), test=None)
    with place.workspace.scratch() as scratch:
        known = known_run(run, place, scratch)
        # The model and its predictions first: if there are none, no look is spent.
        folder, digest = place.store.model(known.run_id, scratch)
        model = load_folder(folder, name=known.name, expected=digest, trust=None)
        announced = from_table(place.store.table(known.run_id, "out_of_fold"), known.schema)
        features = place.vault.features(known.test_digest, known.schema.target)
        predicted = predict_sealed(model, features)
        announce(Step("Opening the sealed test rows"))
        workspace = str(place.workspace.root)
        look = Look(known.run_id, known.name, workspace, reason or "evaluate --on test")
        opened = place.vault.open(known.test_digest, look)
        with closing(place.attach(known.run_id, announce)) as recorder:
            mirror(look, opened.looks, recorder, scratch)
            announce(Step("Evaluating"))
            outcome, notes = confront(predicted, opened)
            tested = publishing.tested(known, outcome, announced, opened.looks, notes)
            recorder.table("test", as_table(outcome))
            recorder.metrics(
                {f"test_{name}": each.value for name, each in tested.metrics.items()},
                step=opened.looks,
            )
            return publishing.publish(tested, announced, place, recorder, scratch)


def compare(first: Run | str, second: Run | str, *, store: Store | None = None) -> Comparison:
    """Which of two runs is better, on the rows that both predicted out of fold.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        DataError: They were trained on different data, predict different things, or share no rows.
    """
    place = Place.to_find(store)
    with place.workspace.scratch_to_read() as scratch:
        a = known_run(first, place, scratch / "first")
        b = known_run(second, place, scratch / "second")
    shared = on_common_rows(a, b, place)
    before, after = replicate(shared, a.resamples)
    task, names = a.schema.task, names_apart(a, b)
    metrics = sorted(METRICS[task], key=lambda name: name != a.evaluation.primary)
    differences = tuple(
        paired(before, after, task=task, metric=metric, level=a.level, names=names)
        for metric in metrics
    )
    return Comparison(*names, len(shared[0]), differences)


def report(run: Run | str, *, store: Store | None = None) -> Path:
    """Write the page of a run again and return its path.

    Raises:
        NotFoundError: There is no such run, or it has no result.
    """
    place = Place.to_find(store)
    with place.workspace.scratch() as scratch:
        return publishing.draw(known_run(run, place, scratch), place)
