"""Labels: columns of yes and no become lists, are divided fairly, and nothing else passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.folds import Folding
from assay.data.labels import gathered, indicator, labels_of
from assay.data.preparation import Prepared, prepare
from assay.data.schema import Role, Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError

NAMES = ("cold", "hot", "wet")


def table(n: int = 200, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.normal(size=n), "kind": random.choice(["x", "y"], n)})
    for name, share in zip(NAMES, (0.5, 0.2, 0.06), strict=True):
        frame[name] = (random.random(n) < share).astype(int)
    return frame


def prepared(frame: pd.DataFrame, target: Any = NAMES, **data: Any) -> Prepared:
    asked = DataSettings(source="table", target=target, **data)
    return prepare(from_frame(frame), asked, "the table")


def refused(frame: pd.DataFrame, target: Any = NAMES, **data: Any) -> str:
    with pytest.raises(DataError) as caught:
        prepared(frame, target, **data)
    return str(caught.value)


@pytest.mark.parametrize("kind", [bool, int, float])
def test_columns_of_yes_and_no_are_one_target(kind: type) -> None:
    frame = table()
    asked = frame.astype(dict.fromkeys(NAMES, kind))
    data = prepared(asked)
    assert (data.schema.task, data.schema.target) == (Task.MULTILABEL, "labels")
    assert data.schema.classes == NAMES
    assert [each.name for each in data.schema.features] == ["a", "kind"]
    assert [each.name for each in data.schema.columns if each.role is Role.TARGET] == ["labels"]
    truth = frame[[*NAMES]].to_numpy()[data.development.rows]
    assert np.array_equal(data.development.known_target, truth)
    assert data.development.known_target.dtype == np.int64


def test_a_column_of_lists_says_the_same() -> None:
    frame = table()
    lists = [[name for name in NAMES if row[name]] for _, row in frame.iterrows()]
    said = prepared(frame.drop(columns=[*NAMES]).assign(tags=lists), "tags")
    by_columns = prepared(frame)
    assert (said.schema.task, said.schema.classes) == (Task.MULTILABEL, NAMES)
    assert np.array_equal(said.split.test, by_columns.split.test)
    assert np.array_equal(said.development.known_target, by_columns.development.known_target)


def test_no_label_of_a_sealed_row_is_left_outside_the_vault() -> None:
    data = prepared(table())
    assert data.test.target is None
    assert not {"labels", *NAMES} & {*data.raw_test.column_names, *data.test.features.columns}
    assert not {*NAMES} & {*data.raw_development.column_names}
    assert "hot" not in repr(data.sealed)


def test_the_fingerprint_is_that_of_the_table_as_it_was_read() -> None:
    frame = table()
    assert prepared(frame).fingerprint == prepared(frame, "hot").fingerprint


def test_a_row_of_which_a_label_is_missing_has_no_target() -> None:
    frame = table().astype({"wet": float})
    frame.loc[[3, 7], "wet"] = np.nan
    assert prepared(frame).n_rows["without target"] == 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.2, 0.4]))
def test_every_label_has_its_share_of_the_test(seed: int, share: float) -> None:
    """The rarest label exactly, as classes have it; the others nearly."""
    frame = table(400, seed)
    data = prepared(frame, split={"test": share, "seed": seed})
    held = frame[[*NAMES]].to_numpy()
    sealed = held[data.split.test].sum(axis=0)
    wanted = share * held.sum(axis=0)
    rarest = held.sum(axis=0).argmin()
    assert abs(sealed[rarest] - wanted[rarest]) <= 1
    assert (np.abs(sealed - wanted) <= 4 * np.sqrt(wanted)).all()


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_has_its_share_of_a_rare_label(seed: int) -> None:
    data = prepared(table(400, seed))
    folding = Folding.of(DataSettings(source="table", target=NAMES))
    number = folding.divide(data.development, seed).number
    wet = data.development.known_target[:, NAMES.index("wet")] == 1
    counts = np.bincount(number[wet], minlength=5)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("change", "target", "said"),
    [
        ({"hot": lambda f: f["hot"] + 1}, NAMES, "'hot' holds other numbers than 0 and 1"),
        ({"hot": "yes"}, NAMES, "'hot' holds text, such as 'yes'"),
        ({"labels": 1}, NAMES, "has such a column"),
        ({}, ("cold", "dry"), "data.target[1] names the column 'dry'"),
        ({"hot": np.nan}, NAMES, "'hot' has no value in any row"),
        ({"wet": 0}, NAMES, "No development row has the label 'wet'"),
        ({"wet": 0}, NAMES, "mend:  target: [cold, hot]"),
        ({"hot": 0, "wet": 0}, NAMES, "No development row has the labels 'hot', 'wet'"),
        ({"hot": 0, "wet": 0}, NAMES, "mend:  target: cold"),
        ({"tags": [["a"]] * 200}, "tags", "has one label only: 'a'"),
        ({"tags": [[]] * 200}, "tags", "has no label in any row"),
        ({"tags": [[1.5]] * 200}, "tags", "or of lists of texts"),
        ({"tags": [[["a"]]] * 200}, "tags", "or of lists of texts"),
        ({"tags": [[{"a": 1}]] * 200}, "tags", "or of lists of texts"),
    ],
)
def test_what_is_no_label_is_refused(change: dict[str, Any], target: Any, said: str) -> None:
    assert said in refused(table().assign(**change), target)


def test_one_column_of_one_value_is_no_target_of_several_labels() -> None:
    said = refused(table(), "hot", task="multilabel")
    assert "data.task is multilabel, but the target 'hot' holds one integer for each row." in said
    assert "target: [COLUMN, COLUMN, ...]" in said


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_several_labels_are_no_class_and_no_number(task: str) -> None:
    said = refused(table(), task=task)
    assert f"data.task is {task}, but the target 'labels' holds lists of labels." in said
    assert "data: {task: multilabel}" in said


def test_what_stands_in_a_sealed_row_decides_nothing_and_is_told_to_nobody() -> None:
    frame = table().astype({"hot": str})
    frame["part"] = np.where(np.arange(200) < 40, "test", "train")
    frame.loc[3, "hot"], frame.loc[4, "wet"] = "secret", 7
    data = prepared(frame, split={"by": "column", "column": "part"})
    assert data.n_rows["with a target of another type"] == 2
    assert len(data.split.test) == 38
    assert "labels" not in data.raw_test.column_names
    frame.loc[50, "hot"] = "open"
    said = refused(frame, split={"by": "column", "column": "part"})
    assert "'hot' holds text, such as" in said
    assert "'open'" in said
    assert "secret" not in said


@pytest.mark.parametrize("kind", ["list", "large", "view", "array", "categories"])
def test_lists_are_read_however_they_are_stored(kind: str) -> None:
    lists = (
        [["hot"], ["hot", "wet"]] * 50 if kind != "array" else [["hot", "wet"], ["hot", ""]] * 50
    )
    held: Any = pa.array(lists)
    if kind == "large":
        held = held.cast(pa.large_list(pa.large_string()))
    if kind == "categories":
        of = pa.dictionary(pa.int8(), pa.string())
        held = pa.ListArray.from_arrays(held.offsets, held.values.dictionary_encode().cast(of))
    if kind == "view":
        held = pl.Series(lists)
    if kind == "array":
        held = pl.Series(lists, dtype=pl.Array(pl.String, 2))
    make: Any = pl.DataFrame if kind in ("view", "array") else pa.table
    rows = make({"a": np.arange(100.0), "tags": held})
    asked = DataSettings(source="table", target="tags")
    found = prepare(from_frame(rows), asked, "the table")
    assert found.schema.classes == ("hot", "wet")


def test_rows_whose_labels_nobody_else_has_are_sealed_like_others() -> None:
    lists = [[f"id {i}", "common"] if i % 2 else ["common"] for i in range(1000)]
    frame = pd.DataFrame({"a": np.arange(1000.0), "tags": lists})
    data = prepared(frame, "tags")
    assert len(data.split.test) == 200
    assert 70 < sum(row % 2 for row in data.split.test) < 130


def test_no_label_is_the_one_to_find() -> None:
    said = refused(table(), positive="wet")
    assert "data.positive is 'wet', but in a multilabel task each label is one to find." in said


def test_labels_are_read_off_lists_of_any_length() -> None:
    column = pa.chunked_array([[["b"], [], ["a", "b"]], [None, ["c"]]], pa.list_(pa.string()))
    assert labels_of(column) == ("a", "b", "c")
    assert indicator(column, ("a", "b")).tolist() == [[0, 1], [0, 0], [1, 1], [0, 0], [0, 0]]


def test_the_labels_stand_where_their_first_column_stood() -> None:
    found = gathered(from_frame(table(3)), NAMES, "the table")
    assert found.column_names == ["a", "kind", "labels"]
