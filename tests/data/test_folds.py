"""Folds: balanced, whole groups, never from the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.drawing import blocks, dealt
from assay.data.folds import Folding
from assay.data.preparation import Prepared, prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError


def prepared(frame: pd.DataFrame, **data) -> Prepared:
    return prepare(from_frame(frame), DataSettings(source="table", target="y", **data), "table")


@settings(max_examples=50)
@given(st.integers(10, 200), st.integers(2, 8), st.integers(0, 10**6))
def test_folds_are_balanced_within_each_class(n: int, folds: int, seed: int) -> None:
    target = np.random.default_rng(seed).integers(0, 2, n)
    numbers = dealt(n, target, folds, seed)
    assert set(numbers) <= set(range(folds))
    sizes = np.bincount(numbers, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for label in (0, 1):
        counts = np.bincount(numbers[target == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_no_group_is_on_two_sides_of_any_fold(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": random.integers(0, 40, 400), "a": random.normal(size=400)})
    frame["y"] = np.where(random.random(400) < 0.3, "yes", "no")
    data = prepared(frame, roles={"group": "g"}, split={"folds": count})
    folds = data.folding.divide(data.development, seed)
    assert folds.predicted.all()
    for fold in range(count):
        learning = data.development.take(folds.learns(fold))
        predicting = data.development.take(folds.predicts(fold))
        stopping = data.folding.held_out(learning, seed)
        assert not set(learning.groups) & set(predicting.groups)
        assert not set(learning.groups[stopping]) & set(learning.groups[~stopping])
        assert 0 < stopping.sum() < len(learning) / 2
    sizes = np.bincount(folds.number)
    assert sizes.max() <= 2 * sizes.min()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8), st.sampled_from([0.0, 2.5]))
def test_no_fold_learns_from_the_future(seed: int, count: int, gap: float) -> None:
    random = np.random.default_rng(seed)
    when = random.integers(0, 90, 500)
    frame = pd.DataFrame({"t": when, "a": random.normal(size=500), "y": random.normal(size=500)})
    data = prepared(frame, roles={"time": "t"}, split={"folds": count, "gap": gap})
    times = data.development.times
    folds = data.folding.divide(data.development, seed)
    assert not folds.predicted.all()
    for fold in range(count):
        learns, predicts = folds.learns(fold), folds.predicts(fold)
        assert predicts.any()
        assert times[learns].max() < times[predicts].min() - gap + 1e-9
        learning = data.development.take(learns)
        stopping = data.folding.held_out(learning, seed)
        assert learning.times[~stopping].max() < learning.times[stopping].min()
    assert times[folds.predicted].min() > times[~folds.predicted].max()


def test_rows_of_one_time_stay_in_one_block() -> None:
    times = np.repeat([1.0, 2.0, 3.0, 4.0], [10, 70, 10, 10])
    numbers = blocks(times, 4)
    assert all(len(set(numbers[times == time])) == 1 for time in set(times))
    assert (np.diff(numbers) >= 0).all()


@pytest.mark.parametrize(
    ("role", "column", "what"), [("group", "few", "groups"), ("time", "few", "times")]
)
def test_more_folds_than_groups_or_times_are_refused(role: str, column: str, what: str) -> None:
    frame = pd.DataFrame({"few": np.arange(200) % 4, "a": range(200), "y": range(200)})
    with pytest.raises(DataError, match=f"but the {what} of the rows make") as caught:
        prepared(frame, roles={role: column}, split={"folds": 6})
    assert "folds: 2" in caught.value.mend or "folds: 3" in caught.value.mend


def test_the_seed_changes_random_folds_but_not_those_by_time() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"t": range(200), "a": range(200), "y": random.normal(size=200)})
    by_time, at_random = prepared(frame, roles={"time": "t"}), prepared(frame)
    for data, changes in ((by_time, False), (at_random, True)):
        first, second = (data.folding.divide(data.development, seed).number for seed in (0, 1))
        assert (first != second).any() == changes


def test_a_column_for_the_test_leaves_the_folds_to_the_roles() -> None:
    frame = pd.DataFrame({"g": np.arange(300) // 10, "a": range(300), "y": range(300)})
    frame["part"] = np.where(np.arange(300) < 60, "test", "train")
    data = prepared(frame, roles={"group": "g"}, split={"by": "column", "column": "part"})
    assert data.folding == Folding("group", 5)


def test_of_few_groups_none_is_spared_to_stop_on() -> None:
    frame = pd.DataFrame({"g": np.arange(400) % 9, "a": range(400), "y": np.arange(400) % 2})
    data = prepared(frame, roles={"group": "g"}, split={"folds": 3})
    learning = data.development.take(data.folding.divide(data.development, 0).learns(0))
    stopping = data.folding.held_out(learning, 0)
    assert 0 < stopping.sum() < len(learning) / 5
    assert set(learning.groups[~stopping]) == set(learning.groups)
