"""The split: which rows are sealed for the test. Folds of the other rows are in `folds`.

This is the one module that reads the targets of test rows (law 1): to leave out rows without a
target and to give every class its share of the test. It passes none of them on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.data.drawing import drawn, drawn_groups, latest
from assay.data.keys import Keys
from assay.data.labels import are_labels, indicator, labels_of, rarest
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources.settling import SAYS_PART, is_marked
from assay.errors import DataError
from assay.predictions import Rows

_MOST_STRATA = 100
_MARKS = {"test", "train", "training", "validation", "valid", "val", "dev"}


@dataclass(frozen=True)
class Split:
    """Which rows are for what; all row numbers are of the source, int64, ascending.

    Attributes:
        train: Rows to develop on.
        test: Rows to be sealed.
        how: How it was made, in words.
        unused: Rows in neither part, by the reason: 'without target', 'without time', 'in the gap'.
    """

    train: Rows
    test: Rows
    how: str
    unused: Mapping[str, Rows] = field(default_factory=dict)


def split_rows(
    table: pa.Table, task: Task | None, settings: DataSettings, keys: Keys | None = None
) -> Split:
    """Divide the rows of a settled table into training and test rows.

    Raises:
        DataError: The split column is missing or marks no test rows, or too few rows remain.
    """
    keys = keys or Keys()
    target = table[settings.target_column]
    labelled = pc.is_valid(target).to_numpy()
    if not labelled.any():
        raise DataError(
            f"0 of {len(labelled):,} rows have a value in the target {settings.target_column!r}.",
            where=f"data.target: {settings.target_column}",
            mend="name another target, or give rows whose outcome is known",
        )
    unused = {"without target": _where(~labelled)}
    if keys.times is not None:
        unused["without time"] = _where(labelled & np.isnan(keys.times))
        labelled = labelled & ~np.isnan(keys.times)
    rows = _where(labelled)
    if len(rows) == 0 and "without time" in unused and len(unused["without time"]):
        raise DataError(
            f"No row has both a target and a time in {settings.roles.time!r}.",
            mend="name another time column, or fill it",
        )
    is_test, how = _sealed(table, rows, task, settings, keys)
    in_gap = np.zeros(len(rows), dtype=bool)
    by_time = settings.sealed_by in ("time", "column")
    if keys.times is not None and by_time and settings.split.gap > 0 and is_test.any():
        moments = keys.times[rows]
        in_gap = ~is_test & (moments > moments[is_test].min() - settings.split.gap)
        unused["in the gap"] = rows[in_gap]
    split = Split(
        rows[~is_test & ~in_gap],
        rows[is_test],
        how,
        {reason: which for reason, which in unused.items() if len(which)},
    )
    _refuse_too_few(split, settings, table)
    return split


def _sealed(
    table: pa.Table, rows: Rows, task: Task | None, settings: DataSettings, keys: Keys
) -> tuple[NDArray[np.bool_], str]:
    """Which of the usable rows are for the test, shape (len(rows),), and why."""
    split, by = settings.split, settings.sealed_by
    if by == "column":
        return _marked(table, settings)[rows], f"as column {split.column!r} says"
    if by == "time":
        assert keys.times is not None, "the experiment file is checked before"
        return latest(keys.times[rows], split.test), f"the latest {split.test:.0%} by time"
    target = table[settings.target_column].take(rows)
    strata = _strata(target, task)
    stratum = "by the rarest label of each row" if are_labels(target.type) else "within each class"
    within = "" if strata is None else f" {stratum}"
    about = f"{split.test:.0%} test, seed {split.seed}"
    if by == "group" and keys.groups is not None:
        is_test = drawn_groups(keys.groups[rows], strata, split.test, split.seed)
        what = "rows of equal features together" if not settings.roles.groups else "whole groups"
        return is_test, f"{what}, drawn at random{within}, {about}"
    is_test = drawn(len(rows), strata, split.test, split.seed)
    return is_test, f"drawn at random{within}, {about}"


def _strata(target: pa.ChunkedArray, task: Task | None) -> NDArray[np.int64] | None:
    """Class codes of the target if it is one of classes, or looks like it; else None.

    Of labels the rarest of each row.
    """
    if task is Task.REGRESSION:
        return None
    if are_labels(target.type):
        return rarest(indicator(target, labels_of(target)))
    if pa.types.is_nested(target.type):  # which will be refused, but nobody has looked at it yet
        return None
    coded = target.combine_chunks().dictionary_encode()
    few = len(coded.dictionary) <= min(_MOST_STRATA, len(target) / 2)
    fractional = task is None and pa.types.is_floating(target.type) and len(coded.dictionary) > 20
    return coded.indices.to_numpy().astype(np.int64) if few and not fractional else None


def _marked(table: pa.Table, settings: DataSettings) -> NDArray[np.bool_]:
    column = settings.split.column
    assert column is not None, "the experiment file is checked before"
    marks: NDArray[np.bool_] = (
        pc.fill_null(pc.equal(table[column].cast(pa.string()), "test"), False)
        .combine_chunks()
        .to_numpy(zero_copy_only=False)
    )
    return marks


def marking_column(table: pa.Table, target: str) -> str | None:
    """The column that says which rows are the test's, if there is one that says nothing else.

    It counts only where such a row has a target: what cannot be judged is no test.
    """
    said = said_by_source(table, target)
    if said is not None:
        return said
    for name in table.column_names:
        if name == target or not _is_text(table[name].type):
            continue
        if set(pc.unique(table[name]).to_pylist()) <= _MARKS and _divides(table, name, target):
            return name
    return None


def said_by_source(table: pa.Table, target: str) -> str | None:
    """The column by which the source itself has parted its rows, if test rows are among them."""
    marked = [field.name for field in table.schema if is_marked(field, SAYS_PART)]
    return next((each for each in marked if _divides(table, each, target)), None)


def _divides(table: pa.Table, name: str, target: str) -> bool:
    """Whether a column marks some rows as the test's, not all, and one of them has a target."""
    is_test = pc.fill_null(pc.equal(table[name].cast(pa.string()), "test"), False)
    if name == target or not pc.any(is_test).as_py() or pc.all(is_test).as_py():
        return False
    known = table[target].is_valid() if target in table.column_names else is_test
    return bool(pc.any(pc.and_(is_test, known)).as_py())


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _where(mask: NDArray[np.bool_]) -> Rows:
    return np.flatnonzero(mask).astype(np.int64)


def _refuse_too_few(split: Split, settings: DataSettings, table: pa.Table) -> None:
    if len(split.test) == 0:
        raise _no_test_rows(settings, table)
    folds, n = settings.split.folds, len(split.train)
    if n < folds:
        unused = [f"{len(rows)} {reason}" for reason, rows in split.unused.items()]
        raise DataError(
            f"data.split.folds asks for {folds} folds, but there "
            f"{'is only 1 row' if n == 1 else f'are only {n} rows'} to divide.",
            where=", ".join([f"{len(split.test)} sealed for the test", *unused]),
            mend=f"data.split: {{folds: {max(2, n)}}}, or give more rows",
        )


def _no_test_rows(settings: DataSettings, table: pa.Table) -> DataError:
    if settings.sealed_by == "column" and (n := int(_marked(table, settings).sum())):
        needed = f"a value in the target {settings.target_column!r}"
        if settings.roles.time is not None:
            needed += f" and a time in {settings.roles.time!r}"
        return DataError(
            f"No row marked 'test' in column {settings.split.column!r} has {needed}.",
            where=f"{n:,} rows are marked so",
            mend="leave data.split out: test rows are then drawn from the others; "
            "or mark rows whose outcome is known",
        )
    if settings.sealed_by == "column":
        return DataError(
            f"No row is marked 'test' in column {settings.split.column!r}.",
            mend="write 'test' into that column for the rows to be sealed",
        )
    if settings.sealed_by == "time":
        return DataError(
            f"No test rows can be cut off: {settings.roles.time!r} has too few different values.",
            mend="name a finer time column, or a larger data.split.test",
        )
    return DataError(
        "The table is too small to seal a test set.",
        mend="give more rows, or a larger data.split.test",
    )
