"""Law 6: intervals cover at their level, or say that they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from assay.data.schema import Task
from assay.evaluation.intervals import FEWEST_ROWS, replicate, wilson
from assay.evaluation.outcome import Outcome

_REPETITIONS = 300
_RESAMPLES = 300


def drawn(random: np.random.Generator, n: int, share: float) -> Outcome:
    """Rows of a known law: scores of two normal classes 1.5 apart, decided in the middle."""
    truth = (random.random(n) < share).astype(np.int64)
    score = random.normal(size=n) + 1.5 * truth
    positive = 1 / (1 + np.exp(-score + 0.75))
    probabilities = np.column_stack([1 - positive, positive])
    decided = (score > 0.75).astype(np.int64)
    return Outcome(Task.BINARY, np.arange(n), truth, ("no", "yes"), probabilities, decided)


@pytest.mark.parametrize(("n", "share"), [(120, 0.5), (400, 0.1)])
def test_intervals_cover(n: int, share: float) -> None:
    names = ["roc_auc", "accuracy", "balanced_accuracy", "log_loss"]
    [true] = replicate([drawn(np.random.default_rng(99), 400_000, share)], 1, names)
    hits, given = dict.fromkeys(names, 0), 0
    for seed in range(_REPETITIONS):
        [measured] = replicate([drawn(np.random.default_rng(seed), n, share)], _RESAMPLES, names)
        if measured.too_few is not None:
            continue
        given += 1
        for name in names:
            estimate = measured.estimate(name, 0.95)
            hits[name] += estimate.low <= true.values[name] <= estimate.high
    assert given > 0.9 * _REPETITIONS
    for name in names:
        # 93 to 97 %, give or take two standard errors of this many repetitions
        assert 0.905 <= hits[name] / given <= 0.985, (name, hits[name] / given)


def test_too_few_rows_of_a_class_give_no_interval_but_the_reason() -> None:
    outcome = drawn(np.random.default_rng(0), 200, 0.04)
    n_rare = int(outcome.truth.sum())
    assert n_rare < FEWEST_ROWS
    [measured] = replicate([outcome], 200)
    estimate = measured.estimate("roc_auc", 0.95)
    assert not estimate.has_interval
    assert estimate.reason == f"class yes has only {n_rare} rows"
    assert measured.estimate("accuracy", 0.95).method == "Wilson"


def test_few_rows_give_no_interval_at_all() -> None:
    truth = np.arange(12.0)
    outcome = Outcome(Task.REGRESSION, np.arange(12), truth, values=truth + 1)
    [measured] = replicate([outcome], 200)
    assert measured.estimate("r2", 0.95).reason == "12 rows are too few for one"


def test_a_model_does_not_differ_from_itself() -> None:
    outcome = drawn(np.random.default_rng(0), 300, 0.4)
    first, second = replicate([outcome, outcome], 200)
    apart = second.difference(first, "roc_auc", 0.95)
    assert (apart.value, apart.low, apart.high) == (0, 0, 0)


def test_paired_differences_are_narrower_than_the_intervals_of_either() -> None:
    random = np.random.default_rng(1)
    better = drawn(random, 500, 0.5)
    noise = np.clip(better.probabilities[:, 1] + random.normal(scale=0.02, size=500), 0.01, 0.99)
    worse = Outcome(
        better.task, better.rows, better.truth, better.classes,
        np.column_stack([1 - noise, noise]), better.decided,
    )  # fmt: skip
    first, second = replicate([worse, better], 400)
    apart, alone = second.difference(first, "roc_auc", 0.95), first.estimate("roc_auc", 0.95)
    assert apart.high - apart.low < (alone.high - alone.low) / 2


def test_wilson_is_that_of_the_textbook() -> None:
    # Brown, Cai and DasGupta 2001
    assert wilson(0, 10, 0.95) == pytest.approx((0, 0.27753), abs=1e-5)
    assert wilson(10, 10, 0.95)[1] == 1
