"""Inference: the kind of each column and what the target asks for, from development rows only."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.data.settings import DataSettings
from assay.data.sources.settling import NAMES_ROW, is_marked
from assay.errors import DataError

_MOST_CLASSES = 100
_MOST_NUMBERED_CLASSES = 20
_WORDS_OF_TEXT = 5


def infer_schema(table: pa.Table, settings: DataSettings) -> Schema:
    """The schema of a settled table of development rows.

    Raises:
        DataError: The target cannot be predicted (one class, no numbers, too many classes), or a
            feature is stored in a type that cannot be used.
    """
    roles = _said_by_source(table) | _roles(settings)
    columns = tuple(
        _column(name, table[name], roles.get(name, Role.FEATURE)) for name in table.column_names
    )
    if not _can_be_predicted(table[settings.target].type):
        stored = _stored(table[settings.target].type)
        raise DataError(
            f"The target {settings.target!r} holds {stored}, which cannot be predicted.",
            mend="name a target of numbers, text or truth values",
        )
    task = settings.task or _infer_task(table[settings.target], settings.target)
    classes: tuple[Any, ...] = ()
    if task.is_classification:
        classes = _classes(table[settings.target], task, settings)
    elif not _is_number(table[settings.target].type):
        raise DataError(
            f"The target {settings.target!r} holds {_stored(table[settings.target].type)}, "
            "which cannot be predicted by regression.",
            mend="data: {task: multiclass}, or name a numeric target",
        )
    schema = Schema(columns, settings.target, task, classes)
    if not schema.features:
        raise DataError(
            "No column is left to predict from.",
            where=", ".join(f"{c.name} ({c.role}, {c.kind})" for c in columns),
            mend="give the table columns other than the target, or take some off data.roles.ignore",
        )
    return schema


def label_values(column: pa.ChunkedArray) -> list[Any]:
    """Class labels as Python values: a float that is a whole number is an int."""
    values = column.to_pylist()
    if pa.types.is_floating(column.type) and all(v is None or v.is_integer() for v in values):
        return [None if value is None else int(value) for value in values]
    return values


def _said_by_source(table: pa.Table) -> dict[str, Role]:
    """Columns that only say which row it is, for example the path of an image."""
    return {field.name: Role.ID for field in table.schema if is_marked(field, NAMES_ROW)}


def _roles(settings: DataSettings) -> dict[str, Role]:
    roles = dict.fromkeys(settings.roles.ignore, Role.IGNORED)
    if settings.roles.id is not None:
        roles[settings.roles.id] = Role.ID
    if settings.split.column is not None:
        roles[settings.split.column] = Role.SPLIT
    return roles | {settings.target: Role.TARGET}


def _column(name: str, values: pa.ChunkedArray, role: Role) -> Column:
    n_distinct = pc.count_distinct(values, mode="only_valid").as_py() if _hashable(values) else 0
    kind, why = _kind(name, values, n_distinct, role)
    return Column(
        name=name,
        kind=kind,
        role=role,
        stored=_stored(values.type),
        why=why,
        n_distinct=n_distinct,
        missing=values.null_count / len(values) if len(values) else 0.0,
    )


def _kind(name: str, values: pa.ChunkedArray, n_distinct: int, role: Role) -> tuple[Kind, str]:
    kind = values.type
    if n_distinct == 0 and values.null_count == len(values):
        return Kind.EMPTY, "no value in any development row"
    if pa.types.is_boolean(kind):
        return Kind.NUMERIC, "true or false"
    if _is_number(kind):
        return Kind.NUMERIC, f"numbers, {n_distinct:,} distinct"
    if pa.types.is_timestamp(kind):
        return Kind.DATETIME, "dates"
    if pa.types.is_string(kind):
        words = pc.mean(pc.count_substring(pc.utf8_trim_whitespace(values), " ")).as_py() + 1
        if words >= _WORDS_OF_TEXT and n_distinct > len(values) / 10:
            return Kind.TEXT, f"{words:.0f} words on average, {n_distinct:,} distinct"
        return Kind.CATEGORICAL, f"text with {n_distinct:,} distinct values"
    if role is not Role.FEATURE:
        return Kind.EMPTY, f"stored as {kind}"
    raise DataError(
        f"Column {name!r} holds {kind}, which no learner can use.",
        mend=f"data: {{roles: {{ignore: [{name}]}}}}, or store it as numbers, text or dates",
    )


def _infer_task(target: pa.ChunkedArray, name: str) -> Task:
    n_distinct = pc.count_distinct(target, mode="only_valid").as_py()
    if n_distinct <= 2:
        return Task.BINARY
    if _is_number(target.type):
        whole = pa.types.is_integer(target.type) or all(
            value.is_integer() for value in target.drop_null().unique().to_pylist()[:1000]
        )
        few = n_distinct <= _MOST_NUMBERED_CLASSES and n_distinct <= len(target) / 20
        return Task.MULTICLASS if whole and few else Task.REGRESSION
    if n_distinct > _MOST_CLASSES:
        raise DataError(
            f"The target {name!r} has {n_distinct:,} different values, too many to be classes.",
            where=f"{len(target):,} development rows, stored as {_stored(target.type)}",
            mend="name another target, or group its values; if they really are classes: "
            "data: {task: multiclass}",
        )
    return Task.MULTICLASS


def _classes(target: pa.ChunkedArray, task: Task, settings: DataSettings) -> tuple[Any, ...]:
    labels = [label for label in label_values(target) if label is not None]
    counts = {label: labels.count(label) for label in set(labels)} if len(set(labels)) < 3 else {}
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise DataError(
            f"The target {settings.target!r} has one class only: {classes[0]!r}.",
            where=f"{len(labels):,} development rows",
            mend="give rows of both classes, or name another target",
        )
    if task is not Task.BINARY:
        return tuple(classes)
    if len(classes) > 2:
        raise DataError(
            f"data.task is binary, but the target {settings.target!r} has {len(classes)} classes.",
            where=", ".join(map(repr, classes[:8])),
            mend="data: {task: multiclass}",
        )
    positive = settings.positive
    if positive is None:
        positive = min(reversed(classes), key=lambda label: counts[label])
    elif positive not in classes:
        raise DataError(
            f"data.positive is {positive!r}, which is no class of {settings.target!r}.",
            where=f"classes: {', '.join(map(repr, classes))}",
            mend=f"data: {{positive: {classes[1]}}}",
        )
    return tuple(sorted(classes, key=lambda label: label == positive))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _can_be_predicted(kind: pa.DataType) -> bool:
    return _is_number(kind) or pa.types.is_string(kind) or pa.types.is_boolean(kind)


def _hashable(values: pa.ChunkedArray) -> bool:
    return not pa.types.is_nested(values.type)


def _stored(kind: pa.DataType) -> str:
    names = {"string": "text", "int64": "integer", "double": "float", "bool": "boolean"}
    return names.get(str(kind), "date" if pa.types.is_timestamp(kind) else str(kind))
