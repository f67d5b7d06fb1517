"""Exact statistics: what a fitted step makes of the very rows that it was fitted on.

A scaler leaves the mean of its rows at 0 to the last digit, and that of any other rows near it. So
statistics that are exact over training and test rows together, and not over the training rows, say
that the step saw both; no model of the data is needed. What is left to chance is that a number
which is free to vary fell into the rounding error of 0: `chance` says how likely that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.predictions import Floats

FLOAT_ERROR = 1e-6
"""Of a standard deviation: what single precision makes of a mean of some thousand numbers."""
ERRORS = 4.0
MOST_DECIMALS = 6
FEWEST_DISTINCT = 10
SAMPLE = 1000


@dataclass(frozen=True)
class Sides:
    """One column on both sides; NaN where a value is missing.

    Attributes:
        train: Training values, shape (n,).
        test: Test values, shape (k,).
    """

    train: Floats
    test: Floats

    @property
    def known(self) -> tuple[Floats, Floats]:
        """The values that are there."""
        return self.train[np.isfinite(self.train)], self.test[np.isfinite(self.test)]


@dataclass(frozen=True)
class Exact:
    """One statistic of one column.

    Attributes:
        what: 'mean 0', 'standard deviation 1', ...
        off: How far it is from that value over training rows, in standard deviations.
        chance: Probability that it is exact over all rows (or over the test rows) without having
            been made so.
        apart: Whether it is exact over the training and over the test rows, each by themselves.
    """

    what: str
    off: float
    chance: float
    apart: bool = False


def rounding(values: Floats) -> float:
    """The step to which values are rounded, 0 where they have all their digits.

    >>> rounding(np.array([0.25, 1.5, 3.0]))
    0.01
    """
    some = values[:: max(1, len(values) // SAMPLE)]
    for decimals in range(MOST_DECIMALS + 1):
        scaled = some * 10.0**decimals
        if np.abs(scaled - np.rint(scaled)).max(initial=0.0) < 1e-6 * 10.0 ** max(0, decimals - 3):
            return float(10.0**-decimals)
    return 0.0


def exact_moments(column: Sides) -> list[Exact]:
    """Mean 0 and standard deviation 1, where they hold over all rows and not over training.

    The mean of rounded values is off by the rounding step over the root of 12 n. Where rows were
    not used, the mean over all rows moves by the spread of the part of them that is new; of values
    on a grid it can only take steps of that grid over n, so that one step is the least tolerance.
    """
    train, test = column.known
    n, k = len(train), len(test)
    if min(n, k) < FEWEST_DISTINCT:
        return []
    both = np.concatenate([train, test])
    spread = float(both.std())
    if spread == 0 or (n == k and np.array_equal(np.sort(train), np.sort(test))):
        return []
    step = rounding(both)
    moves = spread * np.sqrt(k / (n * (n + k)))
    fourth = float((((both - both.mean()) / spread) ** 4).mean())
    tests = [
        ("mean 0", [float(each.mean()) for each in (both, train, test)], spread, moves, (0.0,)),
        (
            "standard deviation 1",
            [float(each.std()) - 1 for each in (both, train, test)],
            1.0,
            moves * np.sqrt(max(fourth - 1, 0.1) / 4),
            (0.0, 0.5),
        ),
    ]
    coarse = _grid(both) / (n + k)
    return [
        found
        for what, off, unit, moved, freedom in tests
        if (found := _judged(what, off, (n, k), step, unit, moved, coarse, freedom)) is not None
    ]


def _judged(
    what: str,
    off: list[float],
    sizes: tuple[int, int],
    step: float,
    unit: float,
    moves: float,
    coarse: float,
    freedom: tuple[float, ...],
) -> Exact | None:
    """Whether a statistic is exact where it should not be.

    Args:
        what: Its name.
        off: How far it is off over all, training and test rows.
        sizes: Training and test rows.
        step: To which values are rounded.
        unit: In which the error of floats is counted.
        moves: Standard deviation with which it moves if all rows were not used.
        coarse: The steps in which it moves.
        freedom: Degrees of freedom that may have been taken off, halved: of n rows the standard
            deviation is then off by that share.
    """
    n, k = sizes

    def error(rows: int) -> float:
        return ERRORS * step / np.sqrt(12 * rows) + FLOAT_ERROR * unit

    def is_exact(value: float, rows: int) -> bool:
        return any(abs(value + free / rows) <= error(rows) for free in freedom)

    missed = abs(off[1])

    def chance(rows: int, moved: float) -> float:
        return len(freedom) * min(1.0, max(2 * error(rows), coarse) / (np.sqrt(2 * np.pi) * moved))

    if is_exact(off[0], n + k) and missed > 3 * error(n) + max(freedom) / n:
        return Exact(what, missed / unit, chance(n + k, moves))
    if is_exact(off[1], n) and is_exact(off[2], k):
        return Exact(what, 0.0, chance(k, moves * (n + k) / k), apart=True)
    return None


def _grid(values: Floats) -> float:
    """The least difference of two values, 0 where there are many."""
    distinct = np.unique(values[:: max(1, len(values) // SAMPLE)])
    return float(np.diff(distinct).min()) if 1 < len(distinct) < SAMPLE / 2 else 0.0


def independent_columns(columns: list[Floats]) -> float:
    """How many independent columns some columns are worth: (sum of eigenvalues)^2 / sum of squares.

    Args:
        columns: Values of the same rows, each of shape (n,), none missing.
    """
    if len(columns) < 2:
        return float(len(columns))
    related = np.corrcoef(np.stack(columns))
    values = np.linalg.eigvalsh(np.nan_to_num(related))
    return float(values.sum() ** 2 / (values**2).sum())
