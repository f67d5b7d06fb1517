"""A choice looked into: resamples choose as `choose` would, and its worth is that of other rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.data.schema import Task
from assay.evaluation import stability
from assay.evaluation.choice import ALL_NEGATIVE, ALL_POSITIVE, AT_HALF, BY_THEORY
from assay.evaluation.evaluate import Judged, judge_together
from assay.evaluation.goals import Goal
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Threshold
from assay.evaluation.sampling import Sampling
from assay.evaluation.stability import MOST_CANDIDATES, reached_by, with_choice
from assay.evaluation.threshold import choose, cross_decided, decide
from tests.evaluation.test_threshold import GOALS, drawn

B = 200


def judged(goal: Goal, n: int = 400, **more: Any) -> tuple[Threshold, Judged]:
    """Rows decided by five folds, and what all of them choose."""
    positive, truth = drawn(7, n)
    decided = cross_decided(positive, truth, np.arange(n) % 5, goal, more.get("weights"))
    said = np.column_stack([1 - positive, positive])
    made = Outcome(Task.BINARY, np.arange(n), truth, ("no", "yes"), said, decided, **more)
    [found] = judge_together(
        {"": made}, rows="out-of-fold", primary="roc_auc", level=0.9, resamples=B
    ).values()
    return choose(positive, truth, goal, more.get("weights")), found


def looked_into(goal: Goal, n: int = 400, **more: Any) -> tuple[Threshold, Judged]:
    threshold, found = judged(goal, n, **more)
    return with_choice(threshold, found, level=0.9, resamples=B), found


@pytest.mark.parametrize("name", GOALS)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_resample_chooses_what_its_rows_would(name: str, is_weighted: bool) -> None:
    weights = np.random.default_rng(0).integers(1, 4, 400).astype(float) if is_weighted else None
    threshold, found = looked_into(GOALS[name], weights=weights)
    outcome, choice = found.outcome, threshold.choice
    positive, sampling = outcome.known_probabilities[:, 1], Sampling.of(outcome)
    weighed = np.concatenate([sampling.draw(block) for block in sampling.blocks(B)])
    # Rows that a resample leaves out leave gaps, in which `choose` goes to the middle.
    alone = [choose(positive, outcome.truth, GOALS[name], each.astype(float)) for each in weighed]
    low, high = np.quantile([each.value for each in alone], [0.05, 0.95])
    assert (choice.low, choice.high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize("name", GOALS)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_what_is_lost_is_the_most_that_any_threshold_between_loses(
    name: str, is_weighted: bool
) -> None:
    weights = np.random.default_rng(0).integers(0, 4, 400).astype(float) if is_weighted else None
    threshold, found = looked_into(GOALS[name], weights=weights)
    positive, truth = found.outcome.known_probabilities[:, 1], found.outcome.truth
    choice, weighs = threshold.choice, found.outcome.known_weights
    sign = -1 if GOALS[name].is_cost else 1
    lost = [0.0]
    for at in (choice.low, choice.high, *np.linspace(choice.low, choice.high, 5000)):
        yes = decide(positive, at) * weighs
        counts = yes[truth == 1].sum(), yes[truth == 0].sum()
        whole = weighs[truth == 1].sum(), weighs[truth == 0].sum()
        lost.append(sign * (threshold.score - float(GOALS[name].reached(*counts, *whole))))
    assert choice.lost == pytest.approx(max(lost))
    assert choice.lost > 0


def test_costs_are_those_of_the_decisions_taken() -> None:
    threshold, found = looked_into(GOALS["gain"], 2000)
    outcome, choice = found.outcome, threshold.choice
    truth, positive = outcome.truth, outcome.known_probabilities[:, 1]

    def costs(decided: Any) -> Any:
        return np.where(truth == 1, 5 - 4 * decided, 1.5 * decided - 0.5)

    assert choice.reached.value == pytest.approx(costs(outcome.decided).mean())
    assert choice.reached.low < choice.reached.value < choice.reached.high
    others = {
        AT_HALF: decide(positive, 0.5),
        BY_THEORY: decide(positive, 1.5 / (1.5 + 4)),
        ALL_NEGATIVE: np.zeros(2000),
        ALL_POSITIVE: np.ones(2000),
    }
    assert [each.name for each in choice.alternatives] == list(others)
    for each in choice.alternatives:
        paid = costs(others[each.name])
        assert each.reached.value == pytest.approx(paid.mean())
        saved = paid - costs(outcome.decided)
        assert each.gain.value == pytest.approx(saved.mean())
        error = saved.std() / np.sqrt(2000)
        if each.gain.has_interval:
            assert each.gain.high - each.gain.low == pytest.approx(2 * 1.645 * error, rel=0.3)


def test_the_interval_of_a_cost_is_that_of_a_mean() -> None:
    threshold, found = looked_into(GOALS["cost"], 4000)
    truth, decided = found.outcome.truth, found.outcome.decided
    each = np.where(truth == 1, 5 * (1 - decided), decided)
    reach = 1.645 * each.std() / np.sqrt(4000)
    choice = threshold.choice
    assert choice.reached.method == "MOVER"
    assert choice.reached.low == pytest.approx(each.mean() - reach, abs=reach / 4)
    assert choice.reached.high == pytest.approx(each.mean() + reach, abs=reach / 4)
    again = reached_by(found.outcome, GOALS["cost"], level=0.9, resamples=B)
    assert again == choice.reached


def test_related_or_weighted_rows_with_few_dear_mistakes_have_no_interval_of_a_cost() -> None:
    goal = Goal(goal="cost", false_positive=1, false_negative=50)
    for more in ({"clusters": np.arange(1000)}, {"weights": np.full(1000, 2.0)}):
        threshold, found = looked_into(goal, 1000, **more)
        missed = int(((found.outcome.decided == 0) & (found.outcome.truth == 1)).sum())
        assert missed < 5
        reason = threshold.choice.reached.reason
        assert reason.startswith(f"only {missed} yes row")
        assert threshold.choice.beside(AT_HALF).gain.reason == reason
        plain, _ = looked_into(GOALS["cost"], 1000, **more)
        assert "bootstrap" in plain.choice.reached.method
        assert plain.choice.beside(AT_HALF).gain.has_interval


def test_an_alternative_of_weighted_rows_needs_mistakes_of_its_own() -> None:
    random = np.random.default_rng(3)
    truth = (random.random(1000) < 0.3).astype(int)
    positive = 1 / (1 + np.exp(1 - 2 * (random.normal(size=1000) + 2 * truth)))
    goal = Goal(goal="cost", false_positive=100, false_negative=1)
    decided = decide(positive, 0.7)
    said, weights = np.column_stack([1 - positive, positive]), np.full(1000, 2.0)
    rows = Outcome(
        Task.BINARY, np.arange(1000), truth, ("no", "yes"), said, decided, weights=weights
    )
    found = judge_together(
        {"": rows}, rows="out-of-fold", primary="roc_auc", level=0.9, resamples=B
    )[""]
    choice = with_choice(
        choose(positive, truth, goal, weights), found, level=0.9, resamples=B
    ).choice
    assert choice.reached.has_interval
    dear = int((decide(positive, goal.by_theory)[truth == 0]).sum())
    assert dear < 5
    by_theory = choice.beside(BY_THEORY).reached
    assert by_theory.reason.startswith(f"only {dear} no row")
    assert choice.beside(AT_HALF).reached.has_interval
    # What makes one kind of mistake only has as many of it as there are rows of a class.
    for name in (ALL_NEGATIVE, ALL_POSITIVE):
        assert choice.beside(name).reached.has_interval


def test_where_a_closed_form_answers_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    threshold, found = judged(GOALS["cost"])
    monkeypatch.setattr(stability, "over_draws", pytest.fail)
    assert reached_by(found.outcome, threshold.goal, level=0.9, resamples=B).method == "MOVER"


def test_where_a_metric_says_it_the_metric_is_what_is_told() -> None:
    threshold, found = looked_into(GOALS["precision"])
    assert threshold.choice.reached is found.evaluation.metrics["precision"]
    assert threshold.choice.held is found.evaluation.metrics["recall"]
    assert 0 <= threshold.choice.missed <= 1
    [half] = threshold.choice.alternatives
    assert half.held == pytest.approx(
        decide(found.outcome.known_probabilities[:, 1], 0.5)[found.outcome.truth == 1].mean()
    )


def test_the_curve_holds_the_goal_and_the_choice() -> None:
    for name, goal in GOALS.items():
        threshold, found = looked_into(goal)
        curve = threshold.choice.curve
        positive, truth = found.outcome.known_probabilities[:, 1], found.outcome.truth
        assert threshold.value in curve.thresholds, name
        assert list(curve.thresholds) == sorted(set(curve.thresholds))
        assert len(curve.low) == len(curve.high) == len(curve.meets) == len(curve.reached)
        for at, reached in list(zip(curve.thresholds, curve.reached, strict=True))[::20]:
            yes = decide(positive, at)
            counts = yes[truth == 1].sum(), yes[truth == 0].sum()
            expected = goal.reached(*counts, truth.sum(), (1 - truth).sum())
            assert reached == pytest.approx(float(expected))
        inside = [a <= b <= c for a, b, c in zip(curve.low, curve.reached, curve.high, strict=True)]
        assert np.mean(inside) > 0.9


def test_where_the_choice_is_near_an_end_the_curve_is_drawn_around_it() -> None:
    goal = Goal(goal="cost", false_positive=1, false_negative=99)
    positive, truth = drawn(7, 3000)
    threshold, _ = looked_into(goal, 3000)
    assert threshold.value < 0.2
    assert max(threshold.choice.curve.thresholds) < 1
    assert positive.max() > 0.9
    assert truth.any()


def test_many_rows_choose_among_fewer_thresholds_alike() -> None:
    few, found = looked_into(GOALS["f1"], 3 * MOST_CANDIDATES)
    outcome = found.outcome
    positive, sampling = outcome.known_probabilities[:, 1], Sampling.of(outcome)
    weighed = sampling.draw(sampling.blocks(B)[0])[:60]
    alone = [choose(positive, outcome.truth, GOALS["f1"], each.astype(float)) for each in weighed]
    low, high = np.quantile([each.value for each in alone], [0.05, 0.95])
    assert few.choice.low == pytest.approx(low, abs=0.03)
    assert few.choice.high == pytest.approx(high, abs=0.03)


def test_groups_of_rows_are_drawn_whole() -> None:
    alone, _ = looked_into(GOALS["f2"], 400)
    threshold, found = judged(GOALS["f2"], 400)
    many = 4
    thrice = np.repeat(np.arange(400), many)
    said = found.outcome
    repeated = Outcome(
        Task.BINARY, np.arange(400 * many), said.truth[thrice], said.classes,
        said.known_probabilities[thrice], said.decided[thrice], clusters=thrice,
    )  # fmt: skip
    found = Judged(repeated, found.evaluation, found.replicates)
    of_groups = with_choice(threshold, found, level=0.9, resamples=B).choice
    assert of_groups.reached.method == "cluster bootstrap"
    assert of_groups.reached.low == pytest.approx(alone.choice.reached.low, rel=0.05)
    assert (of_groups.low, of_groups.high) == (alone.choice.low, alone.choice.high)


def test_too_few_rows_are_told_and_nothing_is_drawn() -> None:
    threshold, _ = looked_into(GOALS["f2"], 24)
    choice = threshold.choice
    assert "rows" in choice.reason
    assert (choice.low, choice.high, choice.lost, choice.curve.low) == (None, None, None, ())
    assert not choice.reached.has_interval
    assert all(not each.gain.has_interval for each in choice.alternatives)


@pytest.mark.parametrize("name", GOALS)
def test_it_is_read_as_it_was_recorded(name: str) -> None:
    threshold, _ = looked_into(GOALS[name])
    record = json.loads(json.dumps(threshold.as_dict(), allow_nan=False))
    assert Threshold.from_dict(record) == threshold
    plain = replace(threshold, choice=None)
    assert Threshold.from_dict(json.loads(json.dumps(plain.as_dict()))) == plain


def test_what_earlier_versions_recorded_is_read() -> None:
    old = {"value": 0.3, "best_for": "f1", "score": 0.7, "at_half": 0.6}
    read = Threshold.from_dict(old)
    assert (read.value, read.goal, read.score, read.choice) == (0.3, Goal.of("f1"), 0.7, None)
    nan = float("nan")
    given = Threshold.from_dict({"value": 0.3, "best_for": "given", "score": nan, "at_half": nan})
    assert given.goal == Goal.of(0.3)
    assert np.isnan(given.score)
