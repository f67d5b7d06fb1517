"""Drift: at the end of every hour recent rows are held against training, column by column.

A look compares the last hour, 6 hours, day and week, values and gaps. How sure it must be follows
from how often it looks: by Bonferroni's inequality the expected number of false alarms in a month
is at most the sum of the levels of all its tests, however they depend on each other, on the hours
and on the finite training table (the per-family error rate: Tukey 1953; Dudoit and van der Laan,
Multiple Testing Procedures with Applications to Genomics, 2008). The level is the same in every
hour, for ever. Who calls this how often changes nothing: looks are taken at full hours only, all of
them, from the samples.

E-detectors (Shin, Ramdas and Rinaldo 2022), online false discovery rates (Ramdas and others 2017)
and plain p-values are held against this in `benchmarks/drift.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.checks.counted_shifts import (
    Counts,
    shifts_of_levels,
    shifts_of_order,
    shifts_of_share,
)
from assay.checks.shifts import LEAST_SIZE
from assay.inference.reference import LOSS, ReferenceColumn
from assay.predictions import Floats

FALSE_ALARMS_A_MONTH = 0.1
"""How many are to be expected at most, over all columns together."""
HOURS_A_MONTH = 720
WINDOWS_H = (1, 6, 24, 168)
FEWEST_ROWS = 30
VALUES, GAPS = "values", "missing"
_WHATS = (VALUES, GAPS)


@dataclass(frozen=True)
class Looks:
    """What was found in a column at the end of each hour.

    Attributes:
        column: Which column.
        what: 'values' or 'missing'.
        p: Probability of the least likely window by chance, shape (h,); 1 where nothing was to be
            seen.
        size: Size of that shift in standard deviations, shape (h,).
        window_h: That window in hours, shape (h,).
        crosses: Whether it is beyond chance and large enough to matter, shape (h,).
        week: Size of the shift in the longest window, shape (h,).
    """

    column: ReferenceColumn
    what: str
    p: Floats
    size: Floats
    window_h: NDArray[np.int64]
    crosses: NDArray[np.bool_]
    week: Floats


def level_of(n_columns: int) -> float:
    """The level of each test, where so many columns are watched.

    >>> f"{level_of(20):.1e}"
    '8.7e-07'
    """
    return FALSE_ALARMS_A_MONTH / (HOURS_A_MONTH * n_columns * len(_WHATS) * len(WINDOWS_H))


def looks_at(column: ReferenceColumn, counts: Counts, level: float) -> list[Looks]:
    """Look at a column after every hour.

    Args:
        column: How training was.
        counts: Rows by hour and bin, those without a value last, shape (h, b + 1).
        level: Of each test.
    """
    summed = np.concatenate([np.zeros((1, counts.shape[1])), counts.cumsum(axis=0)])
    hours = np.arange(1, len(counts) + 1)
    came = counts.sum(axis=1) > 0
    found = []
    for what in _WHATS:
        by_window = [
            _looked(column, what, summed[hours] - summed[np.maximum(hours - window, 0)], came)
            for window in WINDOWS_H
        ]
        p, size = (np.array(each) for each in zip(*by_window, strict=True))
        crossing = (p <= level) & (size >= LEAST_SIZE)
        # The most certain window, but one that crosses before one that does not.
        best = np.argmin(np.where(crossing, np.log(np.maximum(p, 1e-300)) - 1e6, p), axis=0)
        at = np.arange(len(counts))
        found.append(
            Looks(
                column,
                what,
                p[best, at],
                size[best, at],
                np.array(WINDOWS_H)[best],
                crossing[best, at],
                size[-1],
            )
        )
    return found


def _looked(
    column: ReferenceColumn, what: str, windows: Counts, came: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Chance and size of the shift in each window, shape (h,); 1 and 0 where there are few rows.

    After an hour without rows nothing is tested again, so the chance is 1; the size stays.
    """
    p, size = np.ones(len(windows)), np.zeros(len(windows))
    ours = np.array(column.counts, dtype=np.float64)
    values = windows[:, :-1]
    n_rows = windows.sum(axis=1) if what == GAPS else values.sum(axis=1)
    enough = n_rows >= FEWEST_ROWS
    n = column.n + (column.missing if what == GAPS else 0)
    if n < FEWEST_ROWS or not enough.any():
        return p, size
    if what == GAPS:
        found = shifts_of_share(column.missing, n, windows[enough, -1], n_rows[enough])
    elif column.has_levels:
        found = shifts_of_levels(ours, values[enough])
    else:
        found = shifts_of_order(ours, values[enough])
    p[enough], size[enough] = found
    if column.role == LOSS:  # only a greater one is worth an alarm
        greater = values @ (ours.cumsum() - ours / 2) > column.n * values.sum(axis=1) / 2
        p[~greater], size[~greater] = 1.0, 0.0
    return np.where(came, p, 1.0), size


def since_when(column: ReferenceColumn, what: str, counts: Counts, raised: int, hours: int) -> int:
    """The hour in which a shift most likely began.

    What was most likely by Page's (1954) cumulative sum: of the logarithms of how much more likely
    the rows of each hour are as in the window that raised the alarm than as in training.

    Args:
        column: How training was.
        what: 'values' or 'missing'.
        counts: As for `looks_at`.
        raised: The position of the hour of the alarm.
        hours: Its window.
    """
    ours = np.array([*column.counts, column.missing], dtype=np.float64)
    if what == GAPS:
        ours = np.array([ours[:-1].sum(), ours[-1]])
        counts = np.column_stack([counts[:, :-1].sum(axis=1), counts[:, -1]])
    else:
        ours, counts = ours[:-1], counts[:, :-1]
    before = (ours + 0.5) / (ours + 0.5).sum()
    window = counts[max(0, raised + 1 - hours) : raised + 1].sum(axis=0)
    # As many rows as in training would give, so that a few rows do not say too much.
    after = (window + before * len(before)) / (window.sum() + len(before))
    scores = counts[: raised + 1] @ np.log(after / before)
    return int(np.argmin(np.concatenate([[0.0], scores.cumsum()[:-1]])))


def typical(column: ReferenceColumn, counts: Counts | Sequence[int]) -> float:
    """About the median of rows by bin; not a number where there are none."""
    total = np.asarray(counts, dtype=np.float64).cumsum()
    if total[-1] == 0:
        return float("nan")
    place = int(np.searchsorted(total, total[-1] / 2))
    return float(column.cuts[min(place, len(column.cuts) - 1)])


def moved_level(column: ReferenceColumn, counts: Counts) -> tuple[int, float, float]:
    """The level whose share changed most: its place, its share in training and now."""
    ours, theirs = (np.array(each, dtype=np.float64) for each in (column.counts, counts))
    before, after = ours / max(1.0, ours.sum()), theirs / max(1.0, theirs.sum())
    place = int(np.argmax(np.abs(after - before)))
    return place, float(before[place]), float(after[place])
