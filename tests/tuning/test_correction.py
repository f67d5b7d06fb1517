"""The correction: what the best of many is worth, where it is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.comparison import independent
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Corrected, Evaluation
from assay.tuning.correction import correct

N, CANDIDATES, REPETITIONS, SKILL = 150, 20, 40, 1.0
TRUE_AUC = float(norm.cdf(SKILL / np.sqrt(2)))


def candidates(seed: int, skills: list[float], copies: int = 1) -> list[Outcome]:
    """Candidates that judge the same rows, each with noise of its own; every row several times."""
    random = np.random.default_rng(seed)
    truth = np.repeat(random.integers(0, 2, N // copies), copies)
    found = []
    for skill in skills:
        noise = np.repeat(random.normal(size=N // copies), copies)
        score = 1 / (1 + np.exp(-(skill * (truth - 0.5) + noise)))
        both = np.column_stack([1 - score, score])
        decided = (score > 0.5).astype(np.int64)
        found.append(Outcome(Task.BINARY, np.arange(N), truth, ("no", "yes"), both, decided))
    return found


def test_the_best_of_equals_flatters_itself_and_the_correction_takes_that_away() -> None:
    found = [
        correct(candidates(seed, [SKILL] * CANDIDATES), "roc_auc", 0.95, resamples=200)
        for seed in range(REPETITIONS)
    ]
    best = np.array([each.best for each in found]) - TRUE_AUC
    corrected = np.array([each.corrected.value for each in found]) - TRUE_AUC
    noise = corrected.std() / np.sqrt(REPETITIONS)
    assert best.mean() > 0.05
    assert abs(corrected.mean()) < 3 * noise
    covered = [each.corrected.low <= TRUE_AUC <= each.corrected.high for each in found]
    assert sum(covered) >= 35, "of 40; 38 are to be expected, fewer than 35 once in a hundred"
    assert all(each.candidates == CANDIDATES for each in found)
    assert np.isclose([each.optimism for each in found], best - corrected).all()


def test_sealed_rows_bear_out_what_is_corrected_and_not_what_flatters_itself() -> None:
    hits = {True: 0, False: 0}
    for seed in range(REPETITIONS):
        tried = candidates(seed, [SKILL] * CANDIDATES)
        found = correct(tried, "roc_auc", 0.95, resamples=200)
        best = next(
            each for each in tried if METRICS[Task.BINARY]["roc_auc"].of(each) == found.best
        )
        [announced] = replicate([best], 200, ["roc_auc"])
        [sealed] = replicate(candidates(1000 + seed, [SKILL]), 200, ["roc_auc"])
        for pays in hits:
            apart = independent(
                announced, sealed, task=Task.BINARY, metric="roc_auc", level=0.95,
                names=("out of fold", "test"),
                flattery=found.best - found.corrected.value if pays else 0.0,
            )  # fmt: skip
            assert apart.first == pytest.approx(found.corrected.value if pays else found.best)
            assert apart.estimate.value == pytest.approx(apart.second - apart.first)
            hits[pays] += apart.better is None
    assert hits[True] >= 35 > hits[False]


def test_what_the_choice_is_worth_is_taken_off_the_score_of_the_trained_model() -> None:
    estimate = Estimate(0.70, 0.66, 0.74, n=90)
    corrected = Corrected("roc_auc", 0.75, estimate, 20)
    assert Corrected.from_dict(json.loads(json.dumps(corrected.as_dict()))) == corrected

    def evaluation(value: float, primary: str = "roc_auc") -> Evaluation:
        metrics = {primary: Estimate(value, value - 0.03, value + 0.03, n=90)}
        return Evaluation(Task.BINARY, "out-of-fold", 90, primary, metrics, {})

    assert corrected.of(evaluation(0.75)) == estimate
    calibrated = corrected.of(evaluation(0.77))
    assert calibrated is not None
    assert calibrated.value == pytest.approx(0.72)
    assert (calibrated.low, calibrated.high) == pytest.approx((0.68, 0.76))
    assert corrected.of(evaluation(0.3, "log_loss")) is None  # which did not decide
    assert corrected.of(evaluation(float("nan"))) is None
    without = replace(corrected, corrected=Estimate.without_interval(0.7, n=9, reason="too few"))
    found = without.of(evaluation(0.77))
    assert found is not None
    assert (found.has_interval, found.value) == (False, pytest.approx(0.72))


def test_of_one_candidate_nothing_changes() -> None:
    for seed in range(5):
        found = correct(candidates(seed, [SKILL]), "roc_auc", 0.95)
        assert found.corrected.value == pytest.approx(found.best, abs=0.006)


def test_where_one_is_far_better_nothing_is_taken_away() -> None:
    found = correct(candidates(0, [0.0] * 10 + [3.0]), "log_loss", 0.95)
    assert found.corrected.value == pytest.approx(found.best, abs=0.01)
    assert found.corrected.low < found.best < found.corrected.high


def test_rows_that_go_together_are_drawn_together() -> None:
    alone = candidates(0, [SKILL] * 3, copies=5)
    together = [replace(each, clusters=np.arange(N) // 5) for each in alone]
    wrong, right = (correct(each, "roc_auc", 0.95).corrected for each in (alone, together))
    assert right.high - right.low > 1.5 * (wrong.high - wrong.low)


def test_where_nothing_can_be_left_out_there_is_no_interval_and_it_says_so() -> None:
    found = correct([each.take(np.arange(2)) for each in candidates(0, [1.0] * 3)], "roc_auc", 0.95)
    assert not found.corrected.has_interval
    assert found.corrected.reason == (
        "too few resamples leave out rows that the metric can be computed on"
    )
