"""What a search found: its trials, the best of them, and what that one is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import LearnerError
from assay.evaluation.evaluate import outcome_of
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Corrected
from assay.evaluation.time_blocks import clusters_of
from assay.run import Run
from assay.searching.asked import Asking
from assay.tuning.correction import correct
from assay.tuning.objective import COSTS, Objective
from assay.tuning.shelf import shelf_of
from assay.tuning.study import REASON, SETTINGS, Study
from assay.tuning.worker import BY_FOLD, SECONDS, STEPS

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_FEWEST_FOR_IMPORTANCE = 5


@dataclass(frozen=True)
class Trial:
    """One set of settings that was tried.

    Attributes:
        number: Counted from zero, in the order they began.
        state: complete, pruned, failed or running.
        settings: What was tried, by dotted name.
        values: Of each objective; empty unless complete.
        by_fold: The first objective in each fold.
        curve: What it was heard of on the way, by step.
        seconds: How long it took.
        steps: Rounds or epochs in all folds.
        reason: Why it failed or was ended; else empty.
    """

    number: int
    state: str
    settings: Mapping[str, Any]
    values: tuple[float, ...] = ()
    by_fold: tuple[float, ...] = ()
    curve: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    steps: int = 0
    reason: str = ""

    @classmethod
    def of(cls, trial: FrozenTrial) -> Trial:
        """Of Optuna's."""
        known, state = trial.user_attrs, trial.state.name.lower()
        return cls(
            number=trial.number,
            state={"fail": "failed"}.get(state, state),
            settings=known.get(SETTINGS, {}),
            values=tuple(trial.values) if state == "complete" else (),
            by_fold=tuple(known.get(BY_FOLD, ())),
            curve=dict(trial.intermediate_values),
            seconds=known.get(SECONDS, 0.0),
            steps=known.get(STEPS, 0),
            reason=known.get(REASON, ""),
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "settings": dict(self.settings),
            "values": list(self.values),
            "by_fold": list(self.by_fold),
            "curve": {str(step): value for step, value in self.curve.items()},
        }


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        study: Its name.
        objectives: What was searched for; the first decided.
        directions: 'maximize' or 'minimize' for each.
        trials: Every trial that counts, by number.
        best: Number of the trial that was trained.
        front: Numbers of the trials that no other beats in all objectives; empty for one objective.
        corrected: What the best is worth, having been chosen; None where no metric decided.
        importance: Share of the variance of the first objective that each setting explains.
        saved: Share of the time that pruning saved.
        run: The best settings as an ordinary run; None before it was trained.
        page: Where all of this is drawn; None before it was.
    """

    study: str
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    trials: tuple[Trial, ...]
    best: int
    front: tuple[int, ...]
    corrected: Corrected | None
    importance: Mapping[str, float]
    saved: float
    run: Run | None = None
    page: Path | None = None

    @property
    def best_trial(self) -> Trial:
        """The trial that was trained."""
        return next(each for each in self.trials if each.number == self.best)

    def count(self, state: str) -> int:
        """How many trials are in a state."""
        return sum(each.state == state for each in self.trials)

    def as_dict(self) -> dict[str, Any]:
        return {
            "study": self.study,
            "objectives": list(self.objectives),
            "directions": list(self.directions),
            "best": self.best_trial.as_dict(),
            "front": list(self.front),
            "corrected": self.corrected.as_dict() if self.corrected is not None else None,
            "importance": dict(self.importance),
            "saved": self.saved,
            "trials": [each.as_dict() for each in self.trials],
            "run": self.run.summary() if self.run is not None else None,
            "page": str(self.page) if self.page is not None else None,
        }

    def __repr__(self) -> str:
        return f"Found({self.study}: best of {len(self.trials)} trials is {self.best})"


def summed_up(asking: Asking, study: Study) -> Found:
    """What a search found so far.

    Raises:
        LearnerError: No trial came to a score.
    """
    best = best_of(study, asking.objective)
    if best is None:
        raise _nothing(study)
    names = asking.objective.names
    trials = sorted(study.counted, key=lambda each: each.number)
    return Found(
        study=asking.search.place.name,
        objectives=names,
        directions=asking.objective.directions,
        trials=tuple(map(Trial.of, trials)),
        best=best.number,
        front=tuple(each.number for each in study.optuna.best_trials) if len(names) > 1 else (),
        corrected=_corrected(asking, study),
        importance=_importance(study),
        saved=_saved(study),
    )


def best_of(study: Study, objective: Objective) -> FrozenTrial | None:
    """The complete trial that is best by the first objective; of equals by the next ones."""
    signs = [1.0 if each == "minimize" else -1.0 for each in objective.directions]

    def rank(trial: FrozenTrial) -> tuple[float, ...]:
        values = (sign * each for sign, each in zip(signs, trial.values, strict=True))
        return (*values, trial.number)

    return min(study.complete, key=rank, default=None)


def _nothing(study: Study) -> LearnerError:
    ended = study.ended
    reasons = sorted({each.user_attrs.get(REASON) or "pruned" for each in ended})
    return LearnerError(
        f"None of {len(ended)} trials came to a score."
        if ended
        else "The time was over before the first trial was.",
        where="\n".join(reasons[:5]),
        mend="give it more time (tuning.seconds), or mend the space; one trial by itself: "
        "assay train",
    )


def _corrected(asking: Asking, study: Study) -> Corrected | None:
    metric = asking.objective.names[0]
    if metric in COSTS:
        return None
    shelf = shelf_of(study.place)
    outcomes = []
    for each in sorted(study.complete, key=lambda each: each.number):
        predictions = shelf.get(each.number)
        if predictions is not None:
            outcomes.append(_outcome(asking, predictions))
    level = asking.ready.asked.loaded.experiment.evaluation.confidence
    return correct(outcomes, metric, level) if outcomes else None


def _outcome(asking: Asking, predictions: Any) -> Outcome:
    development = asking.ready.data.development
    if predictions.probabilities is not None:
        predictions = replace(predictions, classes=development.schema.class_array)
    part = development.take(development.rows.searchsorted(predictions.rows))
    return outcome_of(
        predictions,
        part.known_target,
        part.schema,
        weights=part.weights,
        clusters=clusters_of(part, asking.ready.design),
        times=part.times,
        design=asking.ready.design,
    )


def _importance(study: Study) -> Mapping[str, float]:
    """By fANOVA (Hutter, Hoos & Leyton-Brown, ICML 2014), where there are trials enough."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    complete = study.complete
    if len(complete) < _FEWEST_FOR_IMPORTANCE or len({each.values[0] for each in complete}) < 2:
        return {}
    try:
        found = get_param_importances(
            study.optuna,
            evaluator=FanovaImportanceEvaluator(seed=0),
            target=lambda each: each.values[0],
        )
    except (ValueError, RuntimeError):  # of conditions, no setting may be in all trials
        return {}
    return dict(found)


def _saved(study: Study) -> float:
    """Share of the time that pruning saved: what a pruned trial lacks to a typical complete one."""
    complete = sorted(each.user_attrs.get(SECONDS, 0.0) for each in study.complete)
    pruned = [
        each.user_attrs.get(SECONDS, 0.0) for each in study.ended if each.state.name == "PRUNED"
    ]
    if not complete or not pruned:
        return 0.0
    typical = complete[len(complete) // 2]
    spared = sum(max(0.0, typical - each) for each in pruned)
    return spared / (spared + sum(complete) + sum(pruned))
