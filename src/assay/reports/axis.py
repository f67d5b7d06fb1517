"""Axes: round numbers to mark, and where a value lies on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.predictions import Floats
from assay.reports.wording import MINUS


@dataclass(frozen=True)
class Scale:
    """A straight line of values, `low` at `start` and `high` at `end` (SVG units or per cent)."""

    low: float
    high: float
    start: float
    end: float

    def at(self, values: Floats | float) -> Floats:
        """Positions of values, same shape."""
        part = (np.asarray(values, dtype=float) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def marks(self, about: int = 5) -> list[tuple[float, str]]:
        """Position and label of the round values on the scale, `about` as many as asked for."""
        values = round_values(self.low, self.high, about)
        return list(zip(self.at(np.array(values)).round(2).tolist(), labels(values), strict=True))


def extent(values: Sequence[float] | Floats, margin: float = 0.05) -> tuple[float, float]:
    """Lowest and highest finite value with a margin (a share of the range) around them.

    A single value, or none at all, gets a range around it, so that a scale never has length zero.
    """
    array = np.asarray(values, dtype=float)
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        around = 0.05 * abs(low) or 1.0
        return low - around, high + around
    return low - margin * (high - low), high + margin * (high - low)


def round_values(low: float, high: float, about: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values.

    >>> round_values(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * m for m in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """Short labels with the decimals that tell the values apart.

    >>> labels([0.0, 0.5, 1.0]), labels([0, 20000, 40000])
    (['0', '0.5', '1.0'], ['0', '20k', '40k'])
    """
    largest = max((abs(value) for value in values), default=0.0)
    units = ((1e9, 1e9, "bn"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))
    divisor, unit = next(((by, unit) for least, by, unit in units if largest >= least), (1.0, ""))
    scaled = [value / divisor for value in values]
    decimals = max((_decimals(value) for value in scaled), default=0)
    return [_label(value, decimals, unit) for value in scaled]


def _decimals(value: float) -> int:
    return len(f"{value:.12f}".rstrip("0").partition(".")[2])


def _label(value: float, decimals: int, unit: str) -> str:
    if value == 0:
        return "0"
    return f"{MINUS if value < 0 else ''}{abs(value):.{decimals}f}{unit}"
