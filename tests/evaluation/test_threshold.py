"""Thresholds: no other reaches more on the rows that chose, and each fold is decided by others."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TunedThresholdClassifierCV

from assay.evaluation.goals import Goal
from assay.evaluation.result import Threshold
from assay.evaluation.threshold import Ladder, choose, cross_decided, decide

COST = {"goal": "cost", "false_positive": 1, "false_negative": 5}
GAIN = {**COST, "true_positive": -1, "true_negative": 0.5}
SCORES = {
    "f1": lambda y, d: sk.f1_score(y, d, zero_division=0),
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f2": lambda y, d: sk.fbeta_score(y, d, beta=2, zero_division=0),
    "f0.5": lambda y, d: sk.fbeta_score(y, d, beta=0.5, zero_division=0),
    "cost": lambda y, d: -np.mean(np.where(y == 1, 5 * (1 - d), d)),
    "gain": lambda y, d: -np.mean(np.where(y == 1, 5 - 4 * d, 1.5 * d - 0.5)),
    "precision": lambda y, d: sk.precision_score(y, d, zero_division=0),
    "recall": sk.recall_score,
}
GOALS = {
    "f1": Goal.of("f1"),
    "balanced_accuracy": Goal.of("balanced_accuracy"),
    "f2": Goal.of({"goal": "f_beta", "beta": 2}),
    "f0.5": Goal.of({"goal": "f_beta", "beta": 0.5}),
    "cost": Goal.of(COST),
    "gain": Goal.of(GAIN),
    "precision": Goal.of({"goal": "precision", "recall_at_least": 0.7}),
    "recall": Goal.of({"goal": "recall", "precision_at_least": 0.6}),
}
HELD = {"precision": ("recall", 0.7), "recall": ("precision", 0.6)}


def drawn(seed: int, n: int = 60, digits: int = 8) -> tuple[Any, Any]:
    """Calibrated probabilities and what came of them, both classes among it."""
    random = np.random.default_rng(seed)
    positive = random.random(n).round(digits)
    return positive, np.append([0, 1], (random.random(n - 2) < positive[2:]).astype(int))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(GOALS)), st.sampled_from([1, 8]))
def test_no_threshold_reaches_more_than_the_chosen_one(seed: int, name: str, digits: int) -> None:
    (positive, truth), goal, score = drawn(seed, digits=digits), GOALS[name], SCORES[name]
    chosen = choose(positive, truth, goal)
    sign = -1 if goal.is_cost else 1
    reached = score(truth, decide(positive, chosen.value))
    assert reached == pytest.approx(sign * chosen.score)
    assert chosen.at_half == pytest.approx(sign * score(truth, decide(positive, 0.5)))
    every = [decide(positive, each) for each in (*np.unique(positive), 2.0)]
    if name in HELD:
        floor, lowest = HELD[name]
        kept = [each for each in every if SCORES[floor](truth, each) >= lowest - 1e-12]
        assert chosen.held == pytest.approx(SCORES[floor](truth, decide(positive, chosen.value)))
        assert chosen.falls_short == (not kept)
        if not kept:
            assert chosen.held == pytest.approx(max(SCORES[floor](truth, each) for each in every))
        every = kept
    assert all(score(truth, each) <= reached + 1e-12 for each in every)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.sampled_from([COST, GAIN]))
def test_the_unit_of_costs_does_not_matter(seed: int, unit: float, costs: dict[str, Any]) -> None:
    positive, truth = drawn(seed, digits=2)
    scaled = {key: each if key == "goal" else each * unit for key, each in costs.items()}
    one, other = (choose(positive, truth, Goal.of(each)) for each in (costs, scaled))
    assert one.value == other.value
    assert other.score == pytest.approx(one.score * unit)


def test_on_many_calibrated_rows_costs_choose_where_theory_does() -> None:
    positive, truth = drawn(3, 400_000)
    goal = GOALS["cost"]
    assert goal.by_theory == pytest.approx(1 / 6)
    chosen = choose(positive, truth, goal)
    assert chosen.value == pytest.approx(1 / 6, abs=0.02)
    at_theory = -SCORES["cost"](truth, decide(positive, goal.by_theory))
    assert chosen.score <= at_theory <= chosen.score + 1e-3


def test_where_a_wrong_yes_is_dear_nobody_is_called_and_where_a_wrong_no_is_everybody() -> None:
    positive, truth = drawn(0)
    dear = Goal(goal="cost", false_positive=1e4, false_negative=1)
    truth[positive.argmax()] = 0
    assert decide(positive, choose(positive, truth, dear).value).sum() == 0
    top = np.append(positive, 1.0), np.append(truth, 0)
    above = choose(*top, dear).value
    assert decide(top[0], above).sum() == 0
    truth[positive.argmin()] = 1
    cheap = Goal(goal="cost", false_positive=1, false_negative=1e4)
    assert decide(positive, choose(positive, truth, cheap).value).all()


def test_it_is_the_choice_of_scikit_learn_among_the_same_thresholds() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 3))
    target = (features[:, 0] + random.normal(size=200) > 0.8).astype(int)
    model = LogisticRegression().fit(features, target)
    positive = model.predict_proba(features)[:, 1]
    thresholds = Ladder.of(positive, target).thresholds[:-1]
    for name in ("f1", "balanced_accuracy", "f2", "f0.5", "cost"):
        theirs = TunedThresholdClassifierCV(
            model, scoring=sk.make_scorer(SCORES[name]), thresholds=thresholds[::-1],
            cv="prefit", refit=False,
        ).fit(features, target)  # fmt: skip
        ours = choose(positive, target, GOALS[name])
        assert abs(ours.score) == pytest.approx(abs(theirs.best_score_))
        reached = SCORES[name](target, decide(positive, theirs.best_threshold_))
        assert reached == pytest.approx(theirs.best_score_)


def test_a_precision_that_no_threshold_has_is_told() -> None:
    positive, truth = np.array([0.9, 0.8, 0.7, 0.2]), np.array([0, 1, 1, 0])
    chosen = choose(positive, truth, Goal.of({"goal": "recall", "precision_at_least": 0.9}))
    assert chosen.falls_short
    assert (chosen.held, chosen.score) == (pytest.approx(2 / 3), 1.0)
    met = choose(positive, truth, Goal.of({"goal": "recall", "precision_at_least": 0.6}))
    assert not met.falls_short


@pytest.mark.parametrize("below", [0.0, 5e-14, 5e-13, 1e-9])
def test_a_choice_falls_short_where_its_goal_is_not_met(below: float) -> None:
    goal = Goal.of({"goal": "precision", "recall_at_least": 0.9})
    held = 0.9 - below
    assert Threshold(0.5, goal, held=held).falls_short == (not goal.meets(held, 0.0, 1.0))
    assert not Threshold(0.5, GOALS["f1"]).falls_short


def test_a_threshold_between_neighbours_lets_only_the_upper_in() -> None:
    upper = 0.1
    for _ in range(200):
        lower = np.nextafter(upper, 0)
        positive, truth = np.array([upper, lower, lower, lower]), np.array([1, 0, 0, 0])
        chosen = choose(positive, truth, GOALS["f1"])
        assert sk.f1_score(truth, decide(positive, chosen.value)) == chosen.score == 1
        upper = lower


def test_a_given_threshold_is_taken() -> None:
    chosen = choose(np.array([0.2, 0.8]), np.array([0, 1]), Goal.of(0.3))
    assert (chosen.value, chosen.is_chosen) == (0.3, False)


@pytest.mark.parametrize("name", GOALS)
def test_each_fold_is_decided_by_what_the_others_choose(name: str) -> None:
    (positive, truth), goal = drawn(0, 90), GOALS[name]
    folds = np.arange(90) % 3
    decided = cross_decided(positive, truth, folds, goal)
    for fold in range(3):
        inside = folds == fold
        other = choose(positive[~inside], truth[~inside], goal).value
        np.testing.assert_array_equal(decided[inside], positive[inside] >= other)


def test_a_row_of_weight_three_is_three_rows() -> None:
    positive, truth = drawn(1, 200, digits=2)
    weights = np.random.default_rng(1).integers(1, 4, 200)
    often = np.repeat(np.arange(200), weights)
    for goal in GOALS.values():
        weighted = choose(positive, truth, goal, weights.astype(float))
        repeated = choose(positive[often], truth[often], goal)
        assert weighted.value == repeated.value
        assert weighted.score == pytest.approx(repeated.score)
        assert weighted.at_half == pytest.approx(repeated.at_half)
        assert weighted.held == pytest.approx(repeated.held)


def test_ordered_folds_are_decided_by_the_past() -> None:
    positive, truth = drawn(0, 120)
    folds = np.arange(120) // 30
    for goal, first in ((GOALS["f1"], 0.5), (GOALS["cost"], 1 / 6)):
        decided = cross_decided(positive, truth, folds, goal, ordered=True)
        np.testing.assert_array_equal(decided[folds == 0], positive[folds == 0] >= first)
        for fold in (1, 2, 3):
            inside, before = folds == fold, folds < fold
            past = choose(positive[before], truth[before], goal).value
            np.testing.assert_array_equal(decided[inside], positive[inside] >= past)
    given = cross_decided(positive, truth, folds, Goal.of(0.3), ordered=True)
    np.testing.assert_array_equal(given, positive >= 0.3)


@pytest.mark.parametrize("name", GOALS)
@pytest.mark.parametrize("label", [0, 1])
def test_teachers_that_weigh_nothing_in_a_class_teach_nothing(name: str, label: int) -> None:
    positive, truth = drawn(0, 90)
    folds, goal = np.arange(90) // 30, GOALS[name]
    weights = np.where((folds == 0) & (truth == label), 0.0, 1.0)
    decided = cross_decided(positive, truth, folds, goal, weights, ordered=True)
    untaught = folds < 2
    np.testing.assert_array_equal(decided[untaught], positive[untaught] >= goal.without_rows)
    taught = choose(positive[untaught], truth[untaught], goal, weights[untaught]).value
    np.testing.assert_array_equal(decided[~untaught], positive[~untaught] >= taught)


def test_a_million_rows_are_sorted_once() -> None:
    positive, truth = drawn(0, 1_000_000)
    began = time.process_time()
    np.argsort(-positive, kind="stable")
    sorting = time.process_time() - began
    began = time.process_time()
    cross_decided(positive, truth, np.arange(1_000_000) % 5, GOALS["f2"])
    assert time.process_time() - began < 20 * sorting


@pytest.mark.parametrize("short", ["f1", "balanced_accuracy", 0.25])
def test_short_forms_stay_short(short: str | float) -> None:
    goal = Goal.of(short)
    assert goal.model_dump(mode="json") == short
    assert Goal.of({"goal": short} if isinstance(short, str) else
                   {"goal": "given", "probability": short}) == goal  # fmt: skip


@pytest.mark.parametrize("said", [COST, GAIN, {"goal": "f_beta", "beta": 2.0}])
def test_what_is_recorded_of_a_goal_is_what_was_said(said: dict[str, Any]) -> None:
    assert Goal.of(said).model_dump(mode="json") == said
    assert Goal.of(Goal.of(said).model_dump(mode="json")) == Goal.of(said)
