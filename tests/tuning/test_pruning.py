"""Pruning: what is ended and when, and what never is."""

from __future__ import annotations

import numpy as np
import pytest

from assay.tuning.objective import FOLD_STEP
from assay.tuning.pruning import STARTUP_TRIALS, WARMUP_STEPS, falls_behind


def epochs(level: float, n: int = 20) -> dict[int, float]:
    """One fit whose loss falls to a level."""
    return {step: level + 1 / step for step in range(1, n + 1)}


def folds(*scores: float) -> dict[int, float]:
    """Some rounds of the first fold, and the means over the folds so far."""
    means = np.cumsum(scores) / np.arange(1, len(scores) + 1)
    return {1: 9.0, 2: 8.0, **{FOLD_STEP + k: float(mean) for k, mean in enumerate(means)}}


FITS = [{**epochs(level), FOLD_STEP: level} for level in (1.0, 2.0, 3.0, 4.0, 5.0)]
NOISE = np.random.default_rng(0).normal(scale=0.1, size=(STARTUP_TRIALS, 5))
CROSSED = [folds(*(1.0 + 0.2 * n + NOISE[n])) for n in range(STARTUP_TRIALS)]


@pytest.mark.parametrize(("level", "ends"), [(0.5, False), (2.9, False), (3.1, True), (9.0, True)])
def test_of_one_fit_what_is_worse_than_the_median_at_its_epoch_ends(
    level: float, ends: bool
) -> None:
    for n in range(1, 20):
        assert falls_behind(epochs(level, n), FITS) == (ends and n > WARMUP_STEPS)


def test_the_best_epoch_so_far_counts_and_not_the_last() -> None:
    heard = {**epochs(0.5, 6), 7: 100.0}
    assert not falls_behind(heard, FITS)


def test_nothing_ends_before_enough_came_to_their_end() -> None:
    assert not falls_behind(epochs(99.0), FITS[:-1])
    assert not falls_behind(folds(99.0), CROSSED[:-1])
    assert not falls_behind({}, FITS)


def test_within_a_fold_nothing_ends() -> None:
    assert not falls_behind({1: 99.0, 10: 99.0}, CROSSED)


def test_over_folds_what_can_no_longer_catch_up_with_the_best_ends() -> None:
    assert falls_behind(folds(3.0), CROSSED)
    assert not falls_behind(folds(0.9), CROSSED)
    assert not falls_behind(folds(*np.full(5, 3.0)), CROSSED), "it is done"


def test_folds_are_compared_in_pairs() -> None:
    hard = np.array([0.0, 3.0, 0.0, 3.0, 0.0])
    others = [folds(*(hard + 1 + 0.2 * n + NOISE[n] / 10)) for n in range(STARTUP_TRIALS)]
    assert not falls_behind(folds(0.9, 3.9), others), "the second fold is hard for all"
    assert falls_behind(folds(1.9, 4.9), others)


def test_the_further_a_trial_is_the_less_it_takes_to_end_it() -> None:
    behind = np.linspace(0, 0.5, 200)
    least = [
        min(each for each in behind if falls_behind(folds(*(1 + NOISE[0] + each)[:n]), CROSSED))
        for n in range(1, 5)
    ]
    assert least == sorted(least, reverse=True)
    assert least[0] > 1.5 * least[-1]


def test_equal_trials_are_not_ended_and_a_spread_of_zero_is_no_error() -> None:
    same = [folds(1.0, 1.0, 1.0)] * STARTUP_TRIALS
    assert not falls_behind(folds(1.0), same)
    assert falls_behind(folds(1.1), same)
