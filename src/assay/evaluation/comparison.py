"""Comparing: which of two models is better, and whether that is more than noise."""

from __future__ import annotations

import numpy as np

from assay.data.schema import Task
from assay.estimates import Estimate, aligned, significant
from assay.evaluation.intervals import Replicates, percentile
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
    return _judged(first, second, estimate, task, metric, names)


def independent(
    first: Replicates,
    second: Replicates,
    *,
    task: Task,
    metric: str,
    level: float,
    names: tuple[str, str],
) -> Difference:
    """Second minus first where the two were measured on different rows."""
    value = second.values[metric] - first.values[metric]
    n = min(first.n, second.n)
    reason = second.too_few or first.too_few
    if reason is not None:
        estimate = Estimate.without_interval(value, n=n, reason=reason)
    else:
        # Reversed, so that no resample of the one meets the same draw of the other.
        apart = second.resampled[metric] - first.resampled[metric][::-1]
        groups = [each.n_clusters for each in (first, second) if each.n_clusters is not None]
        method = f"{second.method} of both"
        estimate = percentile(value, apart, n, level, method, min(groups, default=None))
    return _judged(first, second, estimate, task, metric, names)


def _judged(
    first: Replicates,
    second: Replicates,
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
        first=first.values[metric],
        second=second.values[metric],
        estimate=estimate,
        better=better,
        verdict=_verdict(estimate, better, names),
    )


def _verdict(estimate: Estimate, better: str | None, names: tuple[str, str]) -> str:
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
