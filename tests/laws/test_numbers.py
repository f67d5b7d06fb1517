"""Law 5: metrics equal scikit-learn's to 1e-12, ties, rare classes and weights included."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from assay.data.schema import Task
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.weighted import Scored, Weighted

Reference = dict[str, Any]
KINDS = st.sampled_from(["ones", "counts", "fractions"])


def classified(seed: int, n: int, k: int, digits: int) -> Outcome:
    """An outcome with every class in it; few digits make ties."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, k)).round(digits)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    truth = np.concatenate([np.arange(k), random.integers(0, k, n - k)])
    decided = np.where(random.random(n) < 0.7, probabilities.argmax(axis=1), 0)
    task = Task.BINARY if k == 2 else Task.MULTICLASS
    classes = tuple(f"class {code}" for code in range(k))
    return Outcome(task, np.arange(n), truth, classes, probabilities, decided)


def of_classes(outcome: Outcome, weights: np.ndarray) -> Reference:
    """What scikit-learn says."""
    y, p, d = outcome.truth, outcome.probabilities, outcome.decided
    w = {"sample_weight": weights}
    labels = np.arange(len(outcome.classes))
    common = {
        "log_loss": sk.log_loss(y, p, labels=labels, **w),
        "accuracy": sk.accuracy_score(y, d, **w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, d, **w),
        "mcc": sk.matthews_corrcoef(y, d, **w),
        "f1_macro": sk.f1_score(y, d, average="macro", zero_division=0, **w),
    }
    if outcome.task is Task.BINARY:
        return common | {
            "roc_auc": sk.roc_auc_score(y, p[:, 1], **w),
            "pr_auc": sk.average_precision_score(y, p[:, 1], **w),
            "brier": sk.brier_score_loss(y, p[:, 1], **w),
            "precision": sk.precision_score(y, d, zero_division=0, **w),
            "recall": sk.recall_score(y, d, **w),
            "f1": sk.f1_score(y, d, zero_division=0, **w),
        }
    return common | {
        "roc_auc_ovr": sk.roc_auc_score(y, p, multi_class="ovr", labels=labels, **w),
        "brier": sk.brier_score_loss(y, p, labels=labels, scale_by_half=False, **w),
        "f1_weighted": sk.f1_score(y, d, average="weighted", zero_division=0, **w),
        "top_2_accuracy": sk.top_k_accuracy_score(y, p, k=2, labels=labels, **w),
        "top_5_accuracy": sk.top_k_accuracy_score(y, p, k=5, labels=labels, **w),
    }


def check(outcome: Outcome, reference: Reference, weights: np.ndarray) -> None:
    """Each metric under these weights, given from outside or the outcome's own."""
    assert set(reference) == set(METRICS[outcome.task])
    weighted = replace(outcome, weights=weights)
    for name, expected in reference.items():
        metric = METRICS[outcome.task][name]
        values = metric.values(Weighted(Scored(outcome), weights[None]))
        assert values[0] == pytest.approx(expected, abs=1e-12, rel=1e-12), name
        assert metric.of(weighted) == values[0], name


def sample_weights(seed: int, n: int, kind: str) -> np.ndarray:
    """Weights as they come: none, counts, or survey weights with some rows that count nothing."""
    random = np.random.default_rng(seed)
    if kind == "ones":
        return np.ones(n)
    if kind == "counts":
        return random.integers(1, 4, n).astype(float)
    return random.gamma(0.5, 200, n) * (random.random(n) < 0.95) + (np.arange(n) < 12)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(20, 80),
    st.sampled_from([2, 3, 5, 12]),
    st.sampled_from([0, 1, 8]),
    KINDS,
)
def test_classification(seed: int, n: int, k: int, digits: int, kind: str) -> None:
    outcome = classified(seed, n, k, digits)
    weights = sample_weights(seed, n, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = of_classes(outcome, weights)
    check(outcome, reference, weights)


def test_of_equally_probable_classes_the_same_are_at_the_top_as_in_scikit_learn() -> None:
    outcome = classified(5, 400, 12, 0)
    said = np.eye(12)[outcome.decided]  # one class is certain, eleven are tied at nothing
    said[:12] = np.eye(12)
    certain = replace(outcome, probabilities=said)
    for k in (2, 5):
        ours = METRICS[Task.MULTICLASS][f"top_{k}_accuracy"].of(certain)
        theirs = sk.top_k_accuracy_score(outcome.truth, said, k=k, labels=np.arange(12))
        assert ours == pytest.approx(theirs, abs=1e-12)
        assert 0.1 < ours < 0.9


def test_a_class_that_a_model_does_not_know_is_never_at_the_top() -> None:
    outcome = classified(6, 400, 4, 8)
    said = np.eye(4)[outcome.decided % 3]  # class 3 is tied with others, and would come before them
    unknown = replace(outcome, probabilities=said, n_unknown=1)
    rows = outcome.truth < 3
    theirs = sk.top_k_accuracy_score(
        outcome.truth[rows], said[rows, :3], k=2, labels=np.arange(3), normalize=False
    )
    top = METRICS[Task.MULTICLASS]["top_2_accuracy"].of(unknown)
    assert top == pytest.approx(theirs / 400, abs=1e-12)


def test_a_class_that_the_model_knows_may_be_at_the_top_though_no_row_is_likely_of_it() -> None:
    outcome = classified(8, 300, 3, 8)
    said = np.eye(3)[outcome.decided % 2]
    ours = METRICS[Task.MULTICLASS]["top_2_accuracy"].of(replace(outcome, probabilities=said))
    theirs = sk.top_k_accuracy_score(outcome.truth, said, k=2, labels=np.arange(3))
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("n_unknown", [0, 1])
def test_parts_of_the_rows_are_at_the_top_as_often_as_they_are_among_all(n_unknown: int) -> None:
    outcome = classified(7, 400, 4, 8)
    certain = np.where(np.arange(400) < 150, outcome.decided % 2, outcome.decided % 3)
    said = np.eye(4)[certain]  # no row of the first part has any probability of class 2
    whole = replace(outcome, probabilities=said, n_unknown=n_unknown)
    parts = [whole.on_rows(range(150)), whole.on_rows(range(150, 400))]
    top = METRICS[Task.MULTICLASS]["top_2_accuracy"]
    mean = np.average([top.of(part) for part in parts], weights=[len(part) for part in parts])
    assert mean == pytest.approx(top.of(whole), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 80), st.sampled_from([1.0, 1e6]), KINDS)
def test_regression(seed: int, n: int, shift: float, kind: str) -> None:
    random = np.random.default_rng(seed)
    truth = random.normal(size=n) * 3 + shift
    values = truth + random.normal(size=n)
    outcome = Outcome(Task.REGRESSION, np.arange(n), truth, values=values)
    weights = sample_weights(seed, n, kind)
    reference = {
        "r2": sk.r2_score(truth, values, sample_weight=weights),
        "rmse": sk.root_mean_squared_error(truth, values, sample_weight=weights),
        "mae": sk.mean_absolute_error(truth, values, sample_weight=weights),
    }
    check(outcome, reference, weights)


def test_ranking_rows_of_one_class_says_nothing_whatever_they_weigh() -> None:
    for seed in range(50):  # sums in another order differ in their last bits, for some weights only
        random = np.random.default_rng(seed)
        whole = classified(seed, 300, 2, 2)
        rows = whole.rows[whole.truth == seed % 2]
        weights = random.gamma(2, 1, (1, len(rows)))
        of = Weighted(Scored(whole.on_rows(rows.tolist())), weights)
        assert np.isnan(METRICS[Task.BINARY]["roc_auc"].values(of)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 4]), st.sampled_from([0, 1, 8]))
def test_counts_are_weights_whatever_their_type(seed: int, k: int, digits: int) -> None:
    outcome = classified(seed, 60, k, digits)
    counts = np.random.default_rng(seed).poisson(1, (5, 60)).astype(np.uint8)
    narrow = Weighted(Scored(outcome), counts)
    wide = Weighted(Scored(outcome), counts.astype(np.float64))
    for name, metric in METRICS[outcome.task].items():
        np.testing.assert_array_equal(metric.values(narrow), metric.values(wide), err_msg=name)


def test_resamples_are_metrics_of_resampled_rows() -> None:
    outcome = classified(3, 60, 2, 1)
    counts = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60))
    rows = np.repeat(np.arange(60), counts)
    drawn = Outcome(
        outcome.task, rows, outcome.truth[rows], outcome.classes,
        outcome.probabilities[rows], outcome.decided[rows],
    )  # fmt: skip
    for name, metric in METRICS[Task.BINARY].items():
        weighted = metric.values(Weighted(Scored(outcome), counts[None].astype(float)))[0]
        assert weighted == pytest.approx(metric.of(drawn), abs=1e-12), name
