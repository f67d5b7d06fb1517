"""Intervals: how far a metric may be from its true value, given how few rows it was computed on.

Bootstrap over rows, over rows within classes or over clusters of rows, corrected for bias and
skewness (BCa, Efron 1987) and read further out the fewer rows tell the metric (`spread.py`); shares
of rows have an interval in closed form (`closed.py`), where rows are independent and count the
same. Two models judged on the same rows are judged on the same resamples: differences are paired by
construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.closed import of_share
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.sampling import Sampling
from assay.evaluation.settings import Resamples
from assay.evaluation.spread import Spread
from assay.evaluation.support import enough, enough_for_design
from assay.evaluation.weighted import Counts, Scored, Weighted, of_equal_rows
from assay.predictions import Floats


@dataclass(frozen=True)
class Replicates:
    """Metrics of one outcome, on all rows, on every resample, and without each group of rows.

    Attributes:
        task: What was predicted.
        values: Each metric on all rows, by name.
        resampled: Each metric on every resample, by name, shape (b,).
        left_out: Each metric without each group of rows or clusters, by name, shape (g,).
        n: Number of rows.
        n_units: Number of what was drawn, rows or clusters.
        too_few: Why no resample tells anything; None when they do.
        wanting: Why a metric has no interval though others have one, by name.
        confusion: Counts of independent rows of equal weight by true and decided class, (k, k);
            None where there are none.
        method: How the resamples were drawn.
        given_classes: Whether as many rows of each class were drawn as there are.
        in_time: Whether groups of rows follow each other in time.
    """

    task: Task
    values: Mapping[str, float]
    resampled: Mapping[str, Floats]
    left_out: Mapping[str, Floats]
    n: int
    n_units: int
    too_few: str | None
    wanting: Mapping[str, str] = field(default_factory=dict)
    confusion: Floats | None = None
    method: str = "bootstrap"
    given_classes: bool = False
    in_time: bool = False

    def estimate(self, name: str, level: float) -> Estimate:
        """One metric with its interval."""
        value, metric = self.values[name], METRICS[self.task][name]
        closed = metric.closed
        if closed is not None and self.given_classes:
            closed = closed.given_classes
        if closed is not None and self.confusion is not None:
            ends = closed.ends(self.confusion, level)
            if ends is None:
                return Estimate.without_interval(value, n=self.n, reason=closed.undefined)
            return Estimate(value, *ends, n=self.n, level=level, method=closed.method)
        if metric.is_share and self.confusion is not None and not self.given_classes:
            return of_share(value, self.n, level)
        return self.resampling(name, level)

    def resampling(self, name: str, level: float) -> Estimate:
        """One metric with the interval that its resamples give."""
        value, reason = self.values[name], self.too_few or self.wanting.get(name)
        if reason is not None:
            return Estimate.without_interval(value, n=self.n, reason=reason)
        spread = self._spread(value, self.resampled[name], self.left_out[name])
        return spread.estimate(self.n, level, self.method)

    def difference(self, other: Replicates, name: str, level: float) -> Estimate:
        """This metric minus the other outcome's on the same rows, paired."""
        value = self.values[name] - other.values[name]
        # What is wanting of one of the two only, the other tells.
        reason = self.too_few or (self.wanting.get(name) if name in other.wanting else None)
        if reason is not None:
            return Estimate.without_interval(value, n=self.n, reason=reason)
        spread = self._spread(
            value,
            self.resampled[name] - other.resampled[name],
            self.left_out[name] - other.left_out[name],
        )
        return spread.difference(self.n, level, f"paired {self.method}")

    def _spread(self, value: float, resampled: Floats, left_out: Floats) -> Spread:
        places = np.arange(len(left_out)) if self.in_time else None
        return Spread(value, resampled, left_out, self.n_units, places)


def replicate(
    outcomes: Sequence[Outcome], resamples: Resamples, names: Sequence[str] = ()
) -> list[Replicates]:
    """Metrics of outcomes on the same rows, each on the same resamples.

    Args:
        outcomes: Outcomes of one task on the same rows; weights, clusters and design are the first
            one's.
        resamples: Number of bootstrap resamples; by the number of rows or clusters if 'auto'.
        names: The metrics to compute; all of the task when empty.
    """
    first = outcomes[0]
    order = _ranking(first)
    chosen = [METRICS[first.task][name] for name in names or METRICS[first.task]]
    scored = [Scored(outcome.take(order)) for outcome in outcomes]
    sampling = Sampling.of(first).in_order(order)
    too_few = enough(first) or enough_for_design(first)

    def read(weights: Floats | Counts) -> list[dict[str, Floats]]:
        return _of_all(scored, chosen, weights)

    blocks, spans = ([], []) if too_few else sampling.over(read, resamples)
    with threadpool_limits(1, "blas"):
        # In the rows' own order: another would give other last bits.
        plain = _of_all([*map(Scored, outcomes)], chosen, first.known_weights[None])
    values = [{name: float(value[0]) for name, value in each.items()} for each in plain]
    return [
        Replicates(
            task=first.task,
            values=values[position],
            resampled=joined([each[position] for each in blocks]),
            left_out=joined([each[position] for each in spans]),
            n=len(first),
            n_units=sampling.n_units,
            too_few=too_few,
            wanting={} if too_few else _wanting(each.outcome, values[position], chosen),
            confusion=_counted(each, chosen) if sampling.are_equal else None,
            method=sampling.method,
            given_classes=sampling.strata is not None,
            in_time=sampling.in_time,
        )
        for position, each in enumerate(scored)
    ]


def widened(level: float, looks: int) -> float:
    """The level at which the last of several looks must be read.

    The first is read as it was announced to be. All later ones together err no more often than
    that, however many follow: the k-th may err with 1 / (k (k - 1)) of what the level allows,
    which adds up to one.

    >>> [round(widened(0.95, looks), 4) for looks in (1, 2, 3, 5)]
    [0.95, 0.975, 0.9917, 0.9975]
    """
    return level if looks < 2 else 1 - (1 - level) / (looks * (looks - 1))


def joined(blocks: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """What was read of each block of draws as one, by name; of no blocks nothing."""
    names = blocks[0] if blocks else ()
    return {name: np.concatenate([block[name] for block in blocks]) for name in names}


def _ranking(outcome: Outcome) -> Codes:
    """Positions of the rows by rising score: what is summed up to a score is then read in order."""
    if outcome.probabilities is None:
        return np.arange(len(outcome))
    return np.argsort(outcome.probabilities[:, -1], kind="stable")


def _of_all(
    scored: Sequence[Scored], chosen: Sequence[Metric], weights: Floats | Counts
) -> list[dict[str, Floats]]:
    """Each metric of each outcome under each set of weights, shape (b,)."""
    # One after the other: each holds a copy of the weights while it is read.
    every = (Weighted(each, weights) for each in scored)
    return [{metric.name: metric.values(each) for metric in chosen} for each in every]


def _wanting(
    outcome: Outcome, values: Mapping[str, float], chosen: Sequence[Metric]
) -> dict[str, str]:
    """The first of its needs that each metric lacks, by name; those that lack none left out."""
    reasons = {}
    for metric in chosen:
        lacking = (need(outcome, values[metric.name]) for need in metric.needs)
        reason = next(filter(None, lacking), None)
        if reason is not None:
            reasons[metric.name] = reason
    return reasons


def _counted(scored: Scored, chosen: Sequence[Metric]) -> Floats | None:
    """Rows by true and decided class, (k, k); None where no metric asks for them."""
    if all(metric.closed is None and not metric.is_share for metric in chosen):
        return None
    return of_equal_rows(scored)
