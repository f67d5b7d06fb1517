"""Spread: the interval that resamples of a number give, and whether they can give one.

BCa intervals (Efron 1987), of a bootstrap's quantiles corrected for bias and skewness, still fall
short where few rows tell the number: its variance is itself uncertain. How uncertain, the influence
of single rows says, which a jackknife measures: its kurtosis gives the degrees of freedom of the
variance, and the quantiles are read where Student's t with as many has its ends (as Hesterberg 2015
expands percentile intervals by n - 1, which it is for normal influence). So a rare class, a score
that puts few rows in the wrong order and an error with a heavy tail widen an interval by one rule.

Blocks of time are not unrelated to those beside them, for relations reach over their edges. The
variance is larger for it than that of unrelated blocks, by twice the correlation of the influence
of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from assay.estimates import Estimate
from assay.evaluation.outcome import Codes
from assay.predictions import Floats

_FEWEST_FREEDOM = 2.0
NEVER_VARIES = "it is the same whichever of these rows are drawn"


@dataclass(frozen=True)
class Spread:
    """How a number varies.

    Attributes:
        value: The number on all rows.
        resampled: On every resample, shape (b,).
        left_out: Without each group of units, shape (g,).
        n_units: Number of units: rows, or clusters of them.
        places: Which stretch of time each group is, rising, int64, shape (g,); None where groups
            do not follow each other.
    """

    value: float
    resampled: Floats
    left_out: Floats
    n_units: int
    places: Codes | None = None

    @property
    def wanting(self) -> str | None:
        """Why there is no interval; None when there is one."""
        defined = np.isfinite(self.resampled)
        if not np.isfinite(self.value) or defined.mean() < 0.5:
            return "it is not defined on these rows"
        if not np.isfinite(self.left_out).all():
            return "it hangs on a single row"
        if not (np.ptp(self.left_out) > 0 and np.ptp(self.resampled[defined]) > 0):
            return NEVER_VARIES
        return None

    def estimate(self, n: int, level: float, method: str) -> Estimate:
        """The number, of so many rows, with its interval, or why there is none."""
        if self.wanting is not None:
            return Estimate.without_interval(self.value, n=n, reason=self.wanting)
        return Estimate(self.value, *self.interval(level), n=n, level=level, method=method)

    def difference(self, n: int, level: float, method: str) -> Estimate:
        """The same of a difference: its ends are the further of these and of a t-test's.

        Where two numbers differ by few rows, all in one's favour, no resample can say otherwise,
        though chance could.
        """
        known = self.estimate(n, level, method)
        if known.low is None or known.high is None:
            return known
        low, high = self.student(level)
        return replace(known, low=min(low, known.low), high=max(high, known.high))

    def interval(self, level: float) -> tuple[float, float]:
        """Its ends."""
        values = np.sort(self.resampled[np.isfinite(self.resampled)])
        below = np.searchsorted(values, self.value, "left") / len(values)
        upto = np.searchsorted(values, self.value, "right") / len(values)
        half = 0.5 / len(values)
        bias = ndtri(np.clip((below + upto) / 2, half, 1 - half))
        reach = np.sqrt(self.n_units / (self.n_units - 1)) * self._reach(level)
        ends = bias + reach * np.array([-1, 1])
        # Beyond its pole the correction would turn round: there the ends are the outermost.
        shrunk = np.maximum(1 - self.acceleration * ends, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            outer = ndtr(bias + ends / shrunk)
        low, high = np.quantile(values, outer)
        return float(low), float(high)

    def student(self, level: float) -> tuple[float, float]:
        """The ends of a t-test that leaving out each group gives."""
        groups = len(self.left_out)
        error = np.sqrt((groups - 1) / groups * (self.influence**2).sum())
        reach = float(error * self._reach(level))
        return self.value - reach, self.value + reach

    def _reach(self, level: float) -> float:
        """How many standard errors of unrelated units the ends are away."""
        related = 0.0 if self.places is None else in_common(self.influence, self.places)
        return float(stdtrit(self.freedom, 0.5 + level / 2) * np.sqrt(1 + 2 * related))

    @cached_property
    def influence(self) -> Floats:
        """What each group of units adds, but for a factor, shape (g,)."""
        return self.left_out.mean() - self.left_out

    @property
    def acceleration(self) -> float:
        """A sixth of the skewness of the number (Efron 1987)."""
        return float((self.influence**3).sum() / (6 * (self.influence**2).sum() ** 1.5))

    @property
    def kurtosis(self) -> float:
        """Of the influence of single units; that of groups of m is nearer to 3 by a factor m."""
        groups = len(self.influence)
        scaled = self.influence / np.abs(self.influence).max()
        of_groups = groups * (scaled**4).sum() / (scaled**2).sum() ** 2
        return float(max(1.0, 3 + self.n_units / groups * (of_groups - 3)))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance, which itself varies by (kurtosis - 1) / n."""
        n = self.n_units
        return max(_FEWEST_FREEDOM, 2 / ((self.kurtosis - 1) / n + 2 / (n * (n - 1))))


def in_common(influence: Floats, places: Codes) -> float:
    """Correlation of what stretches of time add with what those next to them add, 0 at least.

    Args:
        influence: What each adds to a number, shape (g,).
        places: Which stretch each is, rising, int64, shape (g,).

    >>> in_common(np.array([1.0, 1.0, -1.0, -1.0]), np.arange(4))
    0.25
    """
    beside = np.diff(places) == 1
    shared = (influence[:-1][beside] * influence[1:][beside]).sum()
    return float(max(0.0, shared / (influence**2).sum())) if shared else 0.0
