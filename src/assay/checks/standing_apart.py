"""Standing apart: values so far above all others that no honest tail makes them.

In the tail of a Pareto law, the heaviest of the usual ones, the i-th largest value is larger than
the next by a factor whose logarithm, times i, is exponential with one mean for all i (Renyi 1953).
So a gap is judged by the mean of the ones below it: with m of these, a share (1 + t / m)^-m of
honest gaps is t times as wide or wider, and of lighter tails (normal, log-normal) fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.predictions import Floats

CHANCE = 1e-6
LEAST_FACTOR = 2.5
MOST_APART = 0.6
NEIGHBOURS = (20, 50)
"""Gaps that one is set against: few for a tail that grows light, many for one that stays heavy."""
FEWEST_DISTINCT = 30


@dataclass(frozen=True)
class Apart:
    """Values above a gap.

    Attributes:
        low: Log of the largest value below the gap.
        high: Log of the least one above it.
        log_chance: Log of the chance of such a gap in an honest tail, whichever gap it is.
    """

    low: float
    high: float
    log_chance: float

    @property
    def cut(self) -> float:
        """The middle of the gap."""
        return (self.low + self.high) / 2

    @property
    def factor(self) -> float:
        """How many times as large the least value above is."""
        return float(np.exp(self.high - self.low))


def standing_apart(sizes: Floats) -> Apart | None:
    """The widest gap that no honest tail makes; None if there is none.

    Args:
        sizes: Logs of values, ascending, each once, shape (n,). Turn their signs and order for
            values that are too small.
    """
    n = len(sizes)
    if n < FEWEST_DISTINCT:
        return None
    gaps = np.diff(sizes)[::-1]
    scaled = np.arange(1, n) * gaps
    sums = np.concatenate([[0.0], np.cumsum(scaled)])
    k = np.arange(1, int(n * MOST_APART) + 1)
    found = []
    for neighbours in NEIGHBOURS:
        last = np.minimum(k + neighbours, n - 1)
        m = last - k
        below = (sums[last] - sums[k]) / np.maximum(m, 1)
        fits = (gaps[: len(k)] >= np.log(LEAST_FACTOR)) & (m >= NEIGHBOURS[0]) & (below > 0)
        times = scaled[: len(k)][fits] / below[fits]
        chances = -m[fits] * np.log1p(times / m[fits]) + np.log(len(k) * len(NEIGHBOURS))
        found += list(zip(chances.tolist(), k[fits].tolist(), strict=True))
    best, apart = min(found, default=(0.0, 0))
    if best > np.log(CHANCE):
        return None
    return Apart(float(sizes[n - apart - 1]), float(sizes[n - apart]), best)
