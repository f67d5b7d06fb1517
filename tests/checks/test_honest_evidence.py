"""What a strict reader found that checks once took for mistakes, and is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import assay
from assay.checks.as206_near_duplicates_across_parts import NearDuplicatesAcrossParts
from assay.checks.as212_evaluated_on_training_rows import EvaluatedOnTrainingRows
from assay.checks.as606_accuracy_of_rare_class import AccuracyOfRareClass
from assay.checks.as609_no_baseline import NoBaseline
from assay.checks.directions import greater_is_better
from assay.checks.logged import is_number
from assay.data.schema import Task
from assay.findings import Severity
from tests.contracts.handed import Handed, look_at


def drawn(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(n, 2)), columns=["a", "b"])
    frame["c"] = random.choice(["x", "y", "z"], n)
    return frame.assign(y=(frame["a"] + random.normal(size=n) > 0).astype(int))


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_which_a_column_is_not_known_are_no_near_duplicates(seed: int) -> None:
    train, test = drawn(400, seed), drawn(300, seed + 100)
    for gone in (test.drop(columns="b"), test.assign(b=np.nan)):
        assert look_at(NearDuplicatesAcrossParts(), Handed(train, gone)) == []


def test_of_training_rows_made_single_it_asks_and_blocks_nothing() -> None:
    random = np.random.default_rng(0)
    codes = pd.DataFrame(random.integers(0, 4, size=(20_000, 4)), columns=list("abcd"))
    codes["y"] = random.integers(0, 2, len(codes))
    train, test = codes.iloc[:18_000].drop_duplicates(), codes.iloc[18_000:]
    found = look_at(
        EvaluatedOnTrainingRows(), Handed(train.reset_index(drop=True), test.reset_index(drop=True))
    )
    assert all(each.severity is Severity.ASK for each in found)


def answers(truth: list[int], **columns: Any) -> Handed:
    test = drawn(len(truth), 1).assign(y=truth)
    return Handed(drawn(200, 0), test, {"predictions": pd.DataFrame({"y_true": truth, **columns})})


def test_a_perfect_model_of_few_rows_is_better_than_always_no() -> None:
    truth = [0] * 36 + [1] * 4
    handed = answers(truth, pred=truth)
    handed.given["metric"] = "accuracy"  # type: ignore[index]
    assert look_at(AccuracyOfRareClass(), handed, Task.BINARY) == []


def test_how_many_folds_a_claim_names_is_no_accuracy() -> None:
    truth = [0] * 380 + [1] * 20
    test = drawn(400, 1).assign(y=truth)
    said = {"claim": "Mean accuracy over 5 folds is 0.97"}
    assert look_at(AccuracyOfRareClass(), Handed(drawn(200, 0), test, said), Task.BINARY) == []


def test_probabilities_of_a_reweighted_model_that_ranks_well_are_no_worse_than_nothing() -> None:
    random = np.random.default_rng(0)
    truth = (random.random(1000) < 0.05).astype(int)
    scores = 1 / (1 + np.exp(-(2.5 * truth + random.normal(size=1000))))
    handed = answers(truth.tolist(), proba=scores, pred=(scores > 0.5).astype(int))
    assert look_at(NoBaseline(), handed, Task.BINARY) == []


@pytest.mark.parametrize("name", ["score", "loss_reduction", "error_reduction"])
def test_of_what_more_is_better_is_not_guessed(name: str) -> None:
    assert greater_is_better(name) is None


def test_a_minus_turns_a_metric_round() -> None:
    assert greater_is_better("-rmse") is True


def test_numbers_too_large_for_a_float_are_none() -> None:
    assert not is_number(10**400)


def test_whole_numbers_beyond_a_floats_digits_break_no_check() -> None:
    frame = drawn(300, 0).assign(stamp=2**60 + 7919 * np.arange(300))
    found = assay.check(frame, target="y")
    assert not [each for each in found.findings if "broke" in each.title]
