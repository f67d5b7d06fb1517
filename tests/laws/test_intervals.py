"""Law 6: intervals cover at their level, or say that they cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import exp, factorial

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.evaluation import intervals, sampling
from assay.evaluation.intervals import FEWEST_ROWS, replicate, wilson
from assay.evaluation.outcome import Outcome
from assay.evaluation.sampling import POISSON_FROM, Sampling

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


def clustered(random: np.random.Generator, n_clusters: int, mean_size: int = 8) -> Outcome:
    """Clusters of uneven size that differ in how often they are positive and in their scores."""
    members = np.repeat(np.arange(n_clusters), random.poisson(mean_size - 1, n_clusters) + 1)
    n = len(members)
    leaning, shift = random.normal(size=(2, n_clusters))[:, members]
    truth = (random.random(n) < 1 / (1 + np.exp(-leaning))).astype(np.int64)
    score = random.normal(size=n) + 1.5 * truth + shift
    positive = 1 / (1 + np.exp(-score + 0.75))
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"),
        np.column_stack([1 - positive, positive]), (score > 0.75).astype(np.int64),
        clusters=members,
    )  # fmt: skip


def test_related_rows_are_drawn_together_and_intervals_cover() -> None:
    names = ["roc_auc", "accuracy", "log_loss"]
    [true] = replicate([clustered(np.random.default_rng(99), 50_000)], 1, names)
    by_cluster, by_row = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(_REPETITIONS):
        outcome = clustered(np.random.default_rng(seed), 60)
        for hits, drawn in ((by_cluster, outcome), (by_row, replace(outcome, clusters=None))):
            [measured] = replicate([drawn], _RESAMPLES, names)
            for name in names:
                estimate = measured.estimate(name, 0.95)
                hits[name] += estimate.low <= true.values[name] <= estimate.high
    for name in names:
        assert 0.905 <= by_cluster[name] / _REPETITIONS <= 0.985, (name, by_cluster[name])
        # What this is for: as if each row stood for itself, one interval in ten or more misses.
        assert by_row[name] / _REPETITIONS < 0.905, (name, by_row[name])


def test_clusters_of_one_row_are_rows() -> None:
    outcome = drawn(np.random.default_rng(3), 300, 0.4)
    alone = replace(outcome, clusters=np.random.default_rng(0).permutation(300) * 7)
    [rows], [clusters] = replicate([outcome], 400), replicate([alone], 400)
    first, second = rows.estimate("roc_auc", 0.95), clusters.estimate("roc_auc", 0.95)
    assert (first.method, second.method) == ("bootstrap", "cluster bootstrap")
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.15)


def test_many_rows_are_drawn_a_poisson_number_of_times() -> None:
    counts = Sampling(POISSON_FROM, POISSON_FROM).draw((0, 20))
    assert counts.dtype == np.uint8
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)
    shares = np.bincount(counts.ravel(), minlength=9) / counts.size
    np.testing.assert_allclose(shares, [exp(-1) / factorial(k) for k in range(9)], atol=0.002)
    assert not np.array_equal(counts[0], counts[1])


def test_poisson_draws_say_what_multinomial_ones_say(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = drawn(np.random.default_rng(2), 3000, 0.2)
    [exact] = replicate([outcome], 2000)
    monkeypatch.setattr(sampling, "POISSON_FROM", 1)
    [quick] = replicate([outcome], 2000)
    assert quick.values == exact.values
    for name, resampled in exact.resampled.items():
        assert quick.resampled[name].std() == pytest.approx(resampled.std(), rel=0.1), name
        assert abs(quick.resampled[name].mean() - resampled.mean()) < resampled.std() / 10, name


@pytest.mark.parametrize("n", [2000, POISSON_FROM])
def test_any_number_of_threads_gives_the_same_bits(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = drawn(np.random.default_rng(4), n, 0.3)
    [many] = replicate([outcome], 300 if n < POISSON_FROM else 20)
    monkeypatch.setattr(intervals, "ThreadPoolExecutor", partial(ThreadPoolExecutor, 1))
    with threadpool_limits(2):
        [one] = replicate([outcome], 300 if n < POISSON_FROM else 20)
    for name, resampled in many.resampled.items():
        np.testing.assert_array_equal(resampled, one.resampled[name], err_msg=name)


def test_few_clusters_give_no_interval_but_the_reason() -> None:
    outcome = clustered(np.random.default_rng(0), 12, mean_size=40)
    [measured] = replicate([outcome], 200)
    for name in ("roc_auc", "accuracy"):
        assert measured.estimate(name, 0.95).reason == "only 12 groups"
    assert measured.difference(measured, "roc_auc", 0.95).reason == "only 12 groups"


def test_a_class_of_few_clusters_gives_no_interval_either() -> None:
    outcome = drawn(np.random.default_rng(0), 600, 0.2)
    few = np.where(outcome.truth == 1, np.arange(600) % 7, np.arange(600) % 40)
    [measured] = replicate([replace(outcome, clusters=few)], 200)
    assert measured.estimate("recall", 0.95).reason == "class yes is in only 7 groups"


def test_weighted_rows_have_no_wilson_interval() -> None:
    random = np.random.default_rng(0)
    outcome = replace(drawn(random, 400, 0.3), weights=random.gamma(2, 3, 400))
    [measured] = replicate([outcome], 300)
    estimate = measured.estimate("accuracy", 0.95)
    assert estimate.method == "bootstrap"
    right = outcome.truth == outcome.decided
    assert estimate.value == pytest.approx(np.average(right, weights=outcome.weights))
    assert estimate.low < estimate.value < estimate.high
    # Weights say how much a row counts, not how many rows there are.
    [heavier] = replicate([replace(outcome, weights=outcome.weights * 1000)], 300)
    assert heavier.estimate("accuracy", 0.95).low == pytest.approx(estimate.low)


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
