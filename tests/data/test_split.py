"""The split: fair shares of every class, whole groups, no future, nothing lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.preparation import keys_of, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.data.split import Split, marking_column, split_rows
from assay.errors import DataError

SHARES = st.sampled_from([0.1, 0.2, 0.5])
SEEDS = st.integers(0, 10**6)


def split_of(frame: pd.DataFrame, task: Task | None = None, **data: Any) -> Split:
    """The split of a table as these settings ask for it."""
    table = from_frame(frame)
    asked = DataSettings(source="table", target="y", **data)
    return split_rows(table, task, asked, keys_of(table, asked))


def labelled(target: list) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(len(target)), "y": target})


def grouped(n: int, seed: int) -> pd.DataFrame:
    """Groups of very different sizes, of which some are of mostly one class."""
    random = np.random.default_rng(seed)
    group = random.zipf(1.5, n) % max(12, n // 6)
    leaning = random.random(group.max() + 1)
    frame = pd.DataFrame({"a": random.normal(size=n), "g": group})
    frame["y"] = np.where(random.random(n) < leaning[group], "yes", "no")
    return frame


@settings(max_examples=50)
@given(st.integers(30, 200), SEEDS, SHARES)
def test_every_class_has_its_share_of_the_test(n: int, seed: int, share: float) -> None:
    target = np.random.default_rng(seed).choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]).tolist()
    split = split_of(labelled(target), split={"test": share, "seed": seed})
    assert sorted([*split.train, *split.test]) == list(range(n))
    counts = Counter(target)
    tested = Counter(target[row] for row in split.test)
    for label, count in counts.items():
        assert abs(tested[label] - share * count) <= 1


def test_rows_without_a_target_are_in_neither_part() -> None:
    split = split_of(labelled(["a", "b", None] * 20))
    assert split.unused["without target"].tolist() == list(range(2, 60, 3))
    assert len(split.train) + len(split.test) == 40


def test_a_class_of_one_row_stays_in_training() -> None:
    target = ["a"] * 30 + ["b"] * 30 + ["lonely"]
    for seed in range(10):
        assert 60 in split_of(labelled(target), split={"seed": seed}).train


def test_a_column_says_which_rows_are_for_the_test() -> None:
    frame = pd.DataFrame({"y": range(20), "part": ["train", "test"] * 10})
    marks = {"by": "column", "column": "part"}
    split = split_of(frame, Task.REGRESSION, split=marks)
    assert split.test.tolist() == list(range(1, 20, 2))
    with pytest.raises(DataError, match="No row is marked 'test' in column 'part'"):
        split_of(frame.replace("test", "exam"), split=marks)


def test_another_seed_draws_other_rows() -> None:
    frame = labelled(["a", "b"] * 50)
    first, second = (split_of(frame, split={"seed": seed}).test for seed in (0, 1))
    assert set(first) != set(second)


@settings(max_examples=50)
@given(st.integers(60, 400), SEEDS, SHARES)
def test_no_group_is_on_two_sides(n: int, seed: int, share: float) -> None:
    frame = grouped(n, seed)
    split = split_of(frame, roles={"group": "g"}, split={"test": share, "seed": seed})
    assert sorted([*split.train, *split.test]) == list(range(n))
    assert not set(frame["g"][split.train]) & set(frame["g"][split.test])
    n_groups = frame["g"].nunique()
    assert abs(frame["g"][split.test].nunique() - share * n_groups) <= 2


@pytest.mark.parametrize(
    ("marks", "is_one"),
    [
        (["train", "test", "train"], True),
        (["train", "validation", "test"], True),
        (pd.Categorical(["train", "test", "train"]), True),
        (["train", "train", "train"], False),
        (["test", "test", "test"], False),
        (["train", "test", "later"], False),
        (["train", "test", None], False),
        ([0, 1, 0], False),
    ],
)
def test_a_column_that_marks_the_test_rows_is_known_by_what_it_holds(
    marks: Any, is_one: bool
) -> None:
    table = from_frame(pd.DataFrame({"y": ["train", "test", "train"], "part": marks}))
    assert marking_column(table, "y") == ("part" if is_one else None)


def test_test_rows_that_cannot_be_judged_are_none() -> None:
    frame = pd.DataFrame({"y": [0.0, 1.0, None] * 20, "part": ["train", "train", "test"] * 20})
    assert marking_column(from_frame(frame), "y") is None
    marks = {"by": "column", "column": "part"}
    with pytest.raises(DataError, match="No row marked 'test' in column 'part' has a value in"):
        split_of(frame, Task.REGRESSION, split=marks)
    frame["day"] = range(60)
    with pytest.raises(DataError, match="in the target 'y' and a time in 'day'"):
        split_of(frame, Task.REGRESSION, split=marks, roles={"time": "day"})


def test_several_columns_make_a_group_and_a_missing_one_makes_none() -> None:
    frame = grouped(300, 1)
    frame["h"] = np.arange(300) % 3
    frame.loc[:9, "h"] = None
    split = split_of(frame, roles={"group": ["g", "h"]})
    pairs = frame["g"].astype(str) + "/" + frame["h"].astype(str)
    pairs[frame["h"].isna()] = frame.index[frame["h"].isna()].astype(str)
    assert not set(pairs[split.train]) & set(pairs[split.test])
    assert set(frame["g"][split.train]) & set(frame["g"][split.test])


def test_duplicates_are_kept_together_when_asked() -> None:
    frame = pd.DataFrame({"a": np.arange(200) % 40, "b": "x"})
    frame["y"] = np.random.default_rng(0).choice(["u", "v"], 200)
    apart, together = (split_of(frame, split={"duplicates": d}) for d in ("apart", "together"))
    assert set(frame["a"][apart.train]) & set(frame["a"][apart.test])
    assert not set(frame["a"][together.train]) & set(frame["a"][together.test])


def test_duplicates_with_gaps_are_kept_together_too() -> None:
    frame = pd.DataFrame({"a": np.arange(50) % 10, "y": np.arange(50) % 2})
    frame["b"] = np.where(frame["a"] < 5, None, "q")
    split = split_of(frame, split={"duplicates": "together"})
    assert not set(frame["a"][split.train]) & set(frame["a"][split.test])


def test_a_gap_is_for_splits_by_time_only() -> None:
    frame = grouped(200, 0).assign(t=np.arange(200))
    settings = {"roles": {"group": "g", "time": "t"}, "split": {"by": "group", "gap": 5}}
    assert "in the gap" not in split_of(frame, **settings).unused


def test_no_row_with_a_time_is_told() -> None:
    frame = pd.DataFrame({"t": [*range(20), *[None] * 20], "y": [*[None] * 20, *range(20)]})
    with pytest.raises(DataError, match="No row has both a target and a time in 't'"):
        split_of(frame, Task.REGRESSION, roles={"time": "t"})


@pytest.mark.parametrize("form", ["number", "date", "written"])
def test_the_test_lies_in_the_future_and_the_gap_between(form: str) -> None:
    random = np.random.default_rng(3)
    day = random.permutation(400) // 2
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    when = {"number": day, "date": dates, "written": dates.strftime("%d.%m.%Y")}[form]
    frame = pd.DataFrame({"t": when, "y": random.normal(size=400)})
    split = split_of(frame, roles={"time": "t"}, split={"gap": 7})
    assert day[split.test].min() == 160
    assert day[split.train].max() == 153
    assert sorted(day[split.unused["in the gap"]]) == sorted([*range(154, 160)] * 2)


def test_rows_without_a_time_are_used_by_nobody() -> None:
    frame = pd.DataFrame({"t": [None, *range(99)], "y": range(100)})
    split = split_of(frame, Task.REGRESSION, roles={"time": "t"})
    assert split.unused["without time"].tolist() == [0]
    assert len(split.test) == 20


def test_what_has_no_order_cannot_be_the_time() -> None:
    frame = pd.DataFrame({"t": ["soon", "later"] * 20, "y": range(40)})
    with pytest.raises(DataError, match=r"names 't', whose values are categorical") as caught:
        split_of(frame, roles={"time": "t"})
    assert "%d.%m.%Y" in caught.value.mend


@pytest.mark.parametrize("wrong", [[-1.0], [np.nan], [np.inf]])
def test_a_weight_must_be_one(wrong: list) -> None:
    frame = pd.DataFrame({"w": [*wrong, *([1.0] * 39)], "y": range(40)})
    with pytest.raises(DataError, match="does not hold a weight for every row") as caught:
        split_of(frame, roles={"weight": "w"})
    assert "the first is row 0" in caught.value.where


def test_an_unknown_column_is_named_with_the_nearest_one() -> None:
    frame = grouped(60, 0)
    for roles, key, mend in [
        ({"group": ["g", "aa"]}, "data.roles.group[1]", "group: [g, a]"),
        ({"time": "aa"}, "data.roles.time", "time: a"),
    ]:
        settings = DataSettings(source="table", target="y", roles=roles)
        with pytest.raises(DataError, match="names the column 'aa'") as caught:
            prepare(from_frame(frame), settings, "the table")
        assert key in caught.value.what
        assert caught.value.mend == mend
