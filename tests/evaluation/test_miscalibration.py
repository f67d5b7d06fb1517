"""Miscalibration: chance is taken off, calibrated probabilities pass, and the kind is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import norm

from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.evaluation.metrics import METRICS
from assay.evaluation.miscalibration import binned, event, miscalibration
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Miscalibration
from assay.evaluation.time_blocks import time_blocks


def drawn(n: int, seed: int, *, sharpness: float = 1.0, shift: float = 0.0, k: int = 2) -> Outcome:
    """Rows whose log odds are stretched or shifted before they are said."""
    random = np.random.default_rng(seed)
    logits = 1.5 * random.normal(size=(n, k))
    truth = (_softmax(logits).cumsum(axis=1) < random.random((n, 1))).sum(axis=1)
    said = _softmax(sharpness * logits + shift * np.eye(k)[-1])
    task = Task.BINARY if k == 2 else Task.MULTICLASS
    labels = ("no", "yes") if k == 2 else tuple("abcdefg"[:k])
    return Outcome(task, np.arange(n), truth, labels, said, said.argmax(axis=1))


def _softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [2, 4])
def test_calibrated_probabilities_pass_and_their_error_is_nothing_on_average(k: int) -> None:
    outcomes = [drawn(300, seed, k=k) for seed in range(120)]
    found = [miscalibration(each, 0.95) for each in outcomes]
    assert sum(each.p < 0.05 for each in found) <= 14, "6 are meant; 14 come in 1 of 500 tries"
    assert sum(each.error.low == 0 for each in found) >= 106
    seen = [binned(each, *event(each)) for each in outcomes]
    plain, debiased = (
        np.array([getattr(each, name) for each in seen]) for name in ("plain", "debiased")
    )
    assert abs(debiased.mean()) < 4 * debiased.std() / 120**0.5
    assert plain.mean() > 10 * plain.std() / 120**0.5, "which the plain error never is"


@pytest.mark.parametrize(
    ("how", "k", "told"),
    [
        ({"sharpness": 2.0}, 2, "too sure of itself: off by"),
        ({"sharpness": 0.5}, 2, "not sure enough of itself: off by"),
        ({"sharpness": 2.0}, 4, "too sure of itself: off by"),
        ({"sharpness": 0.5}, 4, "not sure enough of itself: off by"),
        ({"shift": 1.0}, 2, "says yes too often, 0.6"),
        ({"shift": -1.0}, 2, "says yes too rarely, 0.3"),
        ({}, 2, "no sign of miscalibration (p = "),
    ],
)
def test_the_kind_of_error_is_told(how: dict[str, float], k: int, told: str) -> None:
    found = miscalibration(drawn(2000, 1, k=k, **how), 0.95)
    assert found.verdict.startswith(told), found.verdict
    if how:
        assert found.p < 0.001
        assert 0 < found.error.low < found.error.value < found.error.high
        assert "(p < 0.001)" in found.verdict


@pytest.mark.parametrize("n", [300, 3000])
def test_the_interval_covers_the_error_of_its_bins(n: int) -> None:
    random, covered = np.random.default_rng(0), 0
    for _ in range(100):
        true = 0.5 + 0.4 * np.sin(random.normal(size=n))
        said = np.clip(true + 0.08, 0, 1)
        truth = (random.random(n) < true).astype(int)
        both = np.column_stack([1 - said, said])
        outcome = Outcome(Task.BINARY, np.arange(n), truth, ("no", "yes"), both, truth)
        real = binned(outcome, said, true).plain ** 0.5
        error = miscalibration(outcome, 0.95).error
        covered += error.low <= real <= error.high
    assert covered >= 88, "95 are meant; fewer than 88 come in 1 of 300 tries"


@pytest.mark.parametrize("k", [2, 4])
def test_the_parts_make_up_the_brier_score(k: int) -> None:
    outcome = drawn(500, 0, k=k, sharpness=1.5)
    weighted = replace(outcome, weights=np.random.default_rng(1).gamma(1, 1, 500))
    for each in (outcome, weighted):
        found = miscalibration(each, 0.95)
        whole = found.reliability - found.resolution + found.uncertainty
        assert whole == pytest.approx(METRICS[each.task]["brier"].of(each))
        assert found.resolution > 0
        assert found.reliability > 0
        assert sum(found.said) == 500


def test_rows_of_the_same_probability_stay_together() -> None:
    truth = np.sort(np.arange(400) % 4 == 0).astype(int)
    said = np.full(400, 0.25)
    both = np.column_stack([1 - said, said])
    outcome = Outcome(Task.BINARY, np.arange(400), truth, ("no", "yes"), both, truth)
    found = miscalibration(outcome, 0.95)
    assert (found.error.value, found.p) == (0, 1.0)


def test_copies_of_a_row_are_not_more_evidence() -> None:
    outcome = drawn(300, 3, sharpness=1.25)
    often = np.repeat(np.arange(300), 6)
    copied = replace(
        outcome, rows=np.arange(1800), truth=outcome.truth[often],
        probabilities=outcome.probabilities[often], decided=outcome.decided[often],
    )  # fmt: skip
    grouped = miscalibration(replace(copied, clusters=often), 0.95)
    once, alone = miscalibration(outcome, 0.95), miscalibration(copied, 0.95)
    assert alone.p < 0.01 < 0.05 < grouped.p
    assert grouped.error.high == pytest.approx(once.error.high, abs=0.02)


def in_time(n: int, seed: int, related: float) -> Outcome:
    """Calibrated rows, of which what happens is related to what happened before."""
    random = np.random.default_rng(seed)
    fresh = random.normal(size=n) * (1 - related**2) ** 0.5
    fresh[0] = random.normal()
    said = random.uniform(0.1, 0.9, n)
    truth = (norm.cdf(lfilter([1], [1, -related], fresh)) < said).astype(int)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - said, said]), truth,
        clusters=time_blocks(np.arange(n)), design=Design.TIME,
    )  # fmt: skip


def test_what_follows_in_time_is_tested_with_what_reaches_over_the_edges_of_blocks() -> None:
    alarms, by_block = 0, 0
    for seed in range(300):
        outcome = in_time(200, seed, 0.8)
        alarms += miscalibration(outcome, 0.95).p < 0.05
        by_block += miscalibration(replace(outcome, design=Design.CHANCE), 0.95).p < 0.05
    assert alarms <= 0.09 * 300 < 0.12 * 300 < by_block
    few = miscalibration(in_time(100, 0, 0.5), 0.95)
    assert few.p is None
    assert few.verdict.endswith(": 100 rows one after the other in time are too few for one")
    right = replace(outcome, probabilities=np.eye(2)[outcome.truth])
    assert miscalibration(right, 0.95).error.value == 0


def test_a_row_of_no_weight_is_none() -> None:
    outcome = drawn(400, 0)
    weights = np.repeat([1.0, 0.0], 200)
    kept = miscalibration(outcome.on_rows(range(200)), 0.95)
    weighed = miscalibration(replace(outcome, weights=weights), 0.95)
    assert weighed.p == pytest.approx(kept.p)
    assert weighed.error.value == pytest.approx(kept.error.value)


def test_what_too_few_rows_say_is_said() -> None:
    few = miscalibration(drawn(15, 0), 0.95)
    assert (few.p, few.error.low) == (None, None)
    assert few.verdict == "whether it is calibrated cannot be tested: 15 rows are too few for one"
    sure = drawn(200, 0)
    sure = replace(sure, truth=sure.decided, decided=sure.decided, task=Task.MULTICLASS)
    right = miscalibration(sure, 0.95)
    assert right.error.reason == "only 0 rows are of the rarer kind"
    assert right.verdict.startswith("not sure enough of itself: off by")


def test_it_is_read_back_as_it_was_recorded() -> None:
    found = miscalibration(drawn(300, 0), 0.95)
    assert Miscalibration.from_dict(found.as_dict()) == found
