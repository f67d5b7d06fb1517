"""Runs are paired on rows that came about in one way, whichever of them is named first."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import assay
from assay.data.schema import Task
from assay.errors import DataError
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome
from assay.evaluation.time_blocks import time_blocks
from assay.pairs import _of_one_design
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.tables import table

N = 400
TIMES = np.arange(N) * 1.0
PLAIN = Outcome(Task.REGRESSION, np.arange(N), np.zeros(N), values=np.ones(N))
IN_TIME = replace(PLAIN, clusters=time_blocks(TIMES), times=TIMES, design=Design.TIME)
GROUPED = replace(PLAIN, clusters=np.arange(N) // 2)
FIXED = replace(PLAIN, design=Design.CLASSES)


@pytest.mark.parametrize(
    ("outcomes", "design", "n_clusters"),
    [
        ((PLAIN, PLAIN), Design.CHANCE, None),
        ((FIXED, FIXED), Design.CLASSES, None),
        ((FIXED, PLAIN), Design.CHANCE, None),
        ((FIXED, IN_TIME, PLAIN), Design.TIME, 40),
        ((IN_TIME, replace(IN_TIME, clusters=np.arange(N) // 5)), Design.TIME, 40),
        ((PLAIN, IN_TIME, GROUPED), Design.CHANCE, 200),
        ((GROUPED, replace(PLAIN, clusters=np.arange(N) // 8)), Design.CHANCE, 50),
    ],
)
def test_rows_came_about_as_all_runs_say_together(
    outcomes: tuple[Outcome, ...], design: Design, n_clusters: int | None
) -> None:
    for ordered in permutations(outcomes):
        for each in _of_one_design(ordered, "abc"[: len(ordered)]):
            assert each.design is design
            assert (each.clusters is None) == (n_clusters is None)
            assert n_clusters is None or len(np.unique(each.clusters)) == n_clusters


def test_rows_weigh_what_one_run_says_and_two_must_agree() -> None:
    weights = np.arange(N) + 1.0
    weighted = replace(PLAIN, weights=weights)
    for ordered in permutations((PLAIN, weighted)):
        for each in _of_one_design(ordered, "ab"):
            np.testing.assert_array_equal(each.weights, weights)
    with pytest.raises(DataError, match="b and c cannot be compared: they weigh rows differently"):
        _of_one_design((PLAIN, weighted, replace(PLAIN, weights=weights**2)), "abc")


def test_a_comparison_says_the_same_whichever_run_is_named_first() -> None:
    store = MemoryStore()

    def trained(learner: Any, counts: str) -> Run:
        evaluation = {"resamples": 200, "class_counts": counts}
        return assay.train(
            table(Task.BINARY), target="y", learner=learner, store=store, checks=[], workers=1,
            settings={"evaluation": evaluation, "training": {"seeds": 1}},
        )  # fmt: skip

    runs = trained(FakeLearner(), "fixed"), trained("linear", "chance")
    there, back = (
        assay.compare(*each, store=store).verdict.estimate for each in (runs, runs[::-1])
    )
    assert there.method == back.method == "paired bootstrap"
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), rel=0.05)
