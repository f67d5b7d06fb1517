"""Labels: columns of yes and no become lists, are divided fairly, and nothing else passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
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
        ({"hot": 0, "wet": 0}, NAMES, "has one label only: 'cold'"),
        ({"cold": 0, "hot": 0, "wet": 0}, NAMES, "has no label in any row"),
    ],
)
def test_what_is_no_label_is_refused(change: dict[str, Any], target: Any, said: str) -> None:
    assert said in refused(table().assign(**change), target)


def test_one_column_of_one_value_is_no_target_of_several_labels() -> None:
    said = refused(table(), "hot", task="multilabel")
    assert "data.task is multilabel, but the target 'hot' holds one integer for each row." in said
    assert "target: [COLUMN, COLUMN, ...]" in said


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
