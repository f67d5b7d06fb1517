"""Comparing: which of two models is better, and whether that is more than noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.data.schema import Task
from assay.estimates import Estimate, aligned, significant
from assay.evaluation.closed import of_difference
from assay.evaluation.intervals import Replicates
from assay.evaluation.metrics import METRICS
from assay.evaluation.result import Difference


def paired(
    first: Replicates,
    second: Replicates,
    *,
    task: Task,
    metric: str,
    level: float,
    names: tuple[str, str],
) -> Difference:
    """Second minus first on the same rows and resamples.

    Args:
        first: Of the first model.
        second: Of the second model, on the same rows.
        task: Of both.
        metric: The metric to compare by.
        level: Level of the interval.
        names: What to call the two in the verdict.
    """
    estimate = second.difference(first, metric, level)
    values = first.values[metric], second.values[metric]
    return _judged(values, estimate, task, metric, names)


def independent(
    first: Replicates,
    second: Replicates,
    *,
    task: Task,
    metric: str,
    level: float,
    names: tuple[str, str],
    flattery: float = 0.0,
) -> Difference:
    """Second minus first where the two were measured on different rows.

    The ends are those that the intervals of both add up to (Zou and Donner 2008, 'MOVER').

    Args:
        first: Of the first model.
        second: Of the second model.
        task: Of both.
        metric: The metric to compare by.
        level: Level of the interval.
        names: What to call the two in the verdict.
        flattery: By how much the first is too high for having been chosen by this very metric; its
            interval is as wide without it.
    """
    before = _without(flattery, first.estimate(metric, level))
    after = second.estimate(metric, level)
    value, n = after.value - before.value, min(first.n, second.n)
    if before.low is None or before.high is None or after.low is None or after.high is None:
        reason = after.reason or before.reason or ""
        estimate = Estimate.without_interval(value, n=n, reason=reason)
    else:
        ends = of_difference(
            before.value, (before.low, before.high), after.value, (after.low, after.high)
        )
        estimate = Estimate(value, *ends, n=n, level=level, method=f"{after.method} of both")
    return _judged((before.value, after.value), estimate, task, metric, names)


def _without(flattery: float, each: Estimate) -> Estimate:
    if each.low is None or each.high is None:
        return replace(each, value=each.value - flattery)
    return replace(
        each, value=each.value - flattery, low=each.low - flattery, high=each.high - flattery
    )


def _judged(
    values: tuple[float, float],
    estimate: Estimate,
    task: Task,
    metric: str,
    names: tuple[str, str],
) -> Difference:
    better = None
    if estimate.excludes_zero:
        more_is_better = METRICS[task][metric].greater_is_better
        better = "second" if (estimate.value > 0) == more_is_better else "first"
    return Difference(
        metric=metric,
        first=values[0],
        second=values[1],
        estimate=estimate,
        better=better,
        verdict=_verdict(estimate, better, names),
    )


def _verdict(estimate: Estimate, better: str | None, names: tuple[str, str]) -> str:
    if not estimate.has_interval and estimate.value == 0:
        return "The difference is within noise: nothing tells the two apart on these rows."
    if not estimate.has_interval:
        return f"It cannot be said which is better: {estimate.reason}."
    assert estimate.low is not None
    assert estimate.high is not None
    if better is None:
        low, high = aligned(estimate.low, estimate.high)
        return f"The difference is within noise ({low} to {high})."
    winner, loser = names[::-1] if better == "second" else names
    low, high = sorted(np.abs([estimate.low, estimate.high]))
    low_text, high_text = aligned(low, high)
    by = significant(abs(estimate.value))
    return f"{winner} is better than {loser} by {by} ({low_text} to {high_text})."
