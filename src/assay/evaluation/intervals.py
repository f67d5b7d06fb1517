"""Intervals: how far a metric may be from its true value, given how few rows it was computed on.

Bootstrap over rows (Efron 1979), percentile ends; shares of rows have Wilson's interval (1927),
which covers at its level near 0 and 1 where the bootstrap does not. The resamples depend on the
number of rows and a seed only, so two models judged on the same rows are judged on the same
resamples: differences are paired by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from assay.estimates import Estimate
from assay.evaluation.metrics import METRICS, Metric
from assay.evaluation.outcome import Outcome
from assay.evaluation.weighted import Scored, Weighted
from assay.predictions import Floats

FEWEST_ROWS = 20
"""Rows, and rows of the rarer class, below which no interval is honest (docs/why.md)."""

_CELLS_AT_ONCE = 400_000
_SEED = 20190


@dataclass(frozen=True)
class Replicates:
    """Metrics of one outcome, on all rows and on every resample.

    Attributes:
        values: Each metric on all rows, by name.
        resampled: Each metric on every resample, by name, shape (b,).
        shares: Of metrics that are k rows out of m: (k, m), by name.
        n: Number of rows.
        too_few: Why no interval can be given; None when one can.
    """

    values: Mapping[str, float]
    resampled: Mapping[str, Floats]
    shares: Mapping[str, tuple[float, float]]
    n: int
    too_few: str | None

    def estimate(self, name: str, level: float) -> Estimate:
        """One metric with its interval."""
        value = self.values[name]
        if name in self.shares and self.shares[name][1] >= FEWEST_ROWS:
            low, high = wilson(*self.shares[name], level)
            return Estimate(value, low, high, n=self.n, level=level, method="Wilson")
        if self.too_few is not None:
            return Estimate.without_interval(value, n=self.n, reason=self.too_few)
        return percentile(value, self.resampled[name], self.n, level)

    def difference(self, other: Replicates, name: str, level: float) -> Estimate:
        """This metric minus the other outcome's on the same rows, paired."""
        value = self.values[name] - other.values[name]
        if self.too_few is not None:
            return Estimate.without_interval(value, n=self.n, reason=self.too_few)
        apart = self.resampled[name] - other.resampled[name]
        return percentile(value, apart, self.n, level, method="paired bootstrap")


def replicate(
    outcomes: Sequence[Outcome], resamples: int, names: Sequence[str] = ()
) -> list[Replicates]:
    """Metrics of outcomes on the same rows, each on the same resamples.

    Args:
        outcomes: Outcomes of one task on the same rows.
        resamples: Number of bootstrap resamples.
        names: The metrics to compute; all of the task when empty.
    """
    first = outcomes[0]
    chosen = [METRICS[first.task][name] for name in names or METRICS[first.task]]
    scored = [Scored(outcome) for outcome in outcomes]
    too_few = _too_few(first)
    plain = [_measured(each, chosen, np.ones((1, len(first)))) for each in scored]

    def measured(block: tuple[int, int]) -> list[dict[str, Floats]]:
        weights = _draw(len(first), *block)
        return [_measured(each, chosen, weights) for each in scored]

    with ThreadPoolExecutor() as threads:
        blocks = list(threads.map(measured, [] if too_few else _blocks(len(first), resamples)))
    return [
        Replicates(
            values={name: float(value[0]) for name, value in plain[position].items()},
            resampled={
                name: np.concatenate([block[position][name] for block in blocks])
                for name in (plain[position] if blocks else ())
            },
            shares=_shares(each, chosen),
            n=len(first),
            too_few=too_few,
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


def widened(level: float, looks: int) -> float:
    """The level at which each of several looks must be read for all to hold (Bonferroni).

    >>> round(widened(0.95, 5), 3)
    0.99
    """
    return 1 - (1 - level) / max(1, looks)


def _blocks(n: int, resamples: int) -> list[tuple[int, int]]:
    """Resamples in blocks that fit a processor's cache: (number, size) each."""
    size = max(1, min(resamples, _CELLS_AT_ONCE // n))
    return [
        (number, min(size, resamples - start))
        for number, start in enumerate(range(0, resamples, size))
    ]


def _draw(n: int, number: int, size: int) -> Floats:
    """How often each row is drawn in the resamples of a block, float64, shape (size, n)."""
    random = np.random.default_rng([_SEED, n, number])
    picks: NDArray[Any] = random.integers(0, n, size=(size, n))
    picks += n * np.arange(size)[:, None]
    return np.bincount(picks.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _measured(scored: Scored, chosen: Sequence[Metric], weights: Floats) -> dict[str, Floats]:
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
    value: float, resampled: Floats, n: int, level: float, method: str = "bootstrap"
) -> Estimate:
    """The interval between two quantiles of a number's resamples."""
    defined = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(defined) < len(resampled) / 2:
        return Estimate.without_interval(value, n=n, reason="it is not defined on these rows")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), n=n, level=level, method=method)


def _too_few(outcome: Outcome) -> str | None:
    if len(outcome) < FEWEST_ROWS:
        return f"{len(outcome)} rows are too few for one"
    if outcome.task.is_classification:
        counts = np.bincount(outcome.truth, minlength=len(outcome.classes))
        rarest = int(np.argmin(counts))
        if counts[rarest] < FEWEST_ROWS:
            label, n = outcome.classes[rarest], counts[rarest]
            return f"class {label} has only {n} {'row' if n == 1 else 'rows'}"
    return None
