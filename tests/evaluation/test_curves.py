"""Curves are those of scikit-learn, thinned; importance finds what the model uses."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.evaluation.drawing import curves_of
from assay.evaluation.importance import importances
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import as_table, from_table
from tests.laws.test_numbers import classified
from tests.tables import prepared


def test_roc_and_precision_recall_are_scikit_learns() -> None:
    outcome = classified(0, 300, 2, 8)
    positive = outcome.probabilities[:, 1]
    curves = curves_of(outcome)
    area = sk.auc(curves.roc.false_positive_rate, curves.roc.true_positive_rate)
    assert area == pytest.approx(sk.roc_auc_score(outcome.truth, positive), abs=1e-12)
    precision, recall, _ = sk.precision_recall_curve(outcome.truth, positive)
    theirs = {(round(r, 9), round(p, 9)) for p, r in zip(precision, recall, strict=True)}
    ours = zip(curves.precision_recall.recall, curves.precision_recall.precision, strict=True)
    assert all((round(float(r), 9), round(float(p), 9)) in theirs for r, p in ours)
    assert curves.precision_recall.prevalence == outcome.truth.mean()


def test_curves_are_weighted() -> None:
    weights = np.random.default_rng(0).gamma(1, 2, 300)
    outcome = replace(classified(0, 300, 2, 1), weights=weights)
    positive = outcome.probabilities[:, 1]
    curves = curves_of(outcome)
    area = sk.auc(curves.roc.false_positive_rate, curves.roc.true_positive_rate)
    expected = sk.roc_auc_score(outcome.truth, positive, sample_weight=weights)
    assert area == pytest.approx(expected, abs=1e-12)
    prevalence = np.average(outcome.truth, weights=weights)
    assert curves.precision_recall.prevalence == pytest.approx(prevalence)


def test_related_or_weighted_rows_say_less_of_a_frequency() -> None:
    outcome = classified(1, 4000, 2, 8)
    plain = curves_of(outcome).reliability
    equal = curves_of(replace(outcome, weights=np.full(4000, 0.3))).reliability
    uneven = np.random.default_rng(0).gamma(0.3, 1, 4000)
    weighted = curves_of(replace(outcome, weights=uneven)).reliability
    # Five rows of each bin say the same: as many clusters as a fifth of the rows.
    ranked = np.argsort(np.argsort(outcome.probabilities[:, 1], kind="stable"))
    copied = replace(outcome, clusters=ranked // 5, truth=(ranked // 5 % 2).astype(np.int64))
    related = curves_of(copied).reliability
    np.testing.assert_allclose(equal.high - equal.low, plain.high - plain.low, rtol=0.01)
    assert (weighted.high - weighted.low > 1.5 * (plain.high - plain.low)).all()
    alone = curves_of(replace(copied, clusters=None)).reliability
    wider = (related.high - related.low) / (alone.high - alone.low)
    np.testing.assert_allclose(wider, 5**0.5, rtol=0.05)


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    roc = curves_of(classified(0, 5000, 2, 8)).roc
    assert len(roc.false_positive_rate) <= 401
    assert (roc.false_positive_rate[0], roc.true_positive_rate[0]) == (0, 0)
    assert (roc.false_positive_rate[-1], roc.true_positive_rate[-1]) == (1, 1)


@pytest.mark.parametrize("k", [2, 4])
def test_reliability_has_exact_intervals_that_hold_the_frequency(k: int) -> None:
    bins = curves_of(classified(1, 400, k, 8)).reliability
    assert bins.n.sum() == 400
    assert (bins.low <= bins.observed).all()
    assert (bins.observed <= bins.high).all()
    assert (np.diff(bins.predicted) >= 0).all()
    # Clopper and Pearson by SciPy, for one bin
    from scipy.stats import binomtest

    k_hits = round(bins.observed[3] * bins.n[3])
    exact = binomtest(k_hits, int(bins.n[3])).proportion_ci(0.95, method="exact")
    assert (bins.low[3], bins.high[3]) == pytest.approx((exact.low, exact.high))


def test_rows_of_no_weight_are_in_no_bin() -> None:
    made = classified(1, 400, 2, 8)
    weighs = made.known_probabilities[:, 1] > np.quantile(made.known_probabilities[:, 1], 0.3)
    bins = curves_of(replace(made, weights=weighs * 1.0)).reliability
    kept = curves_of(replace(made.take(np.flatnonzero(weighs)), weights=np.ones(weighs.sum())))
    assert bins.n.sum() == weighs.sum()
    assert (bins.observed == kept.reliability.observed).all()
    assert (bins.high == kept.reliability.high).all()


def test_residuals_are_true_minus_predicted() -> None:
    truth = np.arange(50.0)
    outcome = Outcome(Task.REGRESSION, np.arange(50), truth, values=truth - 2)
    assert curves_of(outcome).residuals.residual.tolist() == [2] * 50


def test_a_feature_that_is_used_is_worth_more_than_one_that_is_not() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=300)

    def predicted(values: np.ndarray) -> Outcome:
        return Outcome(Task.REGRESSION, np.arange(300), truth, values=values)

    plain = predicted(truth + random.normal(size=300) * 0.1)
    shuffled = {("unused",): plain, ("used",): predicted(random.permutation(truth))}
    for metric in ("r2", "mae"):
        first, second = importances(plain, shuffled, metric=metric, level=0.95)
        assert (first.feature, second.feature) == ("used", "unused")
        assert first.drop.low > 0
        assert second.drop.value == 0


@pytest.mark.parametrize("belonging", [False, True])
@pytest.mark.parametrize("task", list(Task))
def test_an_outcome_survives_the_store(task: Task, belonging: bool) -> None:
    schema = prepared(task).schema
    if task is Task.REGRESSION:
        outcome = Outcome(task, np.arange(9), np.arange(9.0), values=np.arange(9.0) / 7)
    else:
        given = classified(0, 30, len(schema.classes), 8)
        outcome = Outcome(
            task, given.rows, given.truth, schema.classes, given.probabilities, given.decided
        )
    n = len(outcome)
    if belonging:
        known = {"clusters": np.arange(n) // 3, "times": np.arange(n) / 3, "design": Design.CLASSES}
        outcome = replace(outcome, weights=np.arange(n) / 7, **known)
    again = from_table(as_table(outcome, folds=np.arange(n) % 5), schema)
    for name in (field.name for field in fields(Outcome) if field.name not in ("task", "classes")):
        before, after = getattr(outcome, name), getattr(again, name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(before, after)
