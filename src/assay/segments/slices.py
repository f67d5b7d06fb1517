"""Slices: ranges, levels and gaps of one or two columns in which losses are high (beam search).

The slice of highest standardised loss is taken, its rows are set aside, and the search goes on
among the others, until nothing stands out. What is found here was chosen from thousands: what it
is worth, other rows have to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from assay.predictions import Floats
from assay.segments.bins import MISSING, Binned, Codes
from assay.segments.criteria import Criterion
from assay.segments.meeting import Mask

BINS = 40
"""Ranges of about equal size that a column of many numbers is divided into."""

MOST_PROPOSED = 10
LEAST_SHARE = 0.02
LARGEST_SHARE = 0.5
FEWEST_ROWS = 20
LEAST_SCORE = 3.0
"""Standard errors above the others below which a slice is not proposed: chance finds many such."""

PRICE_OF_CONDITION = 1.0
"""Standard errors that a second condition has to add to be worth its words; and among the rows that
meet the first, those that meet both must stand out as a slice must."""

_BEAM = 20
_MOST_COLUMNS = 60


@dataclass(frozen=True)
class Condition:
    """Rows whose bins of one column are from `first` to `last`, or that miss it."""

    column: Binned
    first: int
    last: int

    @property
    def rows(self) -> Mask:
        """Which of the rows, shape (n,)."""
        return self.column.within(self.first, self.last)

    def __str__(self) -> str:
        return self.column.said(self.first, self.last)


@dataclass(frozen=True)
class Slice:
    """Rows that meet one condition, or two.

    Attributes:
        conditions: One, or two of different columns.
        score: Standard errors that its loss lies above that of the others.
        excess: By how much it lies above.
    """

    conditions: tuple[Condition, ...]
    score: float
    excess: float

    @property
    def rows(self) -> Mask:
        """Which of all rows, shape (n,)."""
        return np.logical_and.reduce([each.rows for each in self.conditions])

    @property
    def definition(self) -> str:
        """Which rows, in words."""
        return " and ".join(map(str, self.conditions))

    @property
    def columns(self) -> tuple[str, ...]:
        """What is looked at."""
        return tuple(each.column.name for each in self.conditions)

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What the rows meet, in a form that finds such rows in any table."""
        return tuple(each.column.meant(each.first, each.last) for each in self.conditions)


@dataclass(frozen=True)
class Losses:
    """Losses of the rows that are looked at, with the weights these count by, shape (n,) each."""

    values: Floats
    weights: Floats
    looked_at: Mask

    def without(self, rows: Mask) -> Losses:
        """The same without some rows."""
        return Losses(self.values, self.weights, self.looked_at & ~rows)


def proposed(columns: Sequence[Binned], losses: Losses, least_excess: float) -> list[Slice]:
    """Slices of high loss, the one that stands out most first.

    Args:
        columns: All rows by column.
        losses: Those of the rows that propose.
        least_excess: By how much a slice's mean loss must lie above that of the others.
    """
    found: list[Slice] = []
    while len(found) < MOST_PROPOSED:
        best = _best(columns, losses, least_excess)
        if best is None:
            break
        found.append(best)
        losses = losses.without(best.rows)
    return found


def _best(columns: Sequence[Binned], losses: Losses, least_excess: float) -> Slice | None:
    scan = _Scan.of(losses)
    if scan is None:
        return None
    singles = [each for column in columns for each in scan.of_column(column, least_excess)]
    singles.sort(key=lambda each: -each.score)
    likely = {id(each.conditions[0].column): each.conditions[0].column for each in singles}
    paired = [
        each
        for [parent] in (single.conditions for single in singles[:_BEAM])
        for within in (scan.within(parent),)
        for column in list(likely.values())[:_MOST_COLUMNS]
        if column is not parent.column
        for each in within.of_column(column, least_excess)
    ]
    candidates = [each for each in singles if each.excess >= least_excess]
    candidates += [each for each in paired if each.excess >= least_excess]
    best = max(candidates, key=_priced, default=None)
    return best if best is not None and _priced(best) >= LEAST_SCORE else None


def _priced(each: Slice) -> float:
    return each.score - PRICE_OF_CONDITION * (len(each.conditions) - 1)


@dataclass(frozen=True)
class _Scan:
    """The rows in question, and what slices of them are measured by.

    Attributes:
        conditions: What these rows meet.
        index: The rows, shape (m,).
        weights: Of them.
        apart: Weight times distance of the loss from the mean, in standard deviations.
        spread: Standard deviation of the losses.
        least: Weight that a slice needs.
        total: Weight of all.
    """

    conditions: tuple[Condition, ...]
    index: Codes
    weights: Floats
    apart: Floats
    spread: float
    least: float
    total: float

    @classmethod
    def of(cls, losses: Losses) -> _Scan | None:
        index = np.flatnonzero(losses.looked_at)
        values, weights = losses.values[index], losses.weights[index]
        total = float(weights.sum())
        if len(index) < 2 * FEWEST_ROWS or total <= 0:
            return None
        mean = float(weights @ values / total)
        spread = float(np.sqrt(weights @ (values - mean) ** 2 / total))
        if spread == 0:
            return None
        # Shares are of all rows that propose, not of those that earlier slices left.
        least = max(LEAST_SHARE * len(losses.looked_at) / 2, FEWEST_ROWS)
        return cls((), index, weights, weights * (values - mean) / spread, spread, least, total)

    def within(self, condition: Condition) -> _Scan:
        """The same of the rows that meet a condition."""
        met = condition.rows[self.index]
        return replace(
            self,
            conditions=(*self.conditions, condition),
            index=self.index[met],
            weights=self.weights[met],
            apart=self.apart[met],
        )

    def of_column(self, column: Binned, least_excess: float) -> Iterator[Slice]:
        """The best range of a column, or each level, and its gap."""
        codes, weights, apart = column.codes[self.index], self.weights, self.apart
        known = codes >= 0
        sizes, sums = (
            np.bincount(codes[known], each[known], column.n_bins).astype(np.float64)
            for each in (weights, apart)
        )
        gap = codes == MISSING
        spans = [(MISSING, MISSING, float(weights[gap].sum()), float(apart[gap].sum()))]
        of_bins = _ranges(sizes, sums, self, least_excess) if column.is_ordered else None
        spans += _each(sizes, sums) if of_bins is None else of_bins
        for first, last, size, sum_ in spans:
            fits = self.least <= size <= LARGEST_SHARE * self.total and sum_ > 0
            if fits and (not self.conditions or self._stands_out(size, sum_)):
                condition = Condition(column, first, last)
                yield self._slice((*self.conditions, condition), size, sum_)

    def _stands_out(self, size: float, sum_: float) -> bool:
        """Whether rows lie above the others that meet the same conditions."""
        among = float(self.weights.sum())
        above = sum_ / size - float(self.apart.sum()) / among
        return size < among and above >= LEAST_SCORE * (1 / size - 1 / among) ** 0.5

    def _slice(self, conditions: tuple[Condition, ...], size: float, sum_: float) -> Slice:
        others = 1 - size / self.total
        excess = self.spread * sum_ / size / others
        return Slice(conditions, sum_ / np.sqrt(size * others), float(excess))

    def scores(self, sizes: Floats, sums: Floats, least_excess: float) -> Floats:
        """Standard errors above the others; minus infinity where rows or excess are too small."""
        others = 1 - sizes / self.total
        fits = (sizes >= self.least) & (sizes <= LARGEST_SHARE * self.total) & (sums > 0)
        fits &= self.spread * sums >= least_excess * sizes * others
        return np.where(fits, sums / np.sqrt(np.where(fits, sizes * others, 1.0)), -np.inf)


def _each(sizes: Floats, sums: Floats) -> list[tuple[int, int, float, float]]:
    return [(n, n, float(sizes[n]), float(sums[n])) for n in range(len(sizes))]


def _ranges(
    sizes: Floats, sums: Floats, scan: _Scan, least_excess: float
) -> list[tuple[int, int, float, float]]:
    """The ranges that stand out most: of all, and of those whose excess is enough."""
    up_to = np.concatenate([[0.0], np.cumsum(sizes)])
    summed = np.concatenate([[0.0], np.cumsum(sums)])
    first, last = _spans(len(sizes))
    size, sum_ = up_to[last + 1] - up_to[first], summed[last + 1] - summed[first]
    best = {int(np.argmax(scan.scores(size, sum_, least))) for least in (0.0, least_excess)}
    return [(int(first[n]), int(last[n]), float(size[n]), float(sum_[n])) for n in sorted(best)]


@cache
def _spans(n: int) -> tuple[Codes, Codes]:
    """First and last of every range of n bins."""
    first, last = np.triu_indices(n)
    return first.astype(np.int64), last.astype(np.int64)
