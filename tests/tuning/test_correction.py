"""The correction: what the best of many is worth, where it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from assay.data.schema import Task
from assay.evaluation.outcome import Outcome
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
