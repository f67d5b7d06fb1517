"""Inference: the kind of each column and what the target asks for, from development rows only."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.data.dates import date_format
from assay.data.labels import are_labels, labels_of
from assay.data.pictures import are_pixels, form_of_pixels, image_format
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.data.settings import DataSettings
from assay.data.sources.settling import NAMES_ROW, SAYS_PART, is_marked
from assay.errors import DataError

_MOST_CLASSES = 100
_MOST_NUMBERED_CLASSES = 20
_WORDS_OF_TEXT = 5
_MOST_CODES = 12


def infer_schema(table: pa.Table, settings: DataSettings) -> Schema:
    """The schema of a settled table of development rows.

    Raises:
        DataError: The target cannot be predicted (one class, no numbers, too many classes), or a
            feature is stored in a type that cannot be used.
    """
    roles = _said_by_source(table) | _roles(settings)
    columns = tuple(
        describe(name, table[name], roles.get(name, Role.FEATURE), settings.kinds.get(name))
        for name in table.column_names
    )
    name = settings.target_column
    target = table[name].type
    if are_labels(target) and settings.task in (None, Task.MULTILABEL):
        return _of_labels(table, columns, settings)
    if not _can_be_predicted(target):
        if are_labels(target):
            raise DataError(
                f"data.task is {settings.task}, but the target {name!r} holds lists of labels.",
                mend="data: {task: multilabel}, or leave task out",
            )
        raise DataError(
            f"The target {name!r} holds {_stored(target)}, which cannot be predicted.",
            mend="name a target of numbers, text or truth values, or of lists of texts",
        )
    if settings.task is Task.MULTILABEL:
        raise DataError(
            f"data.task is multilabel, but the target {name!r} holds one "
            f"{_stored(target)} for each row.",
            mend="data: {target: [COLUMN, COLUMN, ...]}, a column of yes and no for each label; "
            "or a target of lists of labels",
        )
    task = settings.task or _infer_task(table[name], name)
    classes: tuple[Any, ...] = ()
    if task.is_classification:
        classes = _classes(table[name], task, settings)
    elif not _is_number(table[name].type):
        labels = _task_of_text(table[name])
        raise DataError(
            f"The target {name!r} holds {_stored(table[name].type)}, "
            "which cannot be predicted by regression.",
            mend=f"data: {{task: {labels}}}, or name a numeric target",
        )
    elif pc.any(pc.is_inf(table[name].cast(pa.float64()))).as_py():
        raise DataError(
            f"The target {name!r} holds infinite values.",
            mend="drop these rows, or leave their target empty",
        )
    if settings.positive is not None and task is not Task.BINARY:
        raise DataError(
            f"data.positive is {settings.positive!r}, but in a {task} task no class is the one to "
            "find.",
            where=f"data.target: {name}" + (f", {len(classes)} classes" * bool(classes)),
            mend="leave data.positive out, or name a target of two classes",
        )
    return _with_features(Schema(columns, name, task, classes))


def _with_features(schema: Schema) -> Schema:
    if not schema.features:
        raise DataError(
            "No column is left to predict from.",
            where=", ".join(f"{c.name} ({c.role}, {c.kind})" for c in schema.columns),
            mend="give the table columns other than the target, or take some off data.roles.ignore",
        )
    return schema


def _of_labels(table: pa.Table, columns: tuple[Column, ...], settings: DataSettings) -> Schema:
    name = settings.target_column
    classes = labels_of(table[name])
    if settings.positive is not None:
        raise DataError(
            f"data.positive is {settings.positive!r}, but in a multilabel task each label is one "
            "to find.",
            where=f"labels: {', '.join(map(str, classes))}",
            mend="leave data.positive out",
        )
    named = () if isinstance(settings.target, str) else settings.target
    lacking = [each for each in named if each not in classes]
    if lacking:
        left = [each for each in named if each in classes]
        raise DataError(
            f"No development row has the label{'s' * (len(lacking) > 1)} "
            f"{', '.join(map(repr, lacking))}: nothing can be learnt of it.",
            where=f"data.target: [{', '.join(named)}], {table.num_rows:,} development rows",
            mend=f"target: [{', '.join(left)}]"
            if len(left) > 1
            else f"target: {left[0]}"
            if left
            else "give rows that have labels",
        )
    if len(classes) < 2:
        raise DataError(
            f"The target {name!r} has {'one label only' if classes else 'no label in any row'}"
            f"{f': {classes[0]!r}' if classes else ''}.",
            where=f"{table.num_rows:,} development rows",
            mend="name a single column of yes and no instead, or give rows of more labels",
        )
    return _with_features(Schema(columns, name, Task.MULTILABEL, classes))


def label_values(column: pa.ChunkedArray) -> list[Any]:
    """Class labels as Python values: a float that is a whole number is an int."""
    values = column.to_pylist()
    if pa.types.is_floating(column.type) and all(v is None or v.is_integer() for v in values):
        return [None if value is None else int(value) for value in values]
    return values


def _said_by_source(table: pa.Table) -> dict[str, Role]:
    """Columns that only say which row it is, as the path of an image does, or of which part."""
    marks = ((NAMES_ROW, Role.ID), (SAYS_PART, Role.IGNORED))
    return {
        field.name: role for field in table.schema for mark, role in marks if is_marked(field, mark)
    }


def _roles(settings: DataSettings) -> dict[str, Role]:
    given = settings.roles
    roles = dict.fromkeys(given.ignore, Role.IGNORED) | dict.fromkeys(given.groups, Role.GROUP)
    roles |= dict.fromkeys(given.segments, Role.SEGMENT)
    one_each = {
        given.id: Role.ID,
        given.time: Role.TIME,
        given.weight: Role.WEIGHT,
        settings.split.column: Role.SPLIT,
    }
    roles |= {name: role for name, role in one_each.items() if name is not None}
    return roles | {settings.target_column: Role.TARGET}


def describe(name: str, values: pa.ChunkedArray, role: Role, given: str | None = None) -> Column:
    """What a column of a settled table is.

    Args:
        name: Its name.
        values: Its values.
        role: What it is there for.
        given: The kind that the experiment file says it has.

    Raises:
        DataError: It is a feature of a type that cannot be used.
    """
    n_distinct = _distinct(values, role)
    if given is not None and values.null_count < len(values):
        kind, why, written = _given(given, values)
    else:
        kind, why, written = _kind(name, values, n_distinct, role)
    return Column(
        name=name,
        kind=kind,
        role=role,
        stored=_stored(values.type),
        why=why,
        n_distinct=n_distinct,
        missing=values.null_count / len(values) if len(values) else 0.0,
        format=written,
    )


def _given(kind: str, values: pa.ChunkedArray) -> tuple[Kind, str, str]:
    if "%" in kind:
        return Kind.DATETIME, f"as set: dates written {kind}", kind
    form = form_of_pixels(values) if kind == Kind.IMAGE.value else ""
    return Kind(kind), "as set", form


def _kind(name: str, values: pa.ChunkedArray, n_distinct: int, role: Role) -> tuple[Kind, str, str]:
    """Its kind, the evidence, and the form of dates in text."""
    kind = values.type
    if n_distinct == 0 and values.null_count == len(values):
        return Kind.EMPTY, "no value in any development row", ""
    if pa.types.is_boolean(kind):
        return Kind.NUMERIC, "true or false", ""
    if _is_number(kind):
        return Kind.NUMERIC, _about_numbers(values, n_distinct), ""
    if pa.types.is_timestamp(kind):
        return Kind.DATETIME, "dates", ""
    if pa.types.is_string(kind):
        return _kind_of_text(values, n_distinct)
    if written := image_format(values):
        return Kind.IMAGE, f"{written} images", ""
    if are_pixels(values):
        return Kind.IMAGE, "rows of pixels", form_of_pixels(values)
    if role is Role.TARGET and are_labels(kind):
        return Kind.LABELS, "any number for each row", ""
    if role is not Role.FEATURE:
        return Kind.EMPTY, f"stored as {kind}, which no learner can use", ""
    raise DataError(
        f"Column {name!r} holds {kind}, which no learner can use.",
        mend=f"data: {{roles: {{ignore: [{name}]}}}}, or store it as numbers, text or dates",
    )


def can_be_used(values: pa.ChunkedArray) -> bool:
    """Whether a column of a settled table may be a feature."""
    if _can_be_predicted(values.type) or pa.types.is_timestamp(values.type):
        return True
    return bool(image_format(values)) or are_pixels(values)


def _about_numbers(values: pa.ChunkedArray, n_distinct: int) -> str:
    about = f"numbers, {n_distinct:,} distinct"
    if pa.types.is_integer(values.type) and 2 < n_distinct <= _MOST_CODES:
        return f"{about}: an order, or codes of categories?"
    return about


def _kind_of_text(values: pa.ChunkedArray, n_distinct: int) -> tuple[Kind, str, str]:
    written, turned = date_format(values)
    if written:
        either = ", day and month could be the other way round" if turned else ""
        return Kind.DATETIME, f"dates written {written}{either}", written
    words = pc.mean(pc.count_substring(pc.utf8_trim_whitespace(values), " ")).as_py() + 1
    if words >= _WORDS_OF_TEXT and n_distinct > len(values) / 10:
        return Kind.TEXT, f"{words:.0f} words on average, {n_distinct:,} distinct", ""
    return Kind.CATEGORICAL, f"text with {n_distinct:,} distinct values", ""


def _task_of_text(target: pa.ChunkedArray) -> Task:
    n_distinct = pc.count_distinct(target, mode="only_valid").as_py()
    return Task.BINARY if n_distinct <= 2 else Task.MULTICLASS


def _infer_task(target: pa.ChunkedArray, name: str) -> Task:
    n_distinct = pc.count_distinct(target, mode="only_valid").as_py()
    whole = _is_whole(target)
    if n_distinct <= 2 and whole:
        return Task.BINARY
    if _is_number(target.type):
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


def _is_whole(target: pa.ChunkedArray) -> bool:
    """Whether no value has a fraction, so that all of them may be labels."""
    if not pa.types.is_floating(target.type):
        return True
    return all(value.is_integer() for value in target.drop_null().unique().to_pylist()[:1000])


def _classes(target: pa.ChunkedArray, task: Task, settings: DataSettings) -> tuple[Any, ...]:
    name = settings.target_column
    if not _is_whole(target):
        raise DataError(
            f"The target {name!r} holds fractions, which are no class labels.",
            mend="data: {task: regression}, or store the classes as text",
        )
    labels = [label for label in label_values(target) if label is not None]
    counts = {label: labels.count(label) for label in set(labels)} if len(set(labels)) < 3 else {}
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise DataError(
            f"The target {name!r} has one class only: {classes[0]!r}.",
            where=f"{len(labels):,} development rows",
            mend="give rows of both classes, or name another target",
        )
    if task is not Task.BINARY:
        return tuple(classes)
    if len(classes) > 2:
        raise DataError(
            f"data.task is binary, but the target {name!r} has {len(classes)} classes.",
            where=", ".join(map(repr, classes[:8])),
            mend="data: {task: multiclass}",
        )
    positive = settings.positive
    if positive is None:
        positive = min(reversed(classes), key=lambda label: counts[label])
    elif positive not in classes:
        raise DataError(
            f"data.positive is {positive!r}, which is no class of {name!r}.",
            where=f"classes: {', '.join(map(repr, classes))}",
            mend=f"data: {{positive: {classes[1]}}}",
        )
    return tuple(sorted(classes, key=lambda label: label == positive))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _can_be_predicted(kind: pa.DataType) -> bool:
    return _is_number(kind) or pa.types.is_string(kind) or pa.types.is_boolean(kind)


def _distinct(values: pa.ChunkedArray, role: Role) -> int:
    """How many values there are, or labels; 0 of what cannot be told apart."""
    if role is Role.TARGET and are_labels(values.type):
        return len(labels_of(values))
    if pa.types.is_nested(values.type):
        return 0
    return int(pc.count_distinct(values, mode="only_valid").as_py())


def _stored(kind: pa.DataType) -> str:
    names = {"string": "text", "int64": "integer", "double": "float", "bool": "boolean"}
    if are_labels(kind):
        return f"list of {_stored(kind.value_type)}"
    return names.get(str(kind), "date" if pa.types.is_timestamp(kind) else str(kind))
