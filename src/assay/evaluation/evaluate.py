"""Evaluating: outcomes of several models on the same rows become metrics with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.data.schema import Schema, Task
from assay.errors import ExperimentError
from assay.evaluation.design import Design
from assay.evaluation.intervals import Replicates, replicate
from assay.evaluation.metrics import METRICS, default_primary, metrics_of
from assay.evaluation.miscalibration import miscalibration
from assay.evaluation.outcome import Codes, Outcome, most_probable
from assay.evaluation.result import Evaluation
from assay.evaluation.settings import EvaluationSettings, Resamples
from assay.predictions import Floats, Labels, Predictions


@dataclass(frozen=True)
class Judged:
    """An evaluation with the resamples behind it, for paired comparisons."""

    outcome: Outcome
    evaluation: Evaluation
    replicates: Replicates


def outcome_of(
    predictions: Predictions,
    target: Labels,
    schema: Schema,
    decided: Codes | None = None,
    *,
    weights: Floats | None = None,
    clusters: Codes | None = None,
    times: Floats | None = None,
    design: Design = Design.CHANCE,
) -> Outcome:
    """Put predictions beside the truth of the same rows.

    Args:
        predictions: Of the rows, with the classes of the schema.
        target: True labels or values of these rows, in their order, shape (n,).
        schema: Task and classes.
        decided: What was decided, as `Outcome` has it; the most probable when None.
        weights: Sample weights, shape (n,); None when all rows count the same.
        clusters: Which group each row belongs to, shape (n,); None when each stands for itself.
        times: When each row was, shape (n,); None when rows have no order.
        design: How the rows came about.
    """
    if not schema.task.is_classification:
        return Outcome(
            task=schema.task,
            rows=predictions.rows,
            truth=target,
            values=predictions.values,
            weights=weights,
            clusters=clusters,
            times=times,
            design=design,
        )
    probabilities = predictions.probabilities
    assert probabilities is not None
    return Outcome(
        task=schema.task,
        rows=predictions.rows,
        truth=schema.codes(target),
        classes=schema.classes,
        probabilities=probabilities,
        decided=most_probable(schema.task, probabilities) if decided is None else decided,
        weights=weights,
        clusters=clusters,
        times=times,
        design=design,
    )


def judge_together(
    outcomes: Mapping[str, Outcome],
    *,
    rows: str,
    primary: str,
    level: float,
    resamples: Resamples,
) -> dict[str, Judged]:
    """Evaluate models on the same rows and the same resamples.

    Args:
        outcomes: By model.
        rows: Which rows: 'out-of-fold', 'validation' or 'test'.
        primary: Metric to decide by.
        level: Level of the intervals.
        resamples: Bootstrap resamples.
    """
    first = next(iter(outcomes.values()))
    names = [*metrics_of(first.task, first.n_known)]
    replicates = replicate(list(outcomes.values()), resamples, names)
    return {
        name: Judged(outcome, _evaluation(outcome, each, rows, primary, level), each)
        for (name, outcome), each in zip(outcomes.items(), replicates, strict=True)
    }


def check_settings(settings: EvaluationSettings, task: Task, n_classes: int) -> str:
    """The metric to decide by, among so many classes.

    Raises:
        ExperimentError: The task has no such metric, no such calibration, or no threshold.
    """
    unfit = settings.threshold.unfit_for(task)
    if unfit is not None:
        mend = "leave evaluation.threshold out"
        raise ExperimentError(unfit, where="evaluation.threshold", mend=mend)
    if task is Task.MULTILABEL and settings.calibration not in ("auto", "none"):
        raise ExperimentError(
            f"evaluation.calibration is {settings.calibration!r}, which is for tasks in which a "
            "row has one class, and here it may have several labels.",
            where="evaluation.calibration",
            mend="evaluation: {calibration: none}",
        )
    if settings.calibration == "beta" and task is Task.MULTICLASS:
        raise ExperimentError(
            "evaluation.calibration is 'beta', which is for two classes, and there are more.",
            where="evaluation.calibration",
            mend="evaluation: {calibration: temperature}",
        )
    primary = settings.primary
    if primary is None:
        return default_primary(task)
    known = metrics_of(task, n_classes)
    if primary in known:
        return primary
    close = get_close_matches(primary, known, n=1)
    which = f"is no metric of a {task} task"
    if primary in METRICS[task]:
        fewest = METRICS[task][primary].fewest_classes
        which = f"is for {fewest} classes and more, and there are {n_classes}"
    raise ExperimentError(
        f"evaluation.primary is {primary!r}, which {which}.",
        where=f"metrics: {', '.join(known)}",
        mend=f"evaluation: {{primary: {close[0] if close else default_primary(task)}}}",
    )


def design_of(settings: EvaluationSettings, part: Part, folding: Folding) -> Design:
    """How the rows of a part came about, as far as the experiment says.

    Groups are drawn whole also where folds go forward in time: they were declared, and what is
    related in time within one goes with it.

    Raises:
        ExperimentError: Class counts are fixed where that cannot be: a regression has no classes,
            and neither whole groups nor blocks of time can be drawn with so many rows of each.
    """
    if settings.class_counts == "chance":
        return Design.TIME if folding.is_forward and part.groups is None else Design.CHANCE
    reason = None
    if not part.schema.task.is_classification:
        reason = "a regression has no classes"
    elif part.schema.task is Task.MULTILABEL:
        reason = "a row may have several labels, so that no draw keeps the counts of all of them"
    elif part.groups is not None:
        reason = "rows come in groups, which are drawn whole, whatever classes they hold"
    elif folding.is_forward:
        reason = "rows are in the order of time, and drawn in blocks, whatever classes they hold"
    if reason is None:
        return Design.CLASSES
    raise ExperimentError(
        f"evaluation.class_counts is 'fixed', but {reason}.",
        where="evaluation.class_counts",
        mend="evaluation: {class_counts: chance}",
    )


def _evaluation(
    outcome: Outcome, replicates: Replicates, rows: str, primary: str, level: float
) -> Evaluation:
    names = sorted(replicates.values, key=lambda name: name != primary)
    support: dict[str, int] = {}
    confusion: tuple[tuple[int, ...], ...] = ()
    found = None
    if outcome.task.is_classification:
        counts = outcome.class_counts
        support = {str(c): int(n) for c, n in zip(outcome.classes, counts, strict=True)}
    if outcome.task.is_classification and not outcome.has_labels:
        confusion = _confusion(outcome)
        found = miscalibration(outcome, level)
    return Evaluation(
        task=outcome.task,
        rows=rows,
        n=len(outcome),
        primary=primary,
        metrics={name: replicates.estimate(name, level) for name in names},
        support=support,
        confusion=confusion,
        miscalibration=found,
    )


def _confusion(outcome: Outcome) -> tuple[tuple[int, ...], ...]:
    """Rows by true and decided class; weights are scaled so that they sum to the rows."""
    k, weights = len(outcome.classes), outcome.known_weights
    cells = np.bincount(
        outcome.truth * k + outcome.decided, weights / weights.mean(), minlength=k * k
    )
    return tuple(map(tuple, cells.round().astype(int).reshape(k, k).tolist()))
