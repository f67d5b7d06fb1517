"""`assay tune`: search, correct, train the best."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay import lifecycle
from assay.evaluation.result import Corrected
from assay.experiment.asking import ask
from assay.learners.auto import AutoLearner
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.reports.wording import counted
from assay.searching.asked import Asking, asked_for, changes_of
from assay.searching.auto import FoundEnsemble, refuse_what_is_of_auto, tune_auto
from assay.searching.found import Found, best_of, summed_up
from assay.searching.page import write
from assay.searching.processes import workers as at_work
from assay.searching.recording import STUDY, Record
from assay.searching.telling import worth
from assay.tracking.keeping import kept
from assay.tracking.runs import CHOSEN_AMONG
from assay.tracking.store import Store
from assay.tuning.study import Study
from assay.tuning.worker import work
from assay.workspace import file_name, private

_POLL_S = 0.25


@private()
def tune(
    source: Any,
    *,
    target: str | None = None,
    learner: str | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    study: str | None = None,
    workers: int | None = None,
    why: str = "",
    tags: Sequence[str] = (),
    store: Store | None = None,
    announce: Announce = silent,
) -> Found | FoundEnsemble:
    """Search for better settings, say what the best are worth, and train them as a run.

    Interrupted, or killed, the same call goes on where it was.

    Args:
        source: An experiment file, or a table in memory with `target`.
        target: The column to predict of a table in memory.
        learner: Name or import path of the learner, of a table in memory.
        settings: More settings for a table in memory, nested as in the file.
        overrides: 'key=value' each.
        study: Name of the study; that of the experiment when None.
        workers: Processes that try settings at the same time; one when None, and of the learner
            `auto` one for each core.
        why: What the run is made for.
        tags: What the run is found by.
        store: Where the runs are kept.
        announce: Told of progress.

    Raises:
        InputError: The space is impossible, or a study of this name searched something else.
        LearnerError: No trial came to a score.
    """
    announce(Step("Reading the experiment and its table"))
    given: dict[str, Any] = {"target": target, "learner": learner, "settings": settings or {}}
    asked = ask(source, overrides=overrides, **given)
    if isinstance(asked.learner, AutoLearner):
        return tune_auto(
            asked, study=study, workers=workers, why=why, tags=tags, store=store, announce=announce
        )
    loaded = asked.loaded
    refuse_what_is_of_auto(loaded.experiment.tuning)
    place = Place.to_begin(loaded.tracking_uri, store, loaded.experiment.tracking.artifacts)
    asking = asked_for(asked, study, place)
    opened = asking.search.study(asking.objective)
    try:
        found = _searched(asking, opened, workers or 1, place, announce)
    finally:
        opened.close()
    n_trials = counted(len(found.trials), "trial")
    announce(Step(f"Training the best of {n_trials}"))
    best = found.best_trial
    chosen = f"Trial {best.number}, the best of {n_trials} of the study {found.study}."
    changes = [*changes_of(loaded, best.settings), f"training.seeds={asking.settings.seeds}"]
    winner = ask(source, overrides=[*overrides, *changes], **given)
    run = lifecycle.train(
        replace(
            winner,
            called=f"{winner.learner.name}-tuned",
            tags=_tags(found),
            corrected=_flattered(found),
        ),
        why=why or " ".join(filter(None, [chosen, worth(found)])),
        tags=tags,
        store=store,
        announce=announce,
    )
    return replace(found, run=run)


def _tags(found: Found) -> dict[str, str]:
    """What the winner's run is found by, and what its number is worth."""
    said = worth(found)
    return {STUDY: found.study, **({CHOSEN_AMONG: said} if said else {})}


def _flattered(found: Found) -> Corrected | None:
    """What the best is worth; None where there was nothing to choose from."""
    corrected = found.corrected
    return corrected if corrected is not None and corrected.candidates > 1 else None


def _searched(
    asking: Asking, study: Study, workers: int, place: Place, announce: Announce
) -> Found:
    """Try settings until it is enough, in this process or in others; recorded as a run."""
    study.give_back()
    record = Record(asking, study, place)
    said = f"Trying settings of {asking.ready.asked.learner.name}"

    def tell() -> None:
        record.tell()
        best = best_of(study, asking.objective)
        shown = "" if best is None else f"best {asking.objective.names[0]} {best.values[0]:.5g}"
        announce(Step(said, len(study.ended), asking.search.most or 0, detail=shown))

    with kept(record.recorder), place.workspace.scratch() as scratch:
        tell()
        if workers <= 1:
            work(asking.search, asking.objective, asking.make, study, tell)
        else:
            _in_processes(asking, study, workers, scratch, tell)
        tell()
        found = _drawn(summed_up(asking, study), asking, place)
        record.finish(found, scratch)
    return found


def _drawn(found: Found, asking: Asking, place: Place) -> Found:
    """The same with its page, which is beside the reports."""
    name = asking.ready.asked.loaded.name
    folder = place.workspace.reports_folder / file_name(name)
    return replace(found, page=write(found, name, folder / f"{file_name(found.study)}-search.html"))


def _in_processes(asking: Asking, study: Study, workers: int, scratch: Path, tell: Any) -> None:
    with at_work(asking, workers, scratch) as running:
        while running.are_needed(study, asking.search):
            time.sleep(_POLL_S)
            tell()
    study.give_back()
