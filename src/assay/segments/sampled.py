"""Sampled: a metric of some of the rows, on resamples of all rows that every segment has in common.

What segments have in common tells at which level their intervals hold together, and where rows
come in groups that lie in several segments, how far these vary as one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from assay.estimates import Estimate
from assay.evaluation.closed import DECIDED, F1, FOUND, of_difference, of_share
from assay.evaluation.metrics import Metric
from assay.evaluation.outcome import Outcome
from assay.evaluation.sampling import Sampling
from assay.evaluation.spread import Spread
from assay.evaluation.support import enough, enough_for_design
from assay.evaluation.weighted import Counts, Scored, Weighted, of_equal_rows
from assay.predictions import Floats
from assay.segments.meeting import Mask

_OF_POSITIVES = (F1, DECIDED, FOUND)
"""Closed forms of metrics that are nothing, not bad, where there is no positive row to find."""


@dataclass(frozen=True)
class Sampled:
    """A metric of some rows.

    Attributes:
        metric: Which.
        value: On all of them.
        resampled: On those of them that each resample draws, shape (b,); empty where rows are few.
        left_out: Without those of each group of rows, shape (g,); empty likewise.
        touched: Which of these groups they have rows in, shape (g,).
        n: How many they are.
        n_units: How many rows, or clusters of them.
        reason: Why there is no interval; None where there is one.
        confusion: Counts by true and decided class, (k, k); None where rows are not independent and
            of equal weight, class counts are fixed, or nothing is decided.
        sampling: What was drawn of all rows.
    """

    metric: Metric
    value: float
    resampled: Floats
    left_out: Floats
    touched: Mask
    n: int
    n_units: int
    reason: str | None
    confusion: Floats | None
    sampling: Sampling

    def estimate(self, level: float) -> Estimate:
        """The metric with its interval."""
        if self.reason is not None:
            return Estimate.without_interval(self.value, n=self.n, reason=self.reason)
        closed = self.metric.closed
        if closed is not None and self.confusion is not None:
            ends = closed.ends(self.confusion, level)
            if ends is None:
                return Estimate.without_interval(self.value, n=self.n, reason=closed.undefined)
            return Estimate(self.value, *ends, n=self.n, level=level, method=closed.method)
        if self.metric.is_share and self.confusion is not None:
            return of_share(self.value, self.n, level)
        spread = Spread(
            self.value,
            self.resampled,
            self.left_out[self.touched],
            self.n_units,
            np.flatnonzero(self.touched) if self.sampling.in_time else None,
        )
        return spread.estimate(self.n, level, self.sampling.method)

    @property
    def is_tied(self) -> bool:
        """Whether parts that have no row in common still vary together.

        Clusters may lie in both; of rows of each class, what is in one is not in another.
        """
        return self.sampling.clustered or self.sampling.strata is not None


def sampled(
    outcome: Outcome, parts: Sequence[Mask], metrics: Sequence[Metric], resamples: int
) -> list[list[Sampled]]:
    """Each metric of each part.

    Args:
        outcome: All rows.
        parts: Which of them, at least one row each, shape (n,) each.
        metrics: The metrics.
        resamples: Bootstrap resamples.
    """
    sampling = Sampling.of(outcome)
    scored = [Scored(outcome.on_rows(outcome.rows[part].tolist())) for part in parts]
    places = [np.flatnonzero(part) for part in parts]
    wanting = [enough_for_design(outcome) or enough(each.outcome) for each in scored]

    def measured(weights: Floats | Counts) -> list[list[Floats]]:
        return [
            []
            if lacking
            else [m.values(Weighted(each, weights.take(place, axis=1))) for m in metrics]
            for each, place, lacking in zip(scored, places, wanting, strict=True)
        ]

    # A segment may have rows of one class only, of which some metrics are not defined.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore", RuntimeWarning)
        drawn, left = sampling.over(measured, resamples)
        values = [[metric.of(each.outcome) for metric in metrics] for each in scored]
    groups, n_groups = sampling.groups, int(sampling.groups.max()) + 1
    found = []
    for at, (each, place) in enumerate(zip(scored, places, strict=True)):
        touched = np.bincount(groups[place], minlength=n_groups) > 0
        base = Sampled(
            metric=metrics[0],
            value=0.0,
            resampled=np.empty(0),
            left_out=np.empty(0),
            touched=touched,
            n=len(place),
            n_units=len(place) if sampling.members is None else _n(sampling.members[place]),
            reason=wanting[at],
            confusion=_confusion(each) if sampling.is_simple else None,
            sampling=sampling,
        )
        found.append(
            [
                replace(
                    base,
                    metric=metric,
                    value=values[at][m],
                    resampled=_joined(drawn, at, m, lacks=wanting[at] is not None),
                    left_out=_joined(left, at, m, lacks=wanting[at] is not None),
                    reason=wanting[at] or _lacking(metric, each.outcome, values[at][m], sampling),
                )
                for m, metric in enumerate(metrics)
            ]
        )
    return found


def apart(first: Sampled, second: Sampled, level: float) -> Estimate:
    """Second minus first, of rows that have none in common.

    The ends are those that the intervals of both add up to (Zou and Donner 2008, 'MOVER'), and
    where both vary together, those of their common resamples.
    """
    value, n = second.value - first.value, min(first.n, second.n)
    one, other = first.estimate(level), second.estimate(level)
    reason = one.reason or other.reason
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Estimate.without_interval(value, n=n, reason=reason or "")
    if not first.is_tied:
        ends = of_difference(
            first.value, (one.low, one.high), second.value, (other.low, other.high)
        )
        return Estimate(value, *ends, n=n, level=level, method=other.method)
    spread = Spread(
        value,
        second.resampled - first.resampled,
        second.left_out - first.left_out,
        min(first.n_units, second.n_units),
        np.arange(len(first.left_out)) if first.sampling.in_time else None,
    )
    return spread.difference(n, level, first.sampling.method)


def _joined(blocks: Sequence[list[list[Floats]]], at: int, metric: int, *, lacks: bool) -> Floats:
    return np.empty(0) if lacks else np.concatenate([each[at][metric] for each in blocks])


def _lacking(metric: Metric, outcome: Outcome, value: float, sampling: Sampling) -> str | None:
    if metric.closed in _OF_POSITIVES and not (outcome.truth == 1).any():
        return "no row is positive"
    if metric.closed is not None and sampling.is_simple:
        return None  # closed forms say themselves what is wanting
    return next(filter(None, (need(outcome, value) for need in metric.needs)), None)


def _confusion(each: Scored) -> Floats | None:
    if each.outcome.decided is None:
        return None
    return of_equal_rows(each)


def _n(members: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    return len(np.unique(members))
