"""Preparation: a settled table becomes development rows to work on and test rows to be sealed.

After `prepare` returns, the targets of the test rows exist in one place only: in the
`SealedRows` that goes into the vault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from assay.data.dataset import Part
from assay.data.dates import are_written
from assay.data.features import feature_frame
from assay.data.fingerprint import fingerprint, row_hashes, rows_digest
from assay.data.folds import Folding
from assay.data.keys import Keys, group_codes, times, weights
from assay.data.kinds import describe, infer_schema, label_values
from assay.data.labels import gathered, indicator
from assay.data.schema import Kind, Role, Schema, Task, label_array
from assay.data.settings import DataSettings
from assay.data.sources.settling import settled_apart
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
        folding: How development rows are divided into folds.
        unreadable: Test cells that are of another type than the development rows have, by column;
            they count as missing.
        fingerprint: SHA-256 of the whole table.
    """

    schema: Schema
    development: Part
    test: Part
    raw_development: pa.Table
    raw_test: pa.Table
    sealed: SealedRows
    split: Split
    folding: Folding
    unreadable: Mapping[str, int]
    fingerprint: str

    @property
    def n_rows(self) -> dict[str, int]:
        """Rows by part; 'validation' is one where rows are held out."""
        parts = {"train": len(self.split.train)}
        unused = {reason: len(rows) for reason, rows in self.split.unused.items()}
        if self.folding.validation is not None:
            folds = self.folding.divide(self.development, self.folding.seed)
            parts = {"train": int(folds.learns(0).sum()), "validation": int(folds.predicted.sum())}
            between = len(self.split.train) - sum(parts.values())
            if between:
                unused["in the gap"] = unused.get("in the gap", 0) + between
        return {**parts, "test": len(self.split.test), **unused}

    @property
    def how(self) -> str:
        """How the parts were made, in words."""
        share = self.folding.validation
        if share is None:
            return self.split.how
        drawn = {
            "random": "drawn likewise",
            "group": "whole groups, drawn likewise",
            "time": "the latest by time",
        }[self.folding.by]
        return f"{self.split.how}; {share:.0%} of the others for validation, {drawn}"

    def split_fingerprint(self, seeds: Sequence[int]) -> str:
        """SHA-256 of the row numbers of every part, and of every fold as each seed draws them."""
        digest = hashlib.sha256()
        parts = {"train": self.split.train, "test": self.split.test, **self.split.unused}
        for name, rows in parts.items():
            digest.update(f"{name}: {len(rows)}\0".encode() + rows.astype("<i8").tobytes())
        for seed in seeds:
            digest.update(self.folding.divide(self.development, seed).digest())
        return digest.hexdigest()


def prepare(
    table: pa.Table, settings: DataSettings, where: str, *, holds_out: bool = False
) -> Prepared:
    """Split, seal and describe a settled table.

    Args:
        table: The whole source.
        settings: The `data` block.
        where: What to call the table in errors.
        holds_out: Whether validation rows are held out, instead of dividing all into folds.

    Raises:
        DataError: The table does not fit the settings.
    """
    refuse_unknown_columns(table, settings, where)
    content = fingerprint(table)
    labels = () if isinstance(settings.target, str) else settings.target
    whole = gathered(table, labels, where, odd="no") if labels else table
    keys = keys_of(whole, settings)
    split = split_rows(whole, settings.task, settings, keys)
    raw_development, raw_test, unreadable = settled_apart(
        table.take(split.train), table.take(split.test), where
    )
    if labels:
        raw_development = gathered(raw_development, labels, where)
        raw_test = gathered(raw_test, labels, where, odd="missing")
    if raw_test[settings.target_column].null_count:
        split, raw_test = _without_unreadable(split, raw_test, settings.target_column)
    schema = infer_schema(raw_development, settings)
    raw_test, odd = without_odd_dates(raw_test, schema)
    unreadable = {**unreadable, **odd}
    hashes = row_hashes(raw_test)
    development = part_of(raw_development, split.train, schema, keys)
    folding = Folding.holding_out(settings) if holds_out else Folding.of(settings)
    folding.refuse_impossible(development)
    return Prepared(
        schema=schema,
        development=development,
        test=part_of(raw_test.drop_columns([settings.target_column]), split.test, schema, keys),
        raw_development=raw_development,
        raw_test=raw_test.drop_columns([settings.target_column]),
        sealed=SealedRows(raw_test, split.test, hashes, rows_digest(hashes)),
        split=split,
        folding=folding,
        unreadable=unreadable,
        fingerprint=content,
    )


def without_odd_dates(test: pa.Table, schema: Schema) -> tuple[pa.Table, dict[str, int]]:
    """Test rows whose text dates are written as those of the development rows, else missing."""
    odd = {}
    read = [*schema.features, *(each for each in schema.columns if each.role is Role.SEGMENT)]
    for column in read:
        if column.kind is not Kind.DATETIME or not column.format:
            continue
        cells = test[column.name].to_pandas()
        is_date = are_written(cells, column.format)
        n_odd = int((cells.notna() & ~is_date).sum())
        if n_odd:
            position = test.column_names.index(column.name)
            kept = pa.array(cells.where(is_date, None), pa.string())
            test = test.set_column(position, column.name, kept)
            odd[column.name] = n_odd
    return test, odd


def _without_unreadable(split: Split, test: pa.Table, target: str) -> tuple[Split, pa.Table]:
    """The test rows whose target is of the type that the development rows have."""
    readable = test[target].is_valid().to_numpy()
    unused = {**split.unused, "with a target of another type": split.test[~readable]}
    return replace(split, test=split.test[readable], unused=unused), test.filter(readable)


def keys_of(table: pa.Table, settings: DataSettings) -> Keys:
    """Groups, times and weights of all rows, as the roles say.

    Raises:
        DataError: A column cannot play its role.
    """
    roles = settings.roles
    groups = group_codes(table, roles.groups) if roles.groups else None
    if groups is None and settings.split.duplicates == "together":
        besides = {settings.target_column, roles.id, roles.weight, settings.split.column}
        besides |= {*roles.ignore, *roles.segments}
        named = [name for name in table.column_names if name not in besides]
        groups = group_codes(table, named, missing_is_alone=False)
    moments = None
    if roles.time is not None:
        column = describe(roles.time, table[roles.time], Role.TIME, settings.kinds.get(roles.time))
        moments = times(table, roles.time, column.read_as)
    weighing = weights(table, roles.weight) if roles.weight is not None else None
    return Keys(groups, moments, weighing)


def part_of(table: pa.Table, rows: Rows, schema: Schema, keys: Keys | None = None) -> Part:
    """Some rows of a settled table as a part, with the target if the table has it.

    Args:
        table: These rows.
        rows: Their numbers in the source, shape (n,).
        schema: Columns, kinds and roles.
        keys: Groups, times and weights of all rows of the source.

    Raises:
        DataError: A feature is missing from the table, or holds values of another kind.
    """
    kinds = schema.reading
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
    keyed = {
        name: None if each is None else each[rows] for name, each in vars(keys or Keys()).items()
    }
    return Part(rows, features, target, schema, **keyed)


def target_values(column: pa.ChunkedArray, schema: Schema) -> Labels:
    """The target as class labels, or as float64 values for regression, shape (n,).

    Of a multilabel task 1 where a row has a label, else 0, int64, shape (n, k).
    """
    if schema.task is Task.MULTILABEL:
        return indicator(column, schema.classes)
    if schema.task.is_classification:
        return label_array(label_values(column))
    values: Labels = column.to_numpy().astype(np.float64)
    return values


def refuse_unknown_columns(table: pa.Table, settings: DataSettings, where: str) -> None:
    roles = settings.roles
    named: dict[str, str | None] = {
        **_numbered("data.target", _listed(settings.target)),
        "data.roles.id": roles.id,
        "data.roles.time": roles.time,
        "data.roles.weight": roles.weight,
        "data.split.column": settings.split.column,
        **_numbered("data.roles.group", roles.groups),
        **_numbered("data.roles.segments", roles.segments),
        **_numbered("data.roles.ignore", roles.ignore),
        **{f"data.kinds.{name}": name for name in settings.kinds},
    }
    for key, name in named.items():
        if name is None or name in table.column_names:
            continue
        others = [each for each in table.column_names if each not in named.values()]
        raise DataError(
            f"{key} names the column {name!r}, which {where} does not have.",
            where=f"columns: {', '.join(table.column_names)}",
            mend=_meant(key, name, others, settings),
        )


def _listed(target: str | tuple[str, ...]) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target


def _numbered(key: str, names: Sequence[str]) -> dict[str, str]:
    return {f"{key}[{i}]" if len(names) > 1 else key: name for i, name in enumerate(names)}


def _meant(key: str, name: str, columns: Sequence[str], data: DataSettings) -> str:
    """The setting with the column that was meant, if one is close."""
    by_case = {each.lower(): each for each in columns}
    close = get_close_matches(name.lower(), by_case, n=1)
    if not close:
        needed = key.partition("[")[0] == "data.target"
        return "name one of the columns" + ("" if needed else ", or leave it out")
    meant, roles = by_case[close[0]], data.roles
    setting = key.partition("[")[0].removeprefix("data.roles.").removeprefix("data.")
    if setting.startswith("kinds."):
        return meant
    several = {
        "target": _listed(data.target),
        "ignore": roles.ignore,
        "segments": roles.segments,
        "group": roles.groups,
    }
    names = several.get(setting, ())
    if setting in ("ignore", "segments") or len(names) > 1:
        return f"{setting}: [{', '.join(meant if each == name else each for each in names)}]"
    return f"{setting.rpartition('.')[2]}: {meant}"
