"""Costs: what a row costs, and means whose intervals cover also where the dear mistake is rare."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from assay.data.schema import Task
from assay.evaluation.closed import of_mean
from assay.evaluation.costs import mean_cost, mean_saved
from assay.evaluation.goals import Goal
from assay.evaluation.outcome import Outcome

DEAR = Goal(goal="cost", false_positive=1, false_negative=20)
GAINING = Goal(goal="cost", false_positive=1, false_negative=20, true_positive=5, true_negative=0.2)


def test_a_row_costs_what_was_said() -> None:
    truth, decided = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert DEAR.paid(truth, decided).tolist() == [0, 1, 20, 0]
    assert GAINING.paid(truth, decided).tolist() == [-0.2, 1, 20, -5]


def test_means_of_rows_and_of_their_differences() -> None:
    random = np.random.default_rng(0)
    truth, decided, other = random.integers(0, 2, (3, 300))
    rows = Outcome(Task.BINARY, np.arange(300), truth, ("no", "yes"), decided=decided)
    for goal in (DEAR, GAINING):
        cost = mean_cost(goal, rows, decided, 0.95)
        assert cost.value == pytest.approx(goal.paid(truth, decided).mean())
        saved = goal.paid(truth, other) - goal.paid(truth, decided)
        found = mean_saved(goal, rows, decided, other, 0.95)
        assert found.value == pytest.approx(saved.mean())
        reach = 1.96 * saved.std() / np.sqrt(300)
        assert (found.low, found.high) == pytest.approx(
            (saved.mean() - reach, saved.mean() + reach), abs=reach / 4
        )
        same = mean_saved(goal, rows, decided, decided, 0.95)
        assert (same.value, same.reason) == (0, "no row is decided otherwise")


def test_answers_that_differ_one_way_cannot_differ_the_other() -> None:
    random = np.random.default_rng(0)
    truth, decided = random.integers(0, 2, (2, 300))
    rows = Outcome(Task.BINARY, np.arange(300), truth, ("no", "yes"), decided=decided)
    saved = mean_saved(DEAR, rows, decided, np.ones(300, dtype=int), 0.95)
    said_no = np.bincount(truth[decided == 0])
    counts = np.array([300 - said_no.sum(), *said_no])
    ends = of_mean(counts.astype(float), np.array([0.0, 1.0, -20.0]), 0.95)
    assert (saved.low, saved.high) == pytest.approx(ends)


@pytest.mark.parametrize("goal", [DEAR, GAINING], ids=["costs", "gains"])
@pytest.mark.parametrize(("n", "share"), [(50, 0.5), (2000, 0.5), (200, 0.05), (2000, 0.05)])
def test_intervals_of_costs_cover_where_few_mistakes_are_dear(
    goal: Goal, n: int, share: float
) -> None:
    """Scores of two normal classes, 1.5 apart, decided where the costs alone have it."""
    at = np.log(goal.by_theory / (1 - goal.by_theory)) - np.log(share / (1 - share))
    cut = (at + 1.125) / 1.5
    yes = norm.sf(cut), norm.sf(cut - 1.5)
    chances = np.array(
        [(1 - share) * (1 - yes[0]), (1 - share) * yes[0], share * (1 - yes[1]), share * yes[1]]
    )
    paid = goal.paid(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    samples = 2000
    drawn = np.random.default_rng(0).multinomial(n, chances, size=samples).astype(float)
    ends = np.array([of_mean(counts, paid, 0.95) for counts in drawn])
    covered = (ends[:, 0] <= chances @ paid) & (chances @ paid <= ends[:, 1])
    error = np.sqrt(0.97 * 0.03 / samples)
    assert 0.93 <= covered.mean() <= 0.97 + 2 * error
