"""The split: fair shares of every class, folds that are balanced, nothing lost."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.schema import Task
from assay.data.settings import SplitSettings
from assay.data.sources import from_frame
from assay.data.split import fold_numbers, split_rows
from assay.errors import DataError


def table(target: list) -> object:
    return from_frame(pd.DataFrame({"a": np.arange(len(target)), "y": target}))


@settings(max_examples=50)
@given(st.integers(30, 200), st.integers(0, 10**6), st.sampled_from([0.1, 0.2, 0.5]))
def test_every_class_has_its_share_of_the_test(n: int, seed: int, share: float) -> None:
    target = np.random.default_rng(seed).choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]).tolist()
    split = split_rows(table(target), "y", None, SplitSettings(test=share, seed=seed))
    assert sorted([*split.train, *split.test]) == list(range(n))
    counts = Counter(target)
    tested = Counter(target[row] for row in split.test)
    for label, count in counts.items():
        assert abs(tested[label] - share * count) <= 1


def test_rows_without_a_target_are_in_neither_part() -> None:
    target = ["a", "b", None] * 20
    split = split_rows(table(target), "y", None, SplitSettings())
    assert split.unlabelled.tolist() == list(range(2, 60, 3))
    assert len(split.train) + len(split.test) == 40


def test_a_class_of_one_row_stays_in_training() -> None:
    target = ["a"] * 30 + ["b"] * 30 + ["lonely"]
    for seed in range(10):
        split = split_rows(table(target), "y", None, SplitSettings(seed=seed))
        assert 60 in split.train


def test_a_column_says_which_rows_are_for_the_test() -> None:
    frame = pd.DataFrame({"y": range(20), "part": ["train", "test"] * 10})
    settings = SplitSettings(by="column", column="part")
    split = split_rows(from_frame(frame), "y", Task.REGRESSION, settings)
    assert split.test.tolist() == list(range(1, 20, 2))
    with pytest.raises(DataError, match="No row is marked 'test' in column 'part'"):
        split_rows(from_frame(frame.replace("test", "exam")), "y", None, settings)
    with pytest.raises(DataError, match="names the column 'no', which the table does not have"):
        split_rows(from_frame(frame), "y", None, SplitSettings(by="column", column="no"))


@settings(max_examples=50)
@given(st.integers(10, 200), st.integers(2, 8), st.integers(0, 10**6))
def test_folds_are_balanced_within_each_class(n: int, folds: int, seed: int) -> None:
    target = np.random.default_rng(seed).choice(["a", "b"], n)
    numbers = fold_numbers(target, Task.BINARY, folds, seed)
    assert set(numbers) <= set(range(folds))
    sizes = np.bincount(numbers, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for label in ("a", "b"):
        counts = np.bincount(numbers[target == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_another_seed_draws_other_rows() -> None:
    target = ["a", "b"] * 50
    first, second = (
        split_rows(table(target), "y", None, SplitSettings(seed=seed)).test for seed in (0, 1)
    )
    assert set(first) != set(second)
