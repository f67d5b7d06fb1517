"""The schema: which columns a table has, of what kind, in what role, and what is predicted.

A schema is inferred from development rows only, stored with the model, and applied again to the
rows that the model predicts, so that both see the same features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from assay.predictions import Labels


class Task(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    """Any number of labels for each row, each of them yes or no."""
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        return self is not Task.REGRESSION


class Kind(StrEnum):
    """What the values of a column mean to a learner."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"
    TEXT = "text"
    IMAGE = "image"
    """Files of images, as bytes, or their pixels; `data.images` decodes both."""
    LABELS = "labels"
    """Lists of labels: a target only."""
    EMPTY = "empty"
    """No value in any development row; no learner sees it."""


class Role(StrEnum):
    """What a column is there for."""

    FEATURE = "feature"
    TARGET = "target"
    ID = "id"
    GROUP = "group"
    """Rows of one value belong together: all in training or none."""
    TIME = "time"
    """Orders the rows; of a date its week, season and hour are features, never the date itself."""
    WEIGHT = "weight"
    SEGMENT = "segment"
    """What the model is judged by, level for level; no learner sees it."""
    IGNORED = "ignored"
    SPLIT = "split"


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        name: Its name in the source.
        kind: What its values mean.
        role: What it is there for.
        stored: The type it is stored in, in Arrow's words, for example 'int64' or 'string'.
        why: The evidence for its kind, in a few words.
        n_distinct: Distinct values among the development rows, missing ones not counted.
        missing: Share of development rows without a value, 0 to 1.
        format: How dates are written in a text column, as `strptime` has it; empty for ISO 8601.
    """

    name: str
    kind: Kind
    role: Role
    stored: str
    why: str
    n_distinct: int
    missing: float
    format: str = ""

    @property
    def read_as(self) -> str:
        """How `features.feature_frame` reads it: 'numeric', 'datetime %d.%m.%Y'.

        So a cell means the same whether it comes typed or as the text of a CSV file.
        """
        form = self.format
        if self.stored == "boolean" and self.kind in (Kind.NUMERIC, Kind.CATEGORICAL):
            form = "truth"
        elif self.stored in ("integer", "float") and self.kind is Kind.CATEGORICAL:
            form = "number"
        return f"{self.kind.value} {form}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "kind": self.kind.value, "role": self.role.value}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Column:
        """Read back what `as_dict` wrote."""
        return cls(**{**record, "kind": Kind(record["kind"]), "role": Role(record["role"])})


@dataclass(frozen=True)
class Schema:
    """The columns of a table and what is predicted from them.

    Attributes:
        columns: All columns, in the order of the source.
        target: Name of the target column.
        task: What is predicted.
        classes: Class labels, sorted; for a binary task the positive class comes last. The labels
            that rows may have of a multilabel task. Empty for regression.
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    classes: tuple[Any, ...] = ()

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that learners may see, in the order of the source."""
        return tuple(
            column
            for column in self.columns
            if (column.role is Role.FEATURE and column.kind is not Kind.EMPTY)
            or (column.role is Role.TIME and column.kind is Kind.DATETIME)
        )

    @property
    def reading(self) -> dict[str, str]:
        """How the cells of each feature are read, by name: what `feature_frame` takes."""
        return {column.name: column.read_as for column in self.features}

    def named(self, *kinds: Kind) -> list[str]:
        """Names of the features of these kinds."""
        return [column.name for column in self.features if column.kind in kinds]

    @property
    def class_array(self) -> Labels:
        """The classes as an array whose type is the labels' own (text as objects)."""
        return label_array(self.classes)

    @property
    def positive(self) -> Any:
        """The class whose probability is thresholded in a binary task."""
        assert self.task is Task.BINARY
        return self.classes[1]

    def codes(self, labels: Labels) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Positions of labels within `classes`, int64, shape (n,).

        A multilabel target has its codes already: 1 where a row has a label, else 0, shape (n, k).

        Raises:
            KeyError: A label is none of the classes.
        """
        if self.task is Task.MULTILABEL:
            return np.asarray(labels, dtype=np.int64)
        position = {label: code for code, label in enumerate(self.classes)}
        return np.fromiter(map(position.__getitem__, labels.tolist()), np.int64, len(labels))

    def as_dict(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "task": self.task.value,
            "classes": list(self.classes),
            "columns": [column.as_dict() for column in self.columns],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Schema:
        """Read back what `as_dict` wrote."""
        return cls(
            columns=tuple(Column.from_dict(column) for column in record["columns"]),
            target=record["target"],
            task=Task(record["task"]),
            classes=tuple(record["classes"]),
        )


def label_array(labels: Sequence[Any]) -> Labels:
    """Labels as an array: integers and booleans in their own type, everything else as objects."""
    if labels and all(isinstance(label, bool) for label in labels):
        return np.array(labels, dtype=bool)
    if labels and all(isinstance(label, int) for label in labels):
        return np.array(labels, dtype=np.int64)
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array
