"""Encodings: whether a column was computed from the outcomes of the rows that share a category.

A target encoding obeys an equation to the last digit. With s the sum of the outcomes of a group and
c the number of its rows, the mean is x = s / c, and one that is drawn towards a prior mu by a
weight m is x = (s + m mu) / (c + m), that is

    s = x c + m x - m mu

and if x was scaled and shifted since, s is still linear in xc, x, c and 1: four unknown numbers,
and as many equations as there are groups. If each row leaves itself out, s is s - y and c is c - 1.
Nothing that was not computed from these outcomes obeys it, so which rows the sums must run over
(training rows, or all) is proved as well.

Without the category, rows that share a value still have exactly that mean outcome: groups of the
same mean fall together, and their mean stays. A forecast that is right on average hits it by chance
only as often as a binomial count hits its own mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from assay.predictions import Floats

Codes = NDArray[np.int64]
FEWEST_GROUPS = 10
NEARLY_ALL = 0.99
SHARE_OF_ROWS = 0.9
MOST_CHANCE = 1e-9
MOST_DECIMALS = 12
EXACT = 1e-9
FEWEST_VALUES = 3
EACH_VALUE = 3
STRICT = 10
ROUNDED_TWICE = 2


@dataclass(frozen=True)
class Sums:
    """Outcomes of the rows that share a key, for each row.

    Attributes:
        total: Sum of the outcomes of the row's group, shape (n,).
        count: Rows of the group, shape (n,).
        own: The row's own outcome where it is among them, else 0, shape (n,).
        is_in: Whether it is, shape (n,).
    """

    total: Floats
    count: Floats
    own: Floats
    is_in: NDArray[np.bool_]

    def at(self, rows: NDArray[Any]) -> Sums:
        """Those of some rows."""
        return Sums(self.total[rows], self.count[rows], self.own[rows], self.is_in[rows])

    @property
    def without_itself(self) -> Sums:
        """The sums over the other rows of the group."""
        return Sums(
            self.total - self.own,
            self.count - self.is_in.astype(np.float64),
            self.own * 0,
            self.is_in,
        )


def sums_of(codes: Codes, outcome: Floats, among: NDArray[np.bool_]) -> Sums:
    """Sums over some rows, for all rows.

    Args:
        codes: The group of each row, shape (n,).
        outcome: Of each row, shape (n,); what is not among them is not read.
        among: Which rows are summed over, shape (n,).
    """
    size = int(codes.max()) + 1
    own = np.where(among, outcome, 0.0)
    total = np.bincount(codes, weights=own, minlength=size)[codes]
    count = np.bincount(codes[among], minlength=size)[codes]
    return Sums(total.astype(np.float64), count.astype(np.float64), own, among)


def half_unit(values: Floats) -> float:
    """Half a unit of the last decimal that values are written with; 0 where they are not rounded.

    >>> half_unit(np.array([0.25, 0.333])), half_unit(np.array([1 / 3, 0.5]))
    (0.0005, 0.0)
    """
    some = values[:400]
    for decimals in range(MOST_DECIMALS):
        if np.allclose(some, np.round(some, decimals), rtol=0, atol=1e-12):
            return float(0.5 * 10.0**-decimals)
    return 0.0


def encodes(values: Floats, sums: Sums, unit: float) -> bool:
    """Whether values are the groups' means, maybe drawn towards a prior, scaled or shifted.

    Args:
        values: The column, without gaps, shape (n,).
        sums: Of the same rows.
        unit: How far rounding may have moved a value.
    """
    full = sums.count > 0
    if full.sum() < NEARLY_ALL * len(values):
        return False
    x, s, c = values[full], sums.total[full], sums.count[full]
    # Groups of one size have few different means: then it is their number that proves it.
    n_groups = float((1 / c).sum())
    n_distinct = min(len(np.unique(x)), len(np.unique(s / c)))
    if n_distinct < FEWEST_VALUES or max(n_distinct, n_groups / EACH_VALUE) < FEWEST_GROUPS:
        return False
    # What looks rounded may be exact, as a quarter is.
    return any(_obeys(x, s, c, room) for room in {0.0, unit})


def _obeys(x: Floats, s: Floats, c: Floats, unit: float) -> bool:
    """Whether sums are linear in what the equation says, as far as rounding allows."""
    scale = max(float(np.abs(x).max()), EXACT)
    x, unit = x / scale, unit / scale
    ones = np.ones(len(x))
    by_count = _left(np.column_stack([c, ones]), s)[0]
    slack = EXACT * (1 + np.abs(s).max())
    # Unscaled first: two unknowns stand firmer than four where values were rounded.
    for design, aim, known in (
        (np.column_stack([x, ones]), s - x * c * scale, scale),
        (np.column_stack([x, ones, x * c, c]), s, 0.0),
    ):
        missed, factors = _left(design, aim)
        by_x_count = known or factors[2]
        bound = ROUNDED_TWICE * unit * np.abs(by_x_count * c + factors[0]) + slack
        # Where rounding leaves as much room as the sums differ by anyway, anything would agree.
        is_strict = np.median(bound) < np.std(by_count) / STRICT
        if is_strict and (np.abs(missed) <= bound).mean() >= NEARLY_ALL:
            return True
    return False


def _left(design: Floats, aim: Floats) -> tuple[Floats, Floats]:
    """What the best fit misses, and its factors."""
    factors = np.linalg.lstsq(design, aim, rcond=None)[0]
    return np.asarray(aim - design @ factors), np.asarray(factors, dtype=np.float64)


def is_own_mean(values: Floats, outcome: Floats, unit: float, *, is_binary: bool) -> bool:
    """Whether rows that share a value have exactly that mean outcome, beyond chance.

    Args:
        values: The column, without gaps, maybe scaled and shifted, shape (n,).
        outcome: Of the same rows, shape (n,).
        unit: How far rounding may have moved a value.
        is_binary: Whether outcomes are 0 or 1.
    """
    distinct, codes, count = np.unique(values, return_inverse=True, return_counts=True)
    if not FEWEST_VALUES <= len(distinct) <= len(values) / 2:
        return False
    total = np.bincount(codes, weights=outcome)
    squares = np.bincount(codes, weights=outcome**2)
    varies = (count > 1) & (squares * count - total**2 > EXACT * (1 + total**2))
    said = [(distinct, 0.0), (distinct, unit)]
    if varies.sum() >= FEWEST_GROUPS:
        root = np.sqrt(count)
        design = np.column_stack([distinct, np.ones(len(distinct))]) * root[:, None]
        slope, shift = np.linalg.lstsq(design, total / root, rcond=None)[0]
        said.append((slope * distinct + shift, unit * abs(slope)))
    spread = float(outcome.std())
    for mean, room in said:
        bound = room * count + EXACT * (1 + np.abs(total))
        is_hit = np.abs(total - mean * count) <= bound
        if count[is_hit].sum() >= SHARE_OF_ROWS * len(values):
            at = is_hit & varies
            chance = _chance(mean[at], count[at], bound[at], None if is_binary else spread)
            if np.log(np.clip(chance, 1e-300, 1)).sum() <= np.log(MOST_CHANCE):
                return True
    return False


def _chance(mean: Floats, count: Codes, bound: Floats, spread: float | None) -> Floats:
    """How likely a sum comes so near to what is expected of it, if the mean is right.

    Args:
        mean: Of the outcomes, shape (k,).
        count: How many outcomes, shape (k,).
        bound: How near their sum comes, shape (k,).
        spread: Deviation of one outcome; None if outcomes are 0 or 1.
    """
    if spread is not None:
        return np.minimum(1, bound / (np.sqrt(count) * max(spread, EXACT)))
    low, high = np.ceil(mean * count - bound), np.floor(mean * count + bound)
    share = np.clip(mean, 0, 1)
    return np.asarray(binom.cdf(high, count, share) - binom.cdf(low - 1, count, share))
