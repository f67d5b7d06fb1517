"""A number with its uncertainty: the only form in which Assay shows a metric."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its confidence interval, or with the reason why there is none.

    Attributes:
        value: The point estimate.
        low: Lower end of the interval; None when no honest interval can be given.
        high: Upper end of the interval; None likewise.
        n: Rows the value was computed on.
        level: Nominal coverage of the interval, for example 0.95.
        method: How the interval was made, for example 'stratified bootstrap'.
        reason: Why there is no interval; None when there is one.

    >>> print(Estimate(0.9283, 0.9251, 0.9314, n=39073))
    0.928 (0.925 to 0.931)
    """

    value: float
    low: float | None
    high: float | None
    n: int
    level: float = 0.95
    method: str = "bootstrap"
    reason: str | None = None

    @classmethod
    def without_interval(cls, value: float, *, n: int, reason: str) -> Estimate:
        """An estimate whose data cannot support an interval, with the reason to show."""
        return cls(value, None, None, n=n, method="none", reason=reason)

    @property
    def has_interval(self) -> bool:
        return self.low is not None and self.high is not None

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is more than noise."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{significant(self.value)} (no interval: {self.reason})"
        value, low, high = aligned(self.value, self.low, self.high)
        return f"{value} ({low} to {high})"


def significant(value: float, digits: int = 3) -> str:
    """Write a number with a fixed count of significant digits, never in exponent form.

    >>> significant(0.92834), significant(1234.5), significant(0.000123456)
    ('0.928', '1234', '0.000123')
    """
    return aligned(value, digits=digits)[0]


def chance(p: float) -> str:
    """Write a p-value: three decimals below 0.1, two from there on, and no zeros below 0.001.

    >>> chance(0.0004), chance(0.0312), chance(0.1)
    ('p < 0.001', 'p = 0.031', 'p = 0.10')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def aligned(*values: float, digits: int = 3) -> list[str]:
    """Write numbers that belong together with the same decimals, fit for the largest of them.

    >>> aligned(0.9283, 0.92, 0.9314)
    ['0.928', '0.920', '0.931']
    >>> aligned(1520.3, 1490.75)
    ['1520', '1491']
    """
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0)
    decimals = digits
    while largest >= 1 and decimals > 0:
        largest /= 10
        decimals -= 1
    while 0 < largest < 0.1 and decimals < digits + 6:
        largest *= 10
        decimals += 1
    return [f"{value:.{decimals}f}" for value in values]
