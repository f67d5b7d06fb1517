"""Labels: a target that says several things of a row at once, as the list of those that hold.

Columns of yes and no become one column of such lists when they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.data.settings import LABELS
from assay.errors import DataError
from assay.predictions import Floats

Held = NDArray[np.int64]
Odd = Literal["refused", "missing", "no"]
_SHOWN = 3


def gathered(table: pa.Table, columns: Sequence[str], where: str, odd: Odd = "refused") -> pa.Table:
    """The table with one column of labels, 'labels', in the place of columns of yes and no.

    A row of which any of them is missing has no target.

    Args:
        table: A settled table that has these columns.
        columns: Truth values, or 0 and 1; the name of each is the label.
        where: What to call the table in errors.
        odd: What becomes of a cell that holds something else. Of a whole table it is 'no', for
            nobody knows yet whether it will be sealed; of development rows it is 'refused'; of
            sealed rows 'missing', so that it decides nothing.

    Raises:
        DataError: One of them holds something else, or nothing; or there is another column called
            'labels'.
    """
    if LABELS in table.column_names and LABELS not in columns:
        raise DataError(
            f"Several columns are the target, which is then called {LABELS!r}, and {where} has "
            "such a column.",
            where=f"data.target: [{', '.join(columns)}]",
            mend=f"give the column {LABELS!r} another name",
        )
    known, held = zip(*(_truths(table[name], name, odd) for name in columns), strict=True)
    lists = _lists(np.column_stack(held), np.all(known, axis=0), columns)
    kept = table.drop_columns([*columns])
    before = [name for name in table.column_names if name not in columns or name == columns[0]]
    return kept.add_column(before.index(columns[0]), LABELS, lists)


def are_labels(kind: pa.DataType) -> bool:
    """Whether a column of this type holds lists of labels: texts or whole numbers."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    of = kind.value_type
    return pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_integer(of)


def labels_of(column: pa.ChunkedArray) -> tuple[Any, ...]:
    """The labels that any row has, sorted."""
    return tuple(sorted(pc.unique(_flat(column)[1].drop_null()).to_pylist()))


def indicator(column: pa.ChunkedArray, classes: Sequence[Any]) -> Held:
    """1 where a row has a label, else 0, int64, shape (n, k); other labels are left out."""
    rows, labels = _flat(column)
    codes = pc.index_in(labels, value_set=pa.array(classes, labels.type))
    known = codes.is_valid().to_numpy(zero_copy_only=False)
    held = np.zeros((len(column), len(classes)), dtype=np.int64)
    held[rows[known], codes.drop_null().to_numpy()] = 1
    return held


def rarest(held: Held) -> NDArray[np.int64]:
    """What rows with labels are stratified by, shape (n,): their rarest label, k if they have none.

    So the labels of which few rows can be dealt are dealt first (as Sechidis et al. 2011 do). A row
    that would be alone in its stratum is with those of none.

    >>> rarest(np.array([[1, 0], [1, 1], [1, 0], [0, 1], [0, 0]])).tolist()
    [0, 1, 0, 1, 2]
    """
    if held.shape[1] == 0:
        return np.zeros(len(held), dtype=np.int64)
    order = np.argsort(held.sum(axis=0), kind="stable")
    has = held[:, order] > 0
    codes: NDArray[np.int64] = np.where(has.any(axis=1), order[has.argmax(axis=1)], len(order))
    codes[np.bincount(codes)[codes] == 1] = len(order)
    return codes


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """All labels, each with the position of its row."""
    lists = column.combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    return rows, pc.list_flatten(lists)


def _truths(
    column: pa.ChunkedArray, name: str, odd: Odd
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a column of yes and no is known, and where it is yes; shape (n,) each."""
    known = column.is_valid().to_numpy()
    if odd == "no" and not known.any():
        raise DataError(
            f"data.target names several columns, and {name!r} has no value in any row.",
            mend=f"take {name} off data.target, or fill it",
        )
    numbers = _numbers(column)
    yes, is_odd = numbers == 1, known & ~np.isin(numbers, (0, 1))
    if odd == "refused" and (is_odd.any() or not _is_of_truth(column.type)):
        raise _no_label(name, column)
    return known & ~is_odd if odd == "missing" else known, yes & known


def _numbers(column: pa.ChunkedArray) -> Floats:
    """Numbers and truth values as numbers, text that says 0, 1, true or false too; else NaN."""
    if _is_of_truth(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    if not pa.types.is_string(column.type):
        return np.full(len(column), np.nan)
    said = {"0": 0.0, "false": 0.0, "1": 1.0, "true": 1.0}
    codes = pc.index_in(pc.utf8_lower(column), value_set=pa.array(list(said)))
    values = np.array([*said.values(), np.nan])
    return values[pc.fill_null(codes, len(said)).to_numpy()]


def _is_of_truth(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _no_label(name: str, column: pa.ChunkedArray) -> DataError:
    kind = column.type
    if _is_of_truth(kind):
        what = f"other numbers than 0 and 1, such as {_some(column)}"
    else:
        what = f"text, such as {_some(column)}" if pa.types.is_string(kind) else str(kind)
    return DataError(
        f"data.target names several columns, and {name!r} holds {what}.",
        where="each is a label, and holds 1 or true where a row has it, else 0 or false",
        mend="name one column to predict what it holds, or store the labels as 0 and 1",
    )


def _some(column: pa.ChunkedArray) -> str:
    values = [each for each in pc.unique(column.drop_null()).to_pylist() if each not in (0, 1)]
    return ", ".join(map(repr, values[:_SHOWN]))


def _lists(held: NDArray[np.bool_], known: NDArray[np.bool_], names: Sequence[str]) -> pa.Array:
    """A list of names for each row; none for a row that is not known."""
    held = held & known[:, None]
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    labels = pa.array(list(names), pa.string()).take(pa.array(np.nonzero(held)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), labels, mask=pa.array(~known))
