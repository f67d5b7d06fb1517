"""The split: which rows are sealed for the test, and which fold each of the others is in.

This is the one module that reads the targets of test rows (law 1): to leave out rows without a
target and to give every class its share of the test. It passes none of them on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.data.settings import SplitSettings
from assay.errors import DataError
from assay.predictions import Labels, Rows

_MOST_STRATA = 100


@dataclass(frozen=True)
class Split:
    """Which rows are for what; all row numbers are of the source, int64, ascending.

    Attributes:
        train: Rows to develop on.
        test: Rows to be sealed.
        unlabelled: Rows without a target, in neither part.
        how: How it was made, in words.
    """

    train: Rows
    test: Rows
    unlabelled: Rows
    how: str


def split_rows(table: pa.Table, target: str, task: Task | None, settings: SplitSettings) -> Split:
    """Divide the rows of a settled table into training and test rows.

    Raises:
        DataError: The split column is missing or marks no test rows, or too few rows remain.
    """
    labelled = pc.is_valid(table[target]).to_numpy()
    rows = np.flatnonzero(labelled).astype(np.int64)
    if settings.by == "column":
        is_test, how = _marked(table, settings), f"as column {settings.column!r} says"
        is_test = is_test[rows]
    else:
        strata = _strata(table[target].take(rows), task)
        is_test = _drawn(len(rows), strata, settings.test, settings.seed)
        drawn = "drawn at random" if strata is None else "drawn at random within each class"
        how = f"{drawn}, {settings.test:.0%} test, seed {settings.seed}"
    split = Split(rows[~is_test], rows[is_test], np.flatnonzero(~labelled).astype(np.int64), how)
    _refuse_too_few(split, settings)
    return split


def fold_numbers(target: Labels, task: Task, folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each row, 0 to folds - 1, int64, shape (n,), balanced within each class."""
    strata = np.unique(target, return_inverse=True)[1] if task.is_classification else None
    numbers = np.empty(len(target), dtype=np.int64)
    numbers[_shuffled(len(target), strata, seed)] = np.arange(len(target)) % folds
    return numbers


def _strata(target: pa.ChunkedArray, task: Task | None) -> NDArray[np.int64] | None:
    """Class codes of the target if it is one of classes, or looks like it; else None."""
    if task is Task.REGRESSION:
        return None
    coded = target.combine_chunks().dictionary_encode()
    few = len(coded.dictionary) <= min(_MOST_STRATA, len(target) / 2)
    fractional = task is None and pa.types.is_floating(target.type) and len(coded.dictionary) > 20
    return coded.indices.to_numpy().astype(np.int64) if few and not fractional else None


def _shuffled(n: int, strata: NDArray[np.int64] | None, seed: int) -> NDArray[np.int64]:
    """Positions in random order, each class together, so that taking every k-th is fair."""
    order = np.random.default_rng(seed).permutation(n)
    return order if strata is None else order[np.argsort(strata[order], kind="stable")]


def _drawn(n: int, strata: NDArray[np.int64] | None, share: float, seed: int) -> NDArray[np.bool_]:
    """Systematic sampling over the shuffled rows; a class of one row is never drawn."""
    taken = np.floor(np.arange(n + 1) * share)
    drawn = np.zeros(n, dtype=bool)
    drawn[_shuffled(n, strata, seed)] = taken[1:] > taken[:-1]
    if strata is not None:
        drawn &= np.bincount(strata)[strata] > 1
    return drawn


def _marked(table: pa.Table, settings: SplitSettings) -> NDArray[np.bool_]:
    column = settings.column
    assert column is not None, "the experiment file is checked before"
    if column not in table.column_names:
        raise DataError(
            f"data.split.column names the column {column!r}, which the table does not have.",
            where=f"columns: {', '.join(table.column_names)}",
            mend="name the column that says which rows are for the test, or split by: random",
        )
    marks: NDArray[np.bool_] = (
        pc.fill_null(pc.equal(table[column].cast(pa.string()), "test"), False)
        .combine_chunks()
        .to_numpy(zero_copy_only=False)
    )
    return marks


def _refuse_too_few(split: Split, settings: SplitSettings) -> None:
    if len(split.test) == 0:
        marks_none = settings.by == "column"
        raise DataError(
            f"No row is marked 'test' in column {settings.column!r}."
            if marks_none
            else "The table is too small to seal a test set.",
            mend="write 'test' into that column for the rows to be sealed"
            if marks_none
            else "give more rows, or a larger data.split.test",
        )
    if len(split.train) < settings.folds:
        n = len(split.train)
        raise DataError(
            f"data.split.folds asks for {settings.folds} folds, but there "
            f"{'is only 1 row' if n == 1 else f'are only {n} rows'} to divide.",
            where=f"{len(split.test)} sealed for the test, {len(split.unlabelled)} without target",
            mend=f"data.split: {{folds: {max(2, n)}}}, or give more rows",
        )
