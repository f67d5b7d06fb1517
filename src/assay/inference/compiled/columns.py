"""Columns: a fitted ColumnTransformer becomes a function from a row's values to its numbers.

What is done to categories column by column becomes tables, which the transformer itself fills: it
is asked once for every level, and for one it never saw. What is done to numbers and dates is
computed by the same operations on floats. Any other part is asked itself, a row at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assay.inference.compiled.cells import NAN
from assay.inference.compiled.documents import document_of
from assay.inference.compiled.steps import Step, step_of

Entries = Sequence[tuple[int, float]]
"""Positions among the outputs, and what stands there; rising."""

_Part = Callable[[list[Any]], Iterable[tuple[int, float]]]
"""What a part of the transformer makes of a row's values; where it gives nothing, there is zero."""

_UNSEEN = "\x00never seen"
_BY_COLUMN = ("SimpleImputer", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "StandardScaler")


class NotCompilableError(Exception):
    """What is to be compiled is of a kind that is not known here; the text says which."""


class Encoder:
    """What a fitted ColumnTransformer does to a row.

    Attributes:
        width: Number of outputs.
        is_sparse: Whether what comes after it gets a sparse matrix.

    Args:
        transformer: The ColumnTransformer; fitted on a data frame.
        names: The features, in the order of a row's values.
        texts: Those of them whose values are texts.

    Raises:
        NotCompilableError: It is none, or was not fitted on a data frame.
    """

    def __init__(self, transformer: Any, names: Sequence[str], texts: frozenset[str]) -> None:
        from sklearn.compose import ColumnTransformer

        if type(transformer) is not ColumnTransformer:
            raise NotCompilableError(f"its preprocessing is of type {type(transformer).__name__}")
        self.is_sparse = bool(transformer.sparse_output_)
        self.width = 0
        self._parts: list[_Part] = []
        position = {name: number for number, name in enumerate(names)}
        for label, part, columns in transformer.transformers_:
            if part == "drop":
                continue
            listed = [columns] if isinstance(columns, str) else list(columns)
            if not all(isinstance(name, str) and name in position for name in listed):
                raise NotCompilableError(f"its preprocessing {label!r} names columns by number")
            where = transformer.output_indices_[label]
            cells = [position[name] for name in listed]
            is_of_texts = texts.issuperset(listed)
            self._parts.append(_part(part, columns, cells, where.start, is_of_texts))
            self.width = max(self.width, where.stop)

    def dense(self, values: list[Any]) -> list[float]:
        """The numbers that a row's values become, shape (width,)."""
        out = [0.0] * self.width
        for part in self._parts:
            for place, value in part(values):
                out[place] = value
        return out

    def entries(self, values: list[Any]) -> Entries:
        """Those of the numbers that are not zero, as a sparse matrix has them."""
        made = [each for part in self._parts for each in part(values) if each[1] != 0]
        made.sort()
        return made


def _part(part: Any, columns: Any, cells: list[int], start: int, is_of_texts: bool) -> _Part:
    """What one part of a ColumnTransformer does."""
    if isinstance(columns, str):
        return _of_documents(part, cells[0], start)
    if is_of_texts and part != "passthrough":
        made = _of_levels(part, columns, cells, start) if goes_by_column(part) else None
        return made if made is not None else _asked(part, columns, cells, start)
    step = step_of(part)
    if step is None:
        return _asked(part, columns, cells, start)
    return _of_numbers(step, cells, start)


def _of_numbers(step: Step, cells: list[int], start: int) -> _Part:
    return lambda values: enumerate(step([values[cell] for cell in cells]), start)


def _of_documents(part: Any, cell: int, start: int) -> _Part:
    """A part that gets a column by itself, as one that counts words does."""
    document = document_of(part)
    if document is not None:
        known = document
        return lambda values: [(start + place, value) for place, value in known(values[cell])]

    def asked(values: list[Any]) -> Iterable[tuple[int, float]]:
        row = part.transform([values[cell]])
        return _entries(row, 0, start) if hasattr(row, "indptr") else enumerate(row[0], start)

    return asked


def _asked(part: Any, columns: Sequence[str], cells: list[int], start: int) -> _Part:
    """A part that is asked itself, with a data frame of one row."""

    def made(values: list[Any]) -> Iterable[tuple[int, float]]:
        frame = _frame({name: [values[cell]] for name, cell in zip(columns, cells, strict=True)})
        return enumerate(_dense(part.transform(frame))[0].tolist(), start)

    return made


def goes_by_column(part: Any) -> bool:
    """Whether a part makes of each column what it makes of it alone, level by level."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else [part]
    names = [type(step).__name__ for step in steps]
    return set(names) <= {*_BY_COLUMN} and sum(hasattr(each, "categories_") for each in steps) == 1


def _of_levels(part: Any, columns: Sequence[str], cells: list[int], start: int) -> _Part | None:
    """Tables of what a part makes of each level; None if it refuses what it never saw."""
    levels = levels_of(part)
    made = of_each_level(part, columns, levels)
    if made is None:
        return None
    return _tables(_sparse(made), [asked_of(each) for each in levels], cells, start)


def levels_of(part: Any) -> list[list[str]]:
    """The texts that a part knows as levels, column by column."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else [part]
    [known] = [step.categories_ for step in steps if hasattr(step, "categories_")]
    return [[each for each in column if isinstance(each, str)] for column in known]


def asked_of(levels: list[str]) -> list[Any]:
    """What a part is asked for in a column: each level, a gap, and a text that it never saw."""
    return [*levels, NAN, _unseen(levels)]


def of_each_level(part: Any, columns: Sequence[str], levels: list[list[str]]) -> Any:
    """What a part makes of a base row, then of each cell of `asked_of` with the others at theirs.

    None if it refuses what it never saw.
    """
    base = [column[0] if column else _UNSEEN for column in levels]
    rows: list[list[Any]] = [[*base]]
    for number, column in enumerate(levels):
        rows += [[*base[:number], cell, *base[number + 1 :]] for cell in asked_of(column)]
    frame = _frame({name: [row[at] for row in rows] for at, name in enumerate(columns)})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return part.transform(frame)
    except ValueError:
        return None


def _tables(made: Any, asked: list[list[Any]], cells: list[int], start: int) -> _Part:
    """The tables of some columns from what became of each level.

    Args:
        made: A row of a base level in each column, then, column by column, a row for each level
            with the others at their base; sparse, shape (1 + levels, outputs).
        asked: The levels of each column, the last being one that was never seen.
        cells: Where the columns are among a row's values.
        start: Where the outputs begin.
    """
    base = made[[0]]
    of_nobody = dict(_entries(base, 0, start))
    tables, first = [], 1
    for cell, column in zip(cells, asked, strict=True):
        rows = made[first : first + len(column)]
        first += len(column)
        differs = rows - base[np.zeros(len(column), dtype=np.int64)]
        own = {start + int(place) for place in np.unique(differs.nonzero()[1])}
        table = {
            level: tuple(each for each in _entries(rows, number, start) if each[0] in own)
            for number, level in enumerate(column)
        }
        for place in own:
            of_nobody.pop(place, None)
        tables.append((cell, table.get, table[column[-1]]))
    fixed = tuple(of_nobody.items())

    def made_of(values: list[Any]) -> Iterable[tuple[int, float]]:
        entries = list(fixed)
        for cell, entries_of, unseen in tables:
            entries += entries_of(values[cell], unseen)
        return entries

    return made_of


def _entries(made: Any, row: int, start: int) -> Entries:
    """What stands in a row of a sparse matrix, gaps included, as outputs from `start` on."""
    span = slice(made.indptr[row], made.indptr[row + 1])
    places, values = made.indices[span].tolist(), made.data[span].tolist()
    return sorted(zip((start + place for place in places), values, strict=True))


def _unseen(column: list[str]) -> str:
    """A level that is not among these."""
    level = _UNSEEN
    while level in column:
        level += "\x00"
    return level


def _frame(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """A data frame as `feature_frame` makes it."""
    arrays = {}
    for name, cells in columns.items():
        is_text = any(isinstance(cell, str) for cell in cells)
        arrays[name] = np.empty(len(cells), dtype=object if is_text else np.float64)
        arrays[name][:] = cells
    return pd.DataFrame(arrays)


def _dense(made: Any) -> Any:
    if hasattr(made, "toarray"):
        return made.toarray()
    return np.asarray(made, dtype=np.float64)


def _sparse(made: Any) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(made)
