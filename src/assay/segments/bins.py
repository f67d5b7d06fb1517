"""Bins: a column as a few values or ranges, each of which can be said in words.

Ends of ranges are rounded before rows are put into them, so that the words are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.schema import Kind
from assay.predictions import Floats
from assay.segments.criteria import Criterion
from assay.segments.meeting import Mask, numbers_of

Codes = NDArray[np.int64]

MISSING = -1
"""The bin of rows without a value."""
OTHERS = -2
"""The bin of rows whose level is too rare to be told."""


@dataclass(frozen=True)
class Binned:
    """A column of some rows, put into bins.

    Attributes:
        name: What is looked at: the column, or the words in it.
        codes: Bin of each row, from 0, or `MISSING` or `OTHERS`, int64, shape (n,).
        labels: What each bin is: a level, or the number that it ends with; of the last range none.
        column: The column, where it is not called `name`.
        ends: The numbers that ranges end with; none of levels.
        is_exact: Whether each range holds one number only.
    """

    name: str
    codes: Codes
    labels: tuple[str, ...]
    column: str = ""
    ends: tuple[float, ...] = ()
    is_exact: bool = False

    @property
    def n_bins(self) -> int:
        """How many there are, besides missing values."""
        return len(self.labels)

    @property
    def is_ordered(self) -> bool:
        """Whether bins that follow each other may be joined."""
        return bool(self.ends)

    def within(self, first: int, last: int) -> Mask:
        """Rows in the bins from one to another, shape (n,)."""
        return (self.codes >= first) & (self.codes <= last)

    def said(self, first: int, last: int) -> str:
        """The same in words."""
        if first == MISSING:
            return f"{self.name} is missing"
        if first == OTHERS:
            return f"{self.name} is another"
        below = self.labels[first - 1] if first > 0 else ""
        if first == last and (self.is_exact or not self.is_ordered):
            return f"{self.name} = {self.labels[first]}"
        if last == self.n_bins - 1:
            return f"{self.name} > {below}" if below else f"{self.name} is known"
        up_to = f"{self.name} ≤ {self.labels[last]}"
        return f"{below} < {up_to}" if below else up_to

    def meant(self, first: int, last: int) -> Criterion:
        """The same in a form that finds such rows in any table."""
        column = self.column or self.name
        if first == MISSING:
            return Criterion(column, "missing")
        if first == OTHERS:
            return Criterion(column, "others", levels=self.labels)
        if not self.is_ordered:
            return Criterion(column, "level", levels=self.labels[first : last + 1])
        if first == last and self.is_exact:
            return Criterion(column, "number", up_to=self.ends[first])
        return Criterion(
            column,
            "range",
            above=self.ends[first - 1] if first > 0 else None,
            up_to=self.ends[last] if last < self.n_bins - 1 else None,
        )


def binned(
    name: str, values: pd.Series, kind: Kind, *, most: int, fewest: int, exact: int | None = None
) -> Binned | None:
    """A column in bins; None where it has nothing to tell rows apart by.

    Args:
        name: Its name.
        values: As `feature_frame` reads them, shape (n,).
        kind: What they mean; of texts the number of words is looked at, of images nothing.
        most: Bins at most, of about equal size where there are more numbers.
        fewest: Rows below which a level is not told apart.
        exact: Distinct numbers up to which each has its own bin; as many as `most` when None.
    """
    if kind in (Kind.NUMERIC, Kind.DATETIME, Kind.TEXT):
        return _ranges(name, values, kind, most, most if exact is None else exact)
    if kind is Kind.CATEGORICAL:
        return levels(name, values, most=most, fewest=fewest)
    return None


def levels(name: str, values: pd.Series, *, most: int, fewest: int) -> Binned | None:
    """A column by its most frequent levels."""
    codes, found = pd.factorize(values, sort=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    order = np.argsort(-counts, kind="stable")[:most]
    kept = order[counts[order] >= fewest]
    place = np.full(len(found) + 1, OTHERS, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    place[-1] = MISSING
    return _telling(Binned(name, place[codes], tuple(str(found[each]) for each in kept)))


def _ranges(name: str, values: pd.Series, kind: Kind, most: int, exact: int) -> Binned | None:
    numbers, dates = numbers_of(values, kind), kind is Kind.DATETIME
    known = numbers[np.isfinite(numbers)]
    if len(known) == 0:
        return None
    distinct = np.unique(known)
    is_exact = len(distinct) <= exact
    if is_exact:
        ends = distinct
    else:
        # The lower of two values, as no range then ends between the days or numbers there are.
        cuts = np.quantile(known, np.arange(1, most) / most, method="lower")
        cuts = cuts if dates else _rounded(cuts)
        ends = np.append(np.unique(cuts[cuts < distinct[-1]]), distinct[-1])
    codes = np.searchsorted(ends, numbers, side="left").astype(np.int64)
    codes[~np.isfinite(numbers)] = MISSING
    labels = tuple(_dates(ends) if dates else map(_written, ends))
    called = f"words in {name}" if kind is Kind.TEXT else name
    return _telling(Binned(called, codes, labels, name, tuple(ends.tolist()), is_exact))


def _telling(column: Binned) -> Binned | None:
    return column if column.n_bins and len(np.unique(column.codes)) > 1 else None


def _rounded(cuts: Floats) -> Floats:
    """To a tenth of the usual distance between two: no more digits than tell them apart."""
    apart = np.diff(np.unique(cuts))
    if len(apart) == 0:
        return cuts
    return np.round(cuts, 1 - int(np.floor(np.log10(np.median(apart)))))


def _written(value: float) -> str:
    """With all its digits: two values are never called the same."""
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e21 else repr(float(value))
    )


def _dates(days: Floats) -> Sequence[str]:
    """Whole days since 1970 as dates."""
    return [str(np.datetime64(int(day), "D")) for day in days]
