"""Recognition: which rows of a table were in another one before, though written otherwise.

A row is known again by the columns that name it or its group, by equal cells, and by aspects of it
(`aspects.py`). Numbers that one of the tables has with fewer decimals are compared with so many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.aspects import Cells, Mask, aspects_of
from assay.data.fingerprint import among, cell_hashes, row_hashes
from assay.errors import DataError
from assay.predictions import Floats

_MOST_DECIMALS = 12
_MOST_TWINS = 0.05
"""Share of rows that may look like another one only because columns were written otherwise."""


def recognised(
    rows: pa.Table, known: pa.Table, columns: Sequence[str], keys: Sequence[str]
) -> Mask:
    """Which rows were among known ones, shape (n,).

    Args:
        rows: A settled table.
        known: Another one, of rows that are known.
        columns: What rows are described by, in both; of other types in one they tell nothing.
        keys: Columns of both that name a row, or what it belongs to.

    Raises:
        DataError: The columns were written otherwise, and what is left of them tells too few rows
            apart, so that nobody can tell.
    """
    found = np.zeros(rows.num_rows, dtype=bool)
    keys = [name for name in keys if _alike(rows, known, name)]
    for name in keys:
        is_there = pc.is_valid(rows[name]).to_numpy()
        named = pc.drop_null(known[name]).combine_chunks()
        hashes = cell_hashes(rows[name].combine_chunks())
        found |= is_there & among(hashes, np.unique(cell_hashes(named)))
    alike = [name for name in columns if _alike(rows, known, name)]
    changed, twins = [name for name in columns if name not in alike], _twins(known.select(columns))
    if not alike:
        if keys:
            return found
        raise _unknown(changed)
    rows, known = rows.select(alike), known.select(alike)
    for name in alike:
        decimals = _shared_decimals(rows[name], known[name])
        if decimals is not None:
            changed.append(name)
            rows, known = (_rounded(each, name, decimals) for each in (rows, known))
    if changed and not keys and _twins(known) > twins + _MOST_TWINS:
        raise _unknown(changed)
    found |= among(row_hashes(rows), np.unique(row_hashes(known)))
    cells = Cells(rows)
    for aspect in aspects_of(Cells(known)):
        found |= aspect.seen_among(cells)
    return found


def _unknown(changed: Sequence[str]) -> DataError:
    said = f"what {', '.join(sorted(changed))} held was written otherwise, and without it"
    return DataError(
        f"{said if changed else 'no column describes the rows of both, so'} nobody can tell which "
        "rows were there before",
        mend="give columns the types and the decimals that they had, or declare data.roles.id",
    )


def _alike(rows: pa.Table, known: pa.Table, name: str) -> bool:
    """Whether a column is in both, of one type; of numbers, whole or not."""
    if name not in rows.column_names or name not in known.column_names:
        return False
    kinds = rows.schema.field(name).type, known.schema.field(name).type
    return kinds[0] == kinds[1] or all(map(_is_number, kinds))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _shared_decimals(column: pa.ChunkedArray, known: pa.ChunkedArray) -> int | None:
    """The decimals of the one that has fewer; None where they have the same, or nothing is new."""
    if not (_is_number(column.type) and _is_number(known.type)):
        return None
    ours, theirs = _distinct(column), _distinct(known)
    if np.isin(ours, theirs).all():
        return None
    both = _decimals(ours), _decimals(theirs)
    return min(both) if both[0] != both[1] else None


def _distinct(column: pa.ChunkedArray) -> Floats:
    values = pc.drop_null(column).to_numpy().astype(np.float64)
    return np.unique(values[np.isfinite(values)])


def _decimals(values: Floats) -> int:
    """How many decimals the values need, or more than any that is looked at."""
    for decimals in range(_MOST_DECIMALS + 1):
        if np.array_equal(np.round(values, decimals), values):
            return decimals
    return _MOST_DECIMALS + 1


def _rounded(table: pa.Table, name: str, decimals: int) -> pa.Table:
    values = table[name].cast(pa.float64()).combine_chunks()
    missing = pc.is_null(values).to_numpy(zero_copy_only=False)
    rounded = np.round(pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False), decimals)
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.chunked_array([pa.array(rounded, mask=missing)]))


def _twins(table: pa.Table) -> float:
    """Share of rows that equal an earlier one; all but one where there is no column."""
    if table.num_rows == 0:
        return 0.0
    return 1 - len(np.unique(row_hashes(table))) / table.num_rows
