"""Intervals: how far a metric may be from its true value, given how few rows it was computed on.

Bootstrap over rows (Efron 1979) or over clusters of them, percentile ends; shares of rows have
Wilson's interval (1927), which covers at its level near 0 and 1 where the bootstrap does not, but
holds for independent rows of equal weight only. Two models judged on the same rows are judged on
the same resamples: differences are paired by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit
from threadpoolctl import threadpool_limits

from assay.estimates import Estimate
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Outcome
from assay.evaluation.sampling import Block, Sampling
from assay.evaluation.weighted import Counts, Scored, Weighted
from assay.predictions import Floats

FEWEST_ROWS = 20
"""Rows, and rows of the rarer class, below which no interval is honest (docs/why.md)."""

FEWEST_CLUSTERS = 30
"""Clusters, and clusters that hold the rarest class, below which none is."""


@dataclass(frozen=True)
class Replicates:
    """Metrics of one outcome, on all rows and on every resample.

    Attributes:
        values: Each metric on all rows, by name.
        resampled: Each metric on every resample, by name, shape (b,).
        shares: Of metrics that are k rows out of m: (k, m), by name.
        n: Number of rows.
        too_few: Why no interval can be given; None when one can.
        n_clusters: Number of clusters that were drawn; None when single rows were.
    """

    values: Mapping[str, float]
    resampled: Mapping[str, Floats]
    shares: Mapping[str, tuple[float, float]]
    n: int
    too_few: str | None
    n_clusters: int | None = None

    @property
    def method(self) -> str:
        """How the resamples were drawn."""
        return "bootstrap" if self.n_clusters is None else "cluster bootstrap"

    def estimate(self, name: str, level: float) -> Estimate:
        """One metric with its interval."""
        value = self.values[name]
        if name in self.shares and self.shares[name][1] >= FEWEST_ROWS:
            low, high = wilson(*self.shares[name], level)
            return Estimate(value, low, high, n=self.n, level=level, method="Wilson")
        if self.too_few is not None:
            return Estimate.without_interval(value, n=self.n, reason=self.too_few)
        return self._interval(value, self.resampled[name], level, self.method)

    def difference(self, other: Replicates, name: str, level: float) -> Estimate:
        """This metric minus the other outcome's on the same rows, paired."""
        value = self.values[name] - other.values[name]
        if self.too_few is not None:
            return Estimate.without_interval(value, n=self.n, reason=self.too_few)
        apart = self.resampled[name] - other.resampled[name]
        return self._interval(value, apart, level, f"paired {self.method}")

    def _interval(self, value: float, resampled: Floats, level: float, method: str) -> Estimate:
        return percentile(value, resampled, self.n, level, method, self.n_clusters)


def replicate(
    outcomes: Sequence[Outcome], resamples: int, names: Sequence[str] = ()
) -> list[Replicates]:
    """Metrics of outcomes on the same rows, each on the same resamples.

    Args:
        outcomes: Outcomes of one task on the same rows; weights and clusters are the first one's.
        resamples: Number of bootstrap resamples.
        names: The metrics to compute; all of the task when empty.
    """
    first = outcomes[0]
    chosen = [METRICS[first.task][name] for name in names or METRICS[first.task]]
    scored = [Scored(outcome) for outcome in outcomes]
    sampling = Sampling.of(first)
    too_few = _too_few(first, sampling)
    plain = [_measured(each, chosen, first.known_weights[None]) for each in scored]

    def measured(block: Block) -> list[dict[str, Floats]]:
        weights = sampling.draw(block)
        return [_measured(each, chosen, weights) for each in scored]

    # BLAS with threads of its own would fight with ours, and give other last bits.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor() as threads:
        blocks = list(threads.map(measured, [] if too_few else sampling.blocks(resamples)))
    return [
        Replicates(
            values={name: float(value[0]) for name, value in plain[position].items()},
            resampled={
                name: np.concatenate([block[position][name] for block in blocks])
                for name in (plain[position] if blocks else ())
            },
            shares=_shares(each, chosen) if sampling.is_simple else {},
            n=len(first),
            too_few=too_few,
            n_clusters=sampling.n_clusters,
        )
        for position, each in enumerate(scored)
    ]


def wilson(k: float, m: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of k out of m.

    >>> [round(end, 4) for end in wilson(8, 10, 0.95)]
    [0.4902, 0.9433]
    """
    z = float(ndtri(0.5 + level / 2))
    centre = (k + z**2 / 2) / (m + z**2)
    half = z / (m + z**2) * np.sqrt(k * (m - k) / m + z**2 / 4)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def expanded(level: float, n_clusters: int) -> float:
    """The level at which percentiles of few clusters must be read to cover at `level`.

    The spread of resamples is too small by (g - 1) / g, and a normal's ends are too near where
    the spread itself is uncertain (Hesterberg 2015, 'expanded percentile interval').

    >>> round(expanded(0.95, 30), 4)
    0.9625
    """
    g = n_clusters
    return float(1 - 2 * ndtr(-np.sqrt(g / (g - 1)) * stdtrit(g - 1, 0.5 + level / 2)))


def widened(level: float, looks: int) -> float:
    """The level at which each of several looks must be read for all to hold (Bonferroni).

    >>> round(widened(0.95, 5), 3)
    0.99
    """
    return 1 - (1 - level) / max(1, looks)


def _measured(
    scored: Scored, chosen: Sequence[Metric], weights: Floats | Counts
) -> dict[str, Floats]:
    """Each metric under each set of weights, shape (b,)."""
    under = Weighted(scored, weights)
    return {metric.name: metric.values(under) for metric in chosen}


def _shares(scored: Scored, chosen: Sequence[Metric]) -> dict[str, tuple[float, float]]:
    """The k and m of the metrics that are k rows out of m."""
    plain = Weighted(scored, np.ones((1, len(scored.outcome))))
    shares = {}
    for metric in chosen:
        if metric.share is not None:
            part, whole = metric.share(plain.confusion)
            shares[metric.name] = (float(part[0]), float(whole[0]))
    return shares


def percentile(
    value: float,
    resampled: Floats,
    n: int,
    level: float,
    method: str = "bootstrap",
    n_clusters: int | None = None,
) -> Estimate:
    """The interval between two quantiles of a number's resamples."""
    defined = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(defined) < len(resampled) / 2:
        return Estimate.without_interval(value, n=n, reason="it is not defined on these rows")
    read = level if n_clusters is None else expanded(level, n_clusters)
    low, high = np.quantile(defined, [(1 - read) / 2, (1 + read) / 2])
    return Estimate(value, float(low), float(high), n=n, level=level, method=method)


def _too_few(outcome: Outcome, sampling: Sampling) -> str | None:
    n, n_clusters = len(outcome), sampling.n_clusters
    if n < FEWEST_ROWS:
        return f"{n} rows are too few for one"
    if n_clusters is not None and n_clusters < FEWEST_CLUSTERS:
        return f"only {_counted(n_clusters, 'group')}"
    if not outcome.task.is_classification:
        return None
    k = len(outcome.classes)
    counts = np.bincount(outcome.truth, minlength=k)
    rarest = int(np.argmin(counts))
    if counts[rarest] < FEWEST_ROWS:
        return f"class {outcome.classes[rarest]} has only {_counted(counts[rarest], 'row')}"
    if sampling.members is not None:
        # A class of many rows in a few groups is known no better than those groups are.
        met = np.unique(sampling.members * k + outcome.truth)
        groups = np.bincount(met % k, minlength=k)
        rarest = int(np.argmin(groups))
        if groups[rarest] < FEWEST_CLUSTERS:
            label = outcome.classes[rarest]
            return f"class {label} is in only {_counted(groups[rarest], 'group')}"
    return None


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun if n == 1 else noun + 's'}"
