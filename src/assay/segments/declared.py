"""Declared segments: the levels of columns with that role, and where two of them cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from assay.segments.bins import MISSING, OTHERS, Binned
from assay.segments.criteria import Criterion
from assay.segments.meeting import Mask
from assay.segments.result import MOST_CROSSING

MOST_LEVELS = 12
"""Levels of a declared column that are told apart; rarer ones are told together."""

QUARTERS = 4
"""Ranges that a declared column of many numbers is divided into."""

FEWEST_CROSSING = 50
"""Rows below which where two columns cross is not looked at."""


@dataclass(frozen=True)
class Declared:
    """Rows by a column, or by two that cross.

    Attributes:
        columns: One, or two.
        parts: Which rows are in each segment, shape (n,), by what it is called.
        left_out: Rows that are in none, as too few share their combination.
        criteria: What the rows of each segment meet, by what it is called.
    """

    columns: tuple[str, ...]
    parts: Mapping[str, Mask]
    left_out: int = 0
    criteria: Mapping[str, tuple[Criterion, ...]] = field(default_factory=dict)


def declared(columns: Sequence[Binned]) -> list[Declared]:
    """Each column by its levels, then each pair of them where it has rows enough.

    Args:
        columns: The declared ones, in bins.
    """
    alone = [_alone(each) for each in columns]
    alone = [each for each in alone if len(each.parts) > 1]
    pairs = [_crossed(*pair) for pair in combinations(alone, 2)]
    sizes = [int(rows.sum()) for each in pairs for rows in each.parts.values()]
    order = np.argsort(-np.array(sizes, dtype=np.int64), kind="stable")[:MOST_CROSSING]
    kept, start = set(order.tolist()), 0
    crossed = []
    for each in pairs:
        parts = {
            name: rows for n, (name, rows) in enumerate(each.parts.items(), start) if n in kept
        }
        start += len(each.parts)
        if len(parts) > 1:
            shown = np.logical_or.reduce([*parts.values()])
            crossed.append(replace(each, parts=parts, left_out=int((~shown).sum())))
    return [*alone, *crossed]


def _alone(column: Binned) -> Declared:
    bins = [n for n in (*range(column.n_bins), OTHERS, MISSING) if (column.codes == n).any()]
    parts = {column.said(n, n): column.codes == n for n in bins}
    criteria = {column.said(n, n): (column.meant(n, n),) for n in bins}
    return Declared((column.name,), parts, criteria=criteria)


def _crossed(first: Declared, second: Declared) -> Declared:
    every = {f"{one} and {other}": (one, other) for one in first.parts for other in second.parts}
    parts = {name: first.parts[one] & second.parts[other] for name, (one, other) in every.items()}
    return Declared(
        first.columns + second.columns,
        {name: rows for name, rows in parts.items() if rows.sum() >= FEWEST_CROSSING},
        criteria={
            name: first.criteria[one] + second.criteria[other]
            for name, (one, other) in every.items()
        },
    )
