"""Searching with the learner `auto`: configurations of several learners, and an ensemble of them.

The run says which candidates took part, as an experiment file would, so that it can be done again
without the search.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay import lifecycle, steps
from assay.errors import ExperimentError
from assay.evaluation.result import Corrected
from assay.experiment.asking import Asked
from assay.learners.adapt import resolve_learner
from assay.monitor import Announce, Step
from assay.place import Place
from assay.reports.wording import counted
from assay.run import Run
from assay.searching.asked import with_settings
from assay.searching.interrupted import interruptible
from assay.searching.recording import STUDY
from assay.searching.recording_auto import EnsembleRecord
from assay.threads import cores
from assay.tracking.keeping import kept as recorded
from assay.tracking.runs import CHOSEN_AMONG
from assay.tracking.store import Store
from assay.tuning.auto import build
from assay.tuning.budget import Budget
from assay.tuning.building import Built
from assay.tuning.kept import Kept
from assay.tuning.leaderboard import Leaderboard
from assay.tuning.settings import TuningSettings

_FINISHING_S, _FINISHING_A_ROW_S, _MOST_FINISHING = 4.5, 3e-5, 0.25
"""Seconds that are left for evaluation, report and saving, and the most of the time for them."""
_OF_OTHERS = ("space", "objectives", "storage", "patience")


@dataclass(frozen=True)
class FoundEnsemble:
    """What a search of `auto` found.

    Attributes:
        study: Its name.
        leaderboard: Every configuration that was tried.
        corrected: What the ensemble is worth: each row by weights that other folds chose.
        run: The ensemble as an ordinary run.
    """

    study: str
    leaderboard: Leaderboard
    corrected: Corrected
    run: Run

    def as_dict(self) -> dict[str, Any]:
        return {
            "study": self.study,
            "leaderboard": self.leaderboard.as_dict(),
            "corrected": self.corrected.as_dict(),
            "run": self.run.summary(),
        }

    def __repr__(self) -> str:
        board = self.leaderboard
        return f"FoundEnsemble({self.study}: {board.n_members} of {len(board.rows)})"


def tune_auto(
    asked: Asked,
    *,
    study: str | None,
    workers: int | None,
    why: str,
    tags: Sequence[str],
    store: Store | None,
    announce: Announce,
) -> FoundEnsemble:
    """Try configurations within the budget, and train the ensemble of the best as a run.

    Raises:
        InputError: What is asked for does not fit the data, or `auto`.
        LearnerError: No configuration could be fitted.
    """
    loaded = asked.loaded
    settings = loaded.experiment.tuning
    _refuse_what_is_of_others(settings)
    place = Place.to_begin(loaded.tracking_uri, store, loaded.experiment.tracking.artifacts)
    ready = steps.made_ready(asked)
    name = study or loaded.name
    with interruptible(ready, place, name) as kept:
        budget = _budget(asked, len(ready.data.development), workers or cores(), kept)
        record = EnsembleRecord(ready, name, place, kept)
        with recorded(record.recorder), place.workspace.scratch() as scratch:
            built = build(
                ready.data.development,
                ready.plan,
                budget,
                metric=ready.primary,
                scratch=scratch,
                announce=announce,
                kept=kept,
                ended=record.tell,
            )
            record.finish(built, scratch)
        n = len(built.leaderboard.rows)
        announce(Step(f"Recording the ensemble of {built.leaderboard.n_members} out of {n}"))
        run = lifecycle.train(
            replace(_explicit(asked, built), called="auto-tuned", tags=_tags(name, built)),
            why=why or f"The ensemble that {n} configurations of the study {name} came to.",
            tags=tags,
            store=store,
            announce=announce,
        )
    primary = run.evaluation.metrics[ready.primary]
    corrected = Corrected(ready.primary, built.flattered, primary, built.leaderboard.n_scored)
    return FoundEnsemble(name, built.leaderboard, corrected, run)


def _tags(study: str, built: Built) -> dict[str, str]:
    """What the run is found by, and what the choice means for its number."""
    n = built.leaderboard.n_scored
    if n < 2:
        return {STUDY: study}
    said = f"An ensemble chosen from {counted(n, 'trial')}"
    return {STUDY: study, CHOSEN_AMONG: f"{said}: each row is judged by weights of other folds."}


def _explicit(asked: Asked, built: Built) -> Asked:
    """What was asked for with the candidates that took part, and the ensemble they came to."""
    listed = [each.model_dump(mode="json") for each in built.candidates]
    loaded = with_settings(
        asked.loaded,
        {"model.options.candidates": listed, "model.options.folds": built.n_folds},
    )
    learner = resolve_learner(loaded.experiment.model, loaded.folder)
    return replace(asked, loaded=loaded, learner=learner, built=built)


def _budget(asked: Asked, rows: int, workers: int, kept: Kept) -> Budget:
    """What may be spent; the time began when the experiment was read, the first time."""
    settings = asked.loaded.experiment.tuning
    kept.counts_from(time.monotonic() - (time.perf_counter() - asked.started))
    until = None
    if settings.seconds is not None:
        finishing = _FINISHING_S + _FINISHING_A_ROW_S * rows
        until = kept.since + settings.seconds - min(finishing, _MOST_FINISHING * settings.seconds)
    return Budget(workers, settings.most_trials, until, settings.latency_ms)


def _refuse_what_is_of_others(settings: TuningSettings) -> None:
    """Refuse settings that mean nothing to `auto`.

    Raises:
        ExperimentError: One is set.
    """
    for name in _OF_OTHERS:
        if name in settings.model_fields_set and getattr(settings, name):
            raise ExperimentError(
                f"tuning.{name} is set, and the learner auto searches in a way of its own.",
                where=f"tuning.{name}",
                mend=f"leave {name} out, or name one learner: model: {{learner: boosting}}",
            )


def refuse_what_is_of_auto(settings: TuningSettings) -> None:
    """Refuse settings that mean nothing to searches of one learner.

    Raises:
        ExperimentError: One is set.
    """
    if settings.latency_ms is not None:
        raise ExperimentError(
            "tuning.latency_ms is set, which is for the learner auto: it lets members go.",
            where=f"tuning.latency_ms: {settings.latency_ms:g}",
            mend="tuning: {objectives: [log_loss, latency_ms]}, or model: {learner: auto}",
        )
