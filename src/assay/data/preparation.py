"""Preparation: a settled table becomes development rows to work on and test rows to be sealed.

After `prepare` returns, the targets of the test rows exist in one place only: in the
`SealedRows` that goes into the vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa

from assay.data.dataset import Part
from assay.data.features import feature_frame
from assay.data.fingerprint import fingerprint, row_hashes, rows_digest
from assay.data.kinds import infer_schema, label_values
from assay.data.schema import Schema, label_array
from assay.data.settings import DataSettings
from assay.data.split import Split, split_rows
from assay.data.vault import SealedRows
from assay.errors import DataError
from assay.predictions import Labels, Rows


@dataclass(frozen=True)
class Prepared:
    """Data ready for checks and fits.

    Attributes:
        schema: Columns, kinds, roles, task, classes.
        development: All rows but test, with their targets.
        test: The test rows' features, without targets.
        raw_development: Development rows as stored, all columns.
        raw_test: Test rows as stored, without the target column.
        sealed: The test rows with their targets, for the vault.
        split: Row numbers of the parts.
        fingerprint: SHA-256 of the whole table.
    """

    schema: Schema
    development: Part
    test: Part
    raw_development: pa.Table
    raw_test: pa.Table
    sealed: SealedRows
    split: Split
    fingerprint: str

    @property
    def n_rows(self) -> dict[str, int]:
        """Rows by part."""
        return {
            "train": len(self.split.train),
            "test": len(self.split.test),
            "unlabelled": len(self.split.unlabelled),
        }


def prepare(table: pa.Table, settings: DataSettings, where: str) -> Prepared:
    """Split, seal and describe a settled table.

    Args:
        table: The whole source.
        settings: The `data` block.
        where: What to call the table in errors.

    Raises:
        DataError: The table does not fit the settings.
    """
    _refuse_unknown_columns(table, settings, where)
    split = split_rows(table, settings.target, settings.task, settings.split)
    raw_development = table.take(split.train)
    raw_test = table.take(split.test)
    schema = infer_schema(raw_development, settings)
    hashes = row_hashes(raw_test)
    return Prepared(
        schema=schema,
        development=part_of(raw_development, split.train, schema),
        test=part_of(raw_test.drop_columns([settings.target]), split.test, schema),
        raw_development=raw_development,
        raw_test=raw_test.drop_columns([settings.target]),
        sealed=SealedRows(raw_test, split.test, hashes, rows_digest(hashes)),
        split=split,
        fingerprint=fingerprint(table),
    )


def part_of(table: pa.Table, rows: Rows, schema: Schema) -> Part:
    """Some rows of a settled table as a part, with the target if the table has it.

    Raises:
        DataError: A feature is missing from the table, or holds values of another kind.
    """
    kinds = {column.name: column.kind.value for column in schema.features}
    present = [name for name in kinds if name in table.column_names]
    try:
        features = feature_frame(table.select(present).to_pandas(), kinds)
    except ValueError as error:
        raise DataError(
            f"The table does not fit the model's schema: {error}.",
            where=f"columns: {', '.join(table.column_names)}",
            mend="give the columns that the model was trained on",
        ) from None
    target = None
    if schema.target in table.column_names:
        target = target_values(table[schema.target], schema)
    return Part(rows, features, target, schema)


def target_values(column: pa.ChunkedArray, schema: Schema) -> Labels:
    """The target as class labels, or as float64 values for regression, shape (n,)."""
    if schema.task.is_classification:
        return label_array(label_values(column))
    values: Labels = column.to_numpy().astype(np.float64)
    return values


def _refuse_unknown_columns(table: pa.Table, settings: DataSettings, where: str) -> None:
    named: dict[str, Any] = {"data.target": settings.target, "data.roles.id": settings.roles.id}
    named |= {f"data.roles.ignore[{i}]": name for i, name in enumerate(settings.roles.ignore)}
    for key, name in named.items():
        if name is None or name in table.column_names:
            continue
        close = get_close_matches(name, table.column_names, n=1)
        raise DataError(
            f"{key} names the column {name!r}, which {where} does not have.",
            where=f"columns: {', '.join(table.column_names)}",
            mend=f"{key.rpartition('.')[2]}: {close[0] if close else table.column_names[-1]}",
        )
