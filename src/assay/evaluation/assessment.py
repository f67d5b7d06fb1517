"""Assessing: predictions of held-out rows, a learner's and its baselines', become one result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Schema, Task
from assay.evaluation import support
from assay.evaluation.calibration import Calibrated, calibrate
from assay.evaluation.comparison import paired
from assay.evaluation.design import Design
from assay.evaluation.evaluate import Judged, judge_together, outcome_of
from assay.evaluation.goals import Goal
from assay.evaluation.importance import importances
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Codes, Outcome, most_probable
from assay.evaluation.result import OUT_OF_FOLD, Difference, Importance, Threshold
from assay.evaluation.settings import EvaluationSettings
from assay.evaluation.stability import with_choice
from assay.evaluation.threshold import choose, cross_decided, decide
from assay.predictions import Floats, Labels, Predictions


@dataclass(frozen=True)
class Assessment:
    """What predictions of rows that were not learnt from say of a learner.

    Attributes:
        judged: The learner, calibrated and decided as it will be logged, each fold by the others.
        baselines: The baselines on the same rows, as they are.
        gains: The learner against each baseline: the baseline first, the learner second.
        seeds: The primary metric of each repetition, the logged one first.
        by_fold: The same in each fold of each, NaN where the fold lacks a class that it needs;
            empty where folds are not drawn anew.
        calibrated: How the probabilities were calibrated; None for a regression, and for labels.
        threshold: For a binary task.
    """

    judged: Judged
    baselines: Mapping[str, Judged]
    gains: Mapping[str, Difference]
    seeds: Sequence[float]
    by_fold: Sequence[Sequence[float]]
    calibrated: Calibrated | None
    threshold: Threshold | None


def assess(
    repetitions: Sequence[tuple[Predictions, NDArray[Any]]],
    baselines: Mapping[str, Predictions],
    target: Labels,
    schema: Schema,
    *,
    settings: EvaluationSettings,
    primary: str,
    learner: str,
    weights: Floats | None = None,
    clusters: Codes | None = None,
    times: Floats | None = None,
    design: Design = Design.CHANCE,
    ordered: bool = False,
    rows: str = OUT_OF_FOLD,
) -> Assessment:
    """Calibrate, decide, evaluate and compare.

    Args:
        repetitions: Predictions of the learner with the fold of each row, shape (n,), by
            repetition: out of fold, or of validation rows, which have folds to be calibrated by.
        baselines: The baselines' predictions of these rows, by name.
        target: True labels or values of the same rows, shape (n,).
        schema: Task and classes.
        settings: The `evaluation` block.
        primary: Metric to decide by.
        learner: Name of the learner, for verdicts.
        weights: Sample weights of the rows, shape (n,); None when all count the same.
        clusters: Which group each row belongs to, shape (n,); None when each stands for itself.
        times: When each row was, shape (n,); None when rows have no order.
        design: How the rows came about.
        ordered: Whether folds are numbered in time order: then what calibrates or decides a fold
            is learnt from earlier folds only; the earliest is neither calibrated nor decided
            otherwise than at one half, or as costs alone have it.
        rows: Which rows: 'out-of-fold' or 'validation'.
    """
    truth = _Truth(target, schema, weights, clusters, times, design, ordered=ordered)
    predictions, folds = repetitions[0]
    own, calibrated, threshold = _decided(predictions, truth, folds, settings)
    method = calibrated.method if calibrated is not None else "none"
    settled = settings.model_copy(update={"calibration": method})
    beside = {
        name: _ranking(_decided(each, truth, folds, _plain(settings, name))[0], folds)
        for name, each in baselines.items()
    }
    repeated = [
        (_decided(each, truth, numbers, settled)[0], numbers) for each, numbers in repetitions[1:]
    ]
    metric = METRICS[schema.task][primary]
    drawn = [] if ordered or rows != OUT_OF_FOLD else [(own, folds), *repeated]
    level = settings.confidence
    judged, *others = judge_together(
        {"": own, **beside},
        rows=rows,
        primary=primary,
        level=level,
        resamples=settings.resamples,
    ).values()
    rivals = dict(zip(beside, others, strict=True))
    if threshold is not None:
        threshold = with_choice(threshold, judged, level=level, resamples=settings.resamples)
    return Assessment(
        judged=judged,
        baselines=rivals,
        gains={
            name: paired(
                rival.replicates,
                judged.replicates,
                task=schema.task,
                metric=primary,
                level=level,
                names=(name, learner),
            )
            for name, rival in rivals.items()
        },
        seeds=[judged.evaluation.headline.value, *(metric.of(each) for each, _ in repeated)],
        by_fold=[_by_fold(metric, *each) for each in drawn],
        calibrated=calibrated,
        threshold=threshold,
    )


def importance_of(
    shuffled: Mapping[tuple[str, ...], Predictions],
    target: Labels,
    schema: Schema,
    *,
    metric: str,
    level: float,
    calibrated: Calibrated | None = None,
    threshold: Threshold | None = None,
    weights: Floats | None = None,
    clusters: Codes | None = None,
    design: Design = Design.CHANCE,
) -> list[Importance]:
    """Permutation importance from predictions of the same rows, plain under no name.

    Measured is the model that is logged: calibrated, and decided at its threshold.

    Args:
        shuffled: Predictions by the features that are shuffled, one or several together.
        target: True labels or values of these rows, shape (n,).
        schema: Task and classes.
        metric: The metric whose loss is measured.
        level: Level of the intervals.
        calibrated: How the model's probabilities were calibrated; None when they were not.
        threshold: At which a binary model decides; None when by the most probable class.
        weights: Sample weights of the rows, shape (n,); None when all count the same.
        clusters: Which group each row belongs to, shape (n,); None when each stands for itself.
        design: How the rows came about.
    """
    plain = _Truth(target, schema, weights, clusters, design=design).beside(shuffled[()])
    outcomes = {
        names: _as_logged(plain, each, calibrated, threshold) for names, each in shuffled.items()
    }
    plain = outcomes.pop(())
    return importances(plain, outcomes, metric=metric, level=level)


@dataclass(frozen=True)
class _Truth:
    """What is known of the rows, whoever predicts them."""

    target: Labels
    schema: Schema
    weights: Floats | None = None
    clusters: Codes | None = None
    times: Floats | None = None
    design: Design = Design.CHANCE
    ordered: bool = False

    def beside(self, predictions: Predictions, decided: Codes | None = None) -> Outcome:
        return outcome_of(
            predictions,
            self.target,
            self.schema,
            decided,
            weights=self.weights,
            clusters=self.clusters,
            times=self.times,
            design=self.design,
        )


def _decided(
    predictions: Predictions, truth: _Truth, folds: NDArray[Any], settings: EvaluationSettings
) -> tuple[Outcome, Calibrated | None, Threshold | None]:
    """Calibrated and decided, each fold by what the others teach."""
    task, weights, ordered = truth.schema.task, truth.weights, truth.ordered
    if not task.is_classification or task is Task.MULTILABEL:
        return truth.beside(predictions), None, None
    codes = truth.schema.codes(truth.target)
    calibrated = calibrate(
        predictions,
        codes,
        folds,
        method=settings.calibration,
        task=task,
        level=settings.confidence,
        resamples=settings.resamples,
        weights=weights,
        clusters=truth.clusters,
        design=truth.design,
        ordered=ordered,
    )
    if task is not Task.BINARY:
        return truth.beside(calibrated.predictions), calibrated, None
    probabilities = calibrated.predictions.probabilities
    assert probabilities is not None
    positive, goal = probabilities[:, 1], settings.threshold
    decided = cross_decided(positive, codes, folds, goal, weights, ordered=ordered)
    threshold = choose(positive, codes, goal, weights)
    return truth.beside(calibrated.predictions, decided), calibrated, threshold


def _as_logged(
    rows: Outcome,
    predictions: Predictions,
    calibrated: Calibrated | None,
    threshold: Threshold | None,
) -> Outcome:
    """What the logged model makes of these rows where the learner predicts this."""
    if predictions.probabilities is None:
        return replace(rows, values=predictions.values)
    known = predictions if calibrated is None else calibrated.applied(predictions)
    probabilities = known.probabilities
    assert probabilities is not None
    decided = (
        most_probable(rows.task, probabilities)
        if threshold is None
        else decide(probabilities[:, 1], threshold.value)
    )
    return replace(rows, probabilities=probabilities, decided=decided)


def _ranking(outcome: Outcome, folds: NDArray[Any]) -> Outcome:
    """The outcome, ranking nothing where the same is said of all rows of a fold."""
    if outcome.probabilities is None:
        return outcome
    within = (np.ptp(outcome.probabilities[folds == fold], axis=0) for fold in np.unique(folds))
    return replace(outcome, ranks=any(spread.any() for spread in within))


def _plain(settings: EvaluationSettings, baseline: str) -> EvaluationSettings:
    """Baselines are shown as they are, not calibrated; the prior says the most frequent class.

    A threshold chosen for it would only say yes to every row: no strength of the learner's.
    """
    update: dict[str, Any] = {"calibration": "none"}
    if baseline == "prior":
        update["threshold"] = Goal.of(0.5)
    return settings.model_copy(update=update)


def _by_fold(metric: Metric, outcome: Outcome, folds: NDArray[Any]) -> list[float]:
    """A metric of the rows of each fold by themselves; NaN where they lack a class it needs."""
    needs_all = not {support.every_class, support.every_label}.isdisjoint(metric.needs)
    parts = (outcome.rows[folds == fold] for fold in np.unique(folds))
    found = [outcome.on_rows(rows.tolist()) for rows in parts]
    lacking = [needs_all and support.rarer_of(each) == 0 for each in found]
    return [nan if lacks else metric.of(each) for each, lacks in zip(found, lacking, strict=True)]
