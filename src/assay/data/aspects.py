"""Aspects: some columns that tell rows apart, by which the same rows are known again.

A row's hash knows the row as long as none of its cells is touched. An aspect looks at some of the
columns and is blind to the others: whatever is added, dropped or changed there, it knows its rows.
Each column is left out by at least one aspect of a table. Numbers are read to three digits, texts
whatever their case, so that rounding and tidying leave most cells what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.fingerprint import Hashes, among, cell_hashes, hash_bytes, mixed

Mask = NDArray[np.bool_]
INHERITING_SHARE = 0.05
"""Share of a test set's rows whose looks the whole set inherits."""

_MOST_PARTS = 8
_FEWEST_COLUMNS = 6
_FEW_TWINS = 0.02
_NEARLY_ALL = 0.95


class Cells:
    """The cells of a table as hashes that know nothing of their column's name."""

    def __init__(self, table: pa.Table) -> None:
        self.n_rows = table.num_rows
        self._table = table

    @cached_property
    def hashes(self) -> list[Hashes]:
        """Hashes of the cells by column, each of shape (n,)."""
        columns = (column.combine_chunks() for column in self._table.columns)
        return [cell_hashes(column, rough=True) for column in columns]

    @cached_property
    def names(self) -> Hashes:
        """The columns' names, whatever their case and punctuation, as hashes."""
        plain = ("".join(filter(str.isalnum, n)).casefold() for n in self._table.column_names)
        return np.array([hash_bytes(name.encode()) for name in plain], dtype=np.uint64)

    @cached_property
    def contents(self) -> Hashes:
        """What each column holds, whatever the order of the rows."""
        return np.array([each.sum(dtype=np.uint64) for each in self.hashes], dtype=np.uint64)

    @cached_property
    def different(self) -> Mask:
        """Rows of which none equals an earlier one, shape (n,)."""
        mask = np.zeros(self.n_rows, dtype=bool)
        mask[np.unique(self.together(range(len(self.hashes))), return_index=True)[1]] = True
        return mask

    @cached_property
    def telling(self) -> list[int]:
        """Positions of the columns that describe their rows.

        Not those that hold one value nearly everywhere, nor those that only number the rows: rows
        of another table may have the same numbers.
        """
        telling = []
        for position, hashes in enumerate(self.hashes):
            sizes = np.diff(np.flatnonzero(_starts(np.sort(hashes))), append=self.n_rows)
            is_float = pa.types.is_floating(self._table.schema.field(position).type)
            numbers_rows = len(sizes) >= _NEARLY_ALL * self.n_rows and not is_float
            if sizes.max(initial=0) < _NEARLY_ALL * self.n_rows and not numbers_rows:
                telling.append(position)
        return telling

    def together(self, positions: Sequence[int]) -> Hashes:
        """One hash per row over these columns in this order, shape (n,)."""
        total = np.zeros(self.n_rows, dtype=np.uint64)
        for position in positions:
            total = mixed(total + self.hashes[position])
        return total


@dataclass(frozen=True)
class Aspect:
    """Some columns of a table, and what its rows look like in them.

    Attributes:
        columns: Name, content and position of each column, and the width of the table, as hashes
            and numbers; uint64, shape (m, 4).
        twins: Share of the different rows that look like another one here.
        repeats: Share of all rows that look like an earlier one here.
        hashes: What the rows look like, sorted, each once.
    """

    columns: Hashes
    twins: float
    repeats: float
    hashes: Hashes

    @classmethod
    def of(cls, cells: Cells, positions: Sequence[int]) -> Self:
        """How a table looks in these columns."""
        columns = [
            (cells.names[each], cells.contents[each], each, len(cells.names)) for each in positions
        ]
        hashes = cells.together(positions)
        ordered = np.sort(hashes)
        once = ordered[_starts(ordered)]
        return cls(
            np.array(columns, dtype=np.uint64).reshape(-1, 4),
            twins=_told_apart(hashes[cells.different])[1],
            repeats=1 - len(once) / len(hashes),
            hashes=once,
        )

    def seen_among(self, cells: Cells) -> Mask:
        """Which rows of a table look like one of these, shape (n,).

        None of them, unless they are more than rows that merely look alike can explain.
        """
        none = np.zeros(cells.n_rows, dtype=bool)
        positions = [self._position(column, cells) for column in self.columns]
        found = [each for each in positions if each is not None]
        if len(found) < len(positions) or cells.n_rows == 0:
            return none
        alike = among(cells.together(found), self.hashes)
        return alike if alike.mean() >= INHERITING_SHARE + 2 * self.twins else none

    def _position(self, column: Hashes, cells: Cells) -> int | None:
        """Where a column is in another table: by its name, else by its content or its place.

        By its name only, if rows look so much alike here that they would in any table.
        """
        name, content, position, width = column
        if name in cells.names:
            return int(np.flatnonzero(cells.names == name)[0])
        if self.repeats > 0.5:
            return None
        if content in cells.contents:
            return int(np.flatnonzero(cells.contents == content)[0])
        return int(position) if int(width) == len(cells.names) else None


def aspects_of(cells: Cells) -> list[Aspect]:
    """Several aspects of a table, with as little in common as it allows.

    Each is blind to another part of the columns, the last one to none.
    """
    telling = cells.telling
    if len(telling) < 2:
        return []
    n_parts = min(_MOST_PARTS, len(telling))
    blind_to = [range(n, n + max(1, n_parts // 4)) for n in range(n_parts)] + [range(0)]
    used = dict.fromkeys(telling, 0)
    aspects = []
    for number, blind in enumerate(blind_to):
        parts = {each % n_parts for each in blind}
        seen = [p for place, p in enumerate(telling) if place % n_parts not in parts]
        shuffled = np.random.default_rng(number).permutation(seen).tolist()
        chosen = _enough(cells, sorted(shuffled, key=lambda position: used[position]))
        for each in chosen:
            used[each] += 1
        aspects.append(Aspect.of(cells, chosen))
    return aspects


def _enough(cells: Cells, order: Sequence[int]) -> list[int]:
    """As many of the columns, in this order, as tell the rows apart; those that help to."""
    chosen: list[int] = []
    total, n_seen = np.zeros(cells.different.sum(), dtype=np.uint64), 1
    for position in order:
        trial = mixed(total + cells.hashes[position][cells.different])
        n_different, twins = _told_apart(trial)
        if len(chosen) >= _FEWEST_COLUMNS and n_different < 1.001 * n_seen:
            continue
        chosen.append(position)
        total, n_seen = trial, n_different
        if len(chosen) >= _FEWEST_COLUMNS and twins <= _FEW_TWINS:
            break
    return chosen


def _told_apart(hashes: Hashes) -> tuple[int, float]:
    """How many different hashes there are, and the share of those that are there repeatedly."""
    first = _starts(np.sort(hashes))
    alone = first & np.append(first[1:], True)
    return int(first.sum()), 1 - float(alone.mean())


def _starts(ordered: Hashes) -> Mask:
    """Where another hash begins, shape (n,)."""
    return np.append(np.ones(min(1, len(ordered)), dtype=bool), ordered[1:] != ordered[:-1])
