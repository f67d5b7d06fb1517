"""Handed over: training and test rows that come as two tables, divided by somebody else.

Nothing is sealed here: who hands over a test table may have all of it looked at. The training rows
alone decide on types, kinds and classes; what the test rows lack or hold otherwise is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.dataset import Part
from assay.data.keys import Keys
from assay.data.kinds import infer_schema, label_values
from assay.data.labels import gathered, labels_of
from assay.data.preparation import (
    keys_of,
    part_of,
    refuse_unknown_columns,
    target_values,
    without_odd_dates,
)
from assay.data.schema import Schema, Task
from assay.data.settings import DataSettings
from assay.data.sources.settling import settled_apart
from assay.errors import DataError
from assay.predictions import Rows


@dataclass(frozen=True)
class HandedOver:
    """Two tables ready for checks; row numbers are those of each table.

    Attributes:
        schema: Columns, kinds, roles, task, classes, as the training rows say.
        train: Training rows with their targets.
        test: Test rows; with their targets if the table has them and training knows all of them.
            Rows without one are left out, as they are of training, unless none has any.
        raw_train: Training rows as stored, all columns.
        raw_test: Test rows in the columns and types of the training rows, without the target.
        unreadable: Test cells that are of another type than the training rows have, by column.
    """

    schema: Schema
    train: Part
    test: Part
    raw_train: pa.Table
    raw_test: pa.Table
    unreadable: Mapping[str, int]


def hand_over(train: pa.Table, test: pa.Table, settings: DataSettings, where: str) -> HandedOver:
    """Describe two settled tables as one task.

    Args:
        train: Rows to learn from.
        test: Rows to judge on; columns that it lacks count as missing in all of its rows.
        settings: The `data` block; what it says of the split is not used.
        where: What to call the training table in errors.

    Raises:
        DataError: The training table does not fit the settings, or has no row with a target.
    """
    target = settings.target_column
    refuse_unknown_columns(train, settings, where)
    if not isinstance(settings.target, str):
        train = gathered(train, settings.target, where)
        if {*settings.target} <= {*test.column_names}:
            test = gathered(test, settings.target, where, odd="missing")
    rows = _with_target(train, target, where)
    shared = pa.table({field.name: _column(test, field) for field in train.schema})
    test_rows = np.flatnonzero(shared[target].is_valid().to_numpy()).astype(np.int64)
    if len(test_rows) == 0:
        test_rows = np.arange(test.num_rows)
    shared = shared.take(test_rows)
    raw_train, raw_test, unreadable = settled_apart(train.take(rows), shared, where)
    schema = infer_schema(raw_train, settings)
    raw_test, odd = without_odd_dates(raw_test, schema)
    known = raw_test[target]
    raw_test = raw_test.drop_columns([target])
    train_keys, test_keys = _keys(raw_train, raw_test, settings)
    tested = part_of(raw_test, np.arange(len(test_rows)), schema, test_keys)
    learnt = part_of(raw_train, np.arange(len(rows)), schema, train_keys)
    return HandedOver(
        schema=schema,
        train=replace(learnt, rows=rows),
        test=replace(
            tested,
            rows=test_rows,
            target=target_values(known, schema) if _fits(known, schema) else None,
        ),
        raw_train=raw_train,
        raw_test=raw_test,
        unreadable={**unreadable, **odd},
    )


def _with_target(table: pa.Table, target: str, where: str) -> Rows:
    rows = np.flatnonzero(table[target].is_valid().to_numpy())
    if len(rows) == 0:
        raise DataError(
            f"No row of {where} has a value of the target {target!r}.",
            mend="name another target, or give rows whose outcome is known",
        )
    return rows.astype(np.int64)


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    """A column of the table; all missing if it has none of this name."""
    if field.name in table.column_names:
        return table[field.name]
    return pa.chunked_array([pa.nulls(table.num_rows, field.type)])


def _fits(target: pa.ChunkedArray, schema: Schema) -> bool:
    """Whether every test row has a target that training knows."""
    if len(target) == 0 or target.null_count:
        return False
    if schema.task is Task.MULTILABEL:
        return {*labels_of(target)} <= {*schema.classes}
    if schema.classes:
        return {*label_values(target)} <= {*schema.classes}
    return not pc.any(pc.is_inf(target.cast(pa.float64()))).as_py()


def _keys(train: pa.Table, test: pa.Table, settings: DataSettings) -> tuple[Keys, Keys]:
    """Groups, times and weights of both, numbered alike where rows are of one group."""
    together = pa.concat_tables([train.drop_columns([settings.target_column]), test])
    rows, keys = np.arange(together.num_rows), keys_of(together, settings)
    return keys.of(rows[: train.num_rows]), keys.of(rows[train.num_rows :])
