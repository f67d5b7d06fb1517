"""Metrics of rows with several labels equal scikit-learn's, under any weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.data.schema import Schema, Task
from assay.evaluation.by_class import by_class
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome, most_probable
from assay.evaluation.recorded import as_table, from_table
from assay.predictions import Floats

N, K = 300, 4
LABELS = ("cold", "hot", "old", "wet")


def outcome(*, n: int = N, ties: bool = False, weighted: bool = False, seed: int = 0) -> Outcome:
    random = np.random.default_rng(seed)
    truth = (random.random((n, K)) < [0.5, 0.3, 0.15, 0.6]).astype(np.int64)
    truth[0], truth[1] = 0, 1
    probabilities = np.clip(0.25 + 0.4 * truth + random.normal(scale=0.25, size=(n, K)), 0.01, 0.99)
    if ties:
        probabilities = probabilities.round(1)
    decided = most_probable(Task.MULTILABEL, probabilities)
    decided[0] = 0
    weights = random.gamma(2, 1, n) if weighted else None
    return Outcome(
        Task.MULTILABEL, np.arange(n), truth, LABELS, probabilities, decided, weights=weights
    )


def mean_of_labels(of: Outcome, score: Any, said: Floats) -> float:
    each = [score(of.truth[:, j], said[:, j], sample_weight=of.weights) for j in range(K)]
    return float(np.mean(each))


ORACLES: Mapping[str, Callable[[Outcome], Any]] = {
    "log_loss": lambda of: mean_of_labels(of, sk.log_loss, of.known_probabilities),
    "brier": lambda of: mean_of_labels(of, sk.brier_score_loss, of.known_probabilities),
    "roc_auc_macro": lambda of: sk.roc_auc_score(
        of.truth, of.known_probabilities, average="macro", sample_weight=of.weights
    ),
    "pr_auc_macro": lambda of: sk.average_precision_score(
        of.truth, of.known_probabilities, average="macro", sample_weight=of.weights
    ),
    "f1_macro": lambda of: sk.f1_score(
        of.truth, of.decided, average="macro", sample_weight=of.weights
    ),
    "f1_micro": lambda of: sk.f1_score(
        of.truth, of.decided, average="micro", sample_weight=of.weights
    ),
    "f1_samples": lambda of: sk.f1_score(
        of.truth, of.decided, average="samples", sample_weight=of.weights, zero_division=1.0
    ),
    "jaccard_samples": lambda of: sk.jaccard_score(
        of.truth, of.decided, average="samples", sample_weight=of.weights, zero_division=1.0
    ),
    "exact_match": lambda of: sk.accuracy_score(of.truth, of.decided, sample_weight=of.weights),
    "hamming_loss": lambda of: sk.hamming_loss(of.truth, of.decided, sample_weight=of.weights),
    "lrap": lambda of: sk.label_ranking_average_precision_score(
        of.truth, of.known_probabilities, sample_weight=of.weights
    ),
    "ranking_loss": lambda of: sk.label_ranking_loss(
        of.truth, of.known_probabilities, sample_weight=of.weights
    ),
}


def test_every_metric_has_its_oracle() -> None:
    assert set(METRICS[Task.MULTILABEL]) == set(ORACLES)


@pytest.mark.parametrize("name", sorted(ORACLES))
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_that_of_scikit_learn(name: str, ties: bool, weighted: bool) -> None:
    of = outcome(ties=ties, weighted=weighted)
    assert METRICS[Task.MULTILABEL][name].of(of) == pytest.approx(ORACLES[name](of), abs=1e-12)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_a_resample_is_worth_what_its_rows_are(name: str) -> None:
    of = outcome(n=120)
    drawn = np.random.default_rng(1).integers(0, len(of), len(of))
    counts = np.bincount(drawn, minlength=len(of)).astype(np.float64)
    rows = of.take(drawn)
    assert METRICS[Task.MULTILABEL][name].of(replace(of, weights=counts)) == pytest.approx(
        ORACLES[name](rows), abs=1e-12
    )


def test_every_metric_has_an_interval_around_it() -> None:
    [known] = replicate([outcome()], 400)
    for name in ORACLES:
        found = known.estimate(name, 0.95)
        assert found.low is not None, name
        assert found.low < found.value < (found.high or 0), name
    assert known.estimate("exact_match", 0.95).method == "Wilson"


def test_of_a_rare_label_the_means_over_labels_have_no_interval() -> None:
    of = outcome()
    truth = of.truth.copy()
    truth[3:, 2] = 0
    [known] = replicate([replace(of, truth=truth)], 400)
    assert known.estimate("f1_macro", 0.95).reason == "only 1 row with label old"
    assert known.estimate("f1_micro", 0.95).has_interval


@pytest.mark.parametrize("weighted", [False, True])
def test_each_label_has_its_scores(weighted: bool) -> None:
    of = outcome(weighted=weighted)
    found = by_class(of, 0.95)
    assert [each.label for each in found] == [*LABELS]
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        of.truth, of.decided, sample_weight=of.weights
    )
    for code, each in enumerate(found):
        assert each.support == of.truth[:, code].sum()
        assert each.precision.value == pytest.approx(precision[code], abs=1e-12)
        assert each.recall.value == pytest.approx(recall[code], abs=1e-12)
        assert each.f1.value == pytest.approx(f1[code], abs=1e-12)
        assert each.f1.has_interval


def test_it_is_read_back_as_it_was_recorded() -> None:
    of = outcome(weighted=True)
    back = from_table(as_table(of), Schema((), "labels", Task.MULTILABEL, LABELS))
    for name in ("rows", "truth", "decided", "probabilities", "weights"):
        assert np.array_equal(getattr(back, name), getattr(of, name)), name
    assert back.classes == LABELS
