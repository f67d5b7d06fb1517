"""Scores of each class are scikit-learn's, with intervals that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.data.schema import Task
from assay.evaluation.by_class import by_class
from assay.evaluation.closed import wilson
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome


def outcome(k: int, n: int = 400, seed: int = 0, **more: object) -> Outcome:
    random = np.random.default_rng(seed)
    truth = random.integers(0, k - 1, n)  # the last class never occurs
    decided = np.where(random.random(n) < 0.7, truth, random.integers(1, k, n))
    classes = tuple(f"class {code}" for code in range(k))
    said = np.full((n, k), 1 / k)
    return Outcome(Task.MULTICLASS, np.arange(n), truth, classes, said, decided, **more)


@pytest.mark.parametrize("k", [3, 12])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_those_of_scikit_learn(k: int, weighted: bool) -> None:
    weights = np.random.default_rng(1).gamma(1, 2, 400) if weighted else None
    made = outcome(k, weights=weights)
    found = by_class(made, 0.95)
    expected = sk.precision_recall_fscore_support(
        made.truth, made.decided, labels=range(k), sample_weight=weights, zero_division=0
    )
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        ours = [getattr(each, name).value for each in found]
        np.testing.assert_allclose(ours, values, rtol=0, atol=1e-12)
    assert [each.support for each in found] == np.bincount(made.truth, minlength=k).tolist()
    assert found[-1].recall.reason == "no row is of this class"
    for each in found[:-1]:
        for score in (each.precision, each.recall, each.f1):
            assert score.low is not None
            assert score.high is not None
            assert 0 <= score.low <= score.value <= score.high <= 1


def test_intervals_are_wilsons_and_weights_count_as_the_rows_they_are_worth() -> None:
    made = outcome(3)
    plain = by_class(made, 0.9)[0].recall
    own = made.truth == 0
    hits, n = int((own & (made.decided == 0)).sum()), int(own.sum())
    assert (plain.low, plain.high) == pytest.approx(wilson(hits, n, 0.9), abs=1e-12)
    same = by_class(outcome(3, weights=np.full(400, 7.5)), 0.9)[0].recall
    assert (same.low, same.high) == pytest.approx((plain.low, plain.high), abs=1e-12)
    uneven = by_class(outcome(3, weights=np.random.default_rng(0).gamma(0.2, 5, 400)), 0.9)[0]
    assert uneven.recall.n < n / 2
    grouped = by_class(outcome(3, clusters=np.arange(400) // 4), 0.9)[0].recall
    assert grouped.value == plain.value
    assert not grouped.has_interval


def test_of_fixed_class_counts_only_recall_counts_a_class_by_itself() -> None:
    made = outcome(3)
    plain, fixed = (
        by_class(each, 0.95)[0] for each in (made, replace(made, design=Design.CLASSES))
    )
    assert fixed.recall == plain.recall
    for name in ("precision", "f1"):
        assert getattr(fixed, name).value == getattr(plain, name).value
        assert getattr(fixed, name).reason == (
            "so many rows of each class were asked for, which this form does not allow for"
        )


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_cover(weighted: bool) -> None:
    """Recall of a class of about 40 rows, 85 % of which are found, in 400 samples."""
    covered = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        truth = random.integers(0, 3, 120)
        decided = np.where(random.random(120) < 0.85, truth, (truth + 1) % 3)
        weights = random.gamma(2, 1, 120) if weighted else None
        classes, said = ("a", "b", "c"), np.full((120, 3), 1 / 3)
        made = Outcome(
            Task.MULTICLASS, np.arange(120), truth, classes, said, decided, None, weights
        )
        recall = by_class(made, 0.95)[1].recall
        assert recall.low is not None
        assert recall.high is not None
        covered += recall.low <= 0.85 <= recall.high
    assert 0.92 <= covered / 400 <= 0.98


def test_of_two_classes_and_of_a_regression_the_metrics_say_it_all() -> None:
    values = np.arange(5.0)
    assert by_class(Outcome(Task.REGRESSION, np.arange(5), values, values=values), 0.95) == ()
