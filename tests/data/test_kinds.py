"""Kinds, roles and tasks are inferred as a person would, and shown with why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.data.kinds import infer_schema
from assay.data.schema import Kind, Role, Schema, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame, read_table
from assay.errors import DataError
from tests.conftest import EXAMPLES


def schema_of(frame: pd.DataFrame, **settings: object) -> Schema:
    return infer_schema(from_frame(frame), DataSettings(source="t", target="y", **settings))


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["a", "b"] * 50, Task.BINARY),
        ([0, 1] * 50, Task.BINARY),
        ([True, False] * 50, Task.BINARY),
        ([0.0, 1.0] * 50, Task.BINARY),
        (["a", "b", "c", "d"] * 25, Task.MULTICLASS),
        ([1, 2, 3, 4] * 25, Task.MULTICLASS),
        (list(range(100)), Task.REGRESSION),
        (np.linspace(0, 1, 100).tolist(), Task.REGRESSION),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 10, Task.REGRESSION),
    ],
)
def test_the_task_is_inferred_from_the_target(target: list, task: Task) -> None:
    assert schema_of(pd.DataFrame({"a": range(100), "y": target})).task is task


def test_the_rarer_class_is_the_positive_one_unless_said_otherwise() -> None:
    frame = pd.DataFrame({"a": range(10), "y": ["no"] * 3 + ["yes"] * 7})
    assert schema_of(frame).positive == "no"
    assert schema_of(frame, positive="yes").classes == ("no", "yes")


def test_labels_keep_their_type() -> None:
    frame = pd.DataFrame({"a": range(10), "y": [0.0, 1.0] * 5})
    assert schema_of(frame).classes == (0, 1)
    assert all(type(label) is int for label in schema_of(frame).classes)


def test_kinds_come_with_their_reason() -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, 2.5, None, 4.5] * 5,
            "word": ["red", "blue"] * 10,
            "day": pd.date_range("2026-01-01", periods=20),
            "flag": [True, False] * 10,
            "story": [f"once upon a time there were {i} rows" for i in range(20)],
            "nothing": [None] * 20,
            "y": [0, 1] * 10,
        }
    )
    columns = {column.name: column for column in schema_of(frame).columns}
    kinds = {name: column.kind for name, column in columns.items()}
    assert kinds == {
        "number": Kind.NUMERIC,
        "word": Kind.CATEGORICAL,
        "day": Kind.DATETIME,
        "flag": Kind.NUMERIC,
        "story": Kind.TEXT,
        "nothing": Kind.EMPTY,
        "y": Kind.NUMERIC,
    }
    assert all(column.why for column in columns.values())
    assert columns["number"].missing == 0.25
    features = [column.name for column in schema_of(frame).features]
    assert features == ["number", "word", "day", "flag", "story"]


@pytest.mark.parametrize(
    ("texts", "form", "either"),
    [
        (["3/14/2026", "12/1/2025"], "%m/%d/%Y", False),
        (["14/3/2026", "1/12/2025"], "%d/%m/%Y", False),
        (["1/2/2026", "3/4/2025"], "%m/%d/%Y", True),
        (["14.03.2026 08:15", "1.12.2025 9:00"], "%d.%m.%Y %H:%M", False),
        (["14 Mar 2026", "1 Dec 2025"], "%d %b %Y", False),
        (["2-10", "25-39"], "", False),
        (["14/3/2026", "soon"], "", False),
        (["40/40/2026", "1/1/2026"], "", False),
    ],
)
def test_dates_in_text_are_read_in_the_form_they_all_have(texts, form, either) -> None:
    frame = pd.DataFrame({"when": texts * 10, "a": range(20), "y": [0, 1] * 10})
    column = schema_of(frame).columns[0]
    assert column.format == form
    assert column.kind is (Kind.DATETIME if form else Kind.CATEGORICAL)
    assert ("other way round" in column.why) == either


def test_a_kind_can_be_set() -> None:
    frame = pd.DataFrame({"code": [1, 2] * 10, "when": ["1/2/2026"] * 20, "y": [0, 1] * 10})
    given = {"code": "categorical", "when": "%d/%m/%Y"}
    code, when, _ = schema_of(frame, kinds=given).columns
    assert (code.kind, code.why) == (Kind.CATEGORICAL, "as set")
    assert when.read_as == "datetime %d/%m/%Y"


def test_roles_take_columns_out_of_the_features() -> None:
    frame = pd.DataFrame({"who": range(20), "a": range(20), "b": range(20), "y": [0, 1] * 10})
    schema = schema_of(frame, roles={"id": "who", "ignore": ["b"]})
    roles = {column.name: column.role for column in schema.columns}
    assert roles == {"who": Role.ID, "a": Role.FEATURE, "b": Role.IGNORED, "y": Role.TARGET}
    assert [column.name for column in schema.features] == ["a"]


@pytest.mark.parametrize(
    ("name", "target", "task"),
    [("adult", "income", "binary"), ("penguins", "Species", "multiclass"),
     ("flights", "arr_delay", "regression")],
)  # fmt: skip
def test_the_examples_are_understood(name: str, target: str, task: str) -> None:
    table = read_table(EXAMPLES / f"{name}.parquet")
    table = table.filter(table[target].is_valid())
    schema = infer_schema(table, DataSettings(source="t", target=target))
    assert schema.task == task
    assert Schema.from_dict(schema.as_dict()) == schema


def test_a_table_without_features_is_refused() -> None:
    with pytest.raises(DataError, match="No column is left to predict from"):
        schema_of(pd.DataFrame({"y": [0, 1] * 10}))


def test_too_many_classes_are_refused() -> None:
    frame = pd.DataFrame({"a": range(300), "y": [f"label {i % 150}" for i in range(300)]})
    with pytest.raises(DataError, match="150 different values, too many to be classes"):
        schema_of(frame)
    assert schema_of(frame, task="multiclass").task is Task.MULTICLASS


def test_nested_columns_are_refused_unless_they_are_ignored() -> None:
    frame = pd.DataFrame({"a": [[1, 2]] * 20, "b": range(20), "y": [0, 1] * 10})
    with pytest.raises(DataError, match="which no learner can use") as caught:
        schema_of(frame)
    assert "ignore: [a]" in caught.value.mend
    assert schema_of(frame, roles={"ignore": ["a"]}).named(Kind.NUMERIC) == ["b"]
