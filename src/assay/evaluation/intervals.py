"""Intervals: how far a metric may be from its true value, given how few rows it was computed on.

Bootstrap over rows (Efron 1979), percentile ends; shares of rows have Wilson's interval (1927),
which covers at its level near 0 and 1 where the bootstrap does not. The resamples depend on the
number of rows and a seed only, so two models judged on the same rows are judged on the same
resamples: differences are paired by construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

_CELLS_AT_ONCE = 100_000
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
    drawn: list[dict[str, list[Floats]]] = [{each.name: [] for each in chosen} for _ in outcomes]
    for weights in () if too_few else _draws(len(first), resamples):
        for each, values in zip(scored, drawn, strict=True):
            under = Weighted(each, weights)
            for metric in chosen:
                values[metric.name].append(metric.values(under))
    return [
        _collected(each, chosen, values, too_few)
        for each, values in zip(scored, drawn, strict=True)
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


def _draws(n: int, resamples: int) -> Iterator[Floats]:
    """How often each row is drawn, in blocks of resamples, float64, shape (b, n)."""
    random = np.random.default_rng([_SEED, n])
    block = max(1, min(resamples, _CELLS_AT_ONCE // n))
    for start in range(0, resamples, block):
        b = min(block, resamples - start)
        picks: NDArray[Any] = random.integers(0, n, size=(b, n))
        picks += n * np.arange(b)[:, None]
        yield np.bincount(picks.ravel(), minlength=b * n).reshape(b, n).astype(np.float64)


def _collected(
    scored: Scored, chosen: Sequence[Metric], drawn: Mapping[str, list[Floats]], too_few: str | None
) -> Replicates:
    n = len(scored.outcome)
    plain = Weighted(scored, np.ones((1, n)))
    shares = {
        metric.name: tuple(float(part[0]) for part in metric.share(plain.confusion))
        for metric in chosen
        if metric.share is not None
    }
    return Replicates(
        values={metric.name: float(metric.values(plain)[0]) for metric in chosen},
        resampled={name: np.concatenate(blocks) for name, blocks in drawn.items() if blocks},
        shares=shares,  # type: ignore[arg-type]
        n=n,
        too_few=too_few,
    )


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
