"""Metrics of some rows are drawn as those of all rows are: a segment of all is no other thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.evaluation.intervals import replicate
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.time_blocks import time_blocks
from assay.segments.sampled import Sampled, apart, sampled


def in_time(n: int, related: float = 0.9) -> Outcome:
    """Errors that are close to those before them, so that blocks of neighbours are related too."""
    random = np.random.default_rng(4)
    errors = lfilter([1], [1, -related], random.normal(size=n))
    return Outcome(
        Task.REGRESSION, np.arange(n), errors, values=np.zeros(n),
        clusters=time_blocks(np.arange(n)), design=Design.TIME,
    )  # fmt: skip


def case_control(n: int, positive: int) -> Outcome:
    random, truth = np.random.default_rng(1), (np.arange(n) < positive).astype(np.int64)
    said = np.clip(0.2 + 0.4 * truth + 0.2 * random.normal(size=n), 0.01, 0.99)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - said, said]),
        (said > 0.4).astype(np.int64), design=Design.CLASSES,
    )  # fmt: skip


def part_of(outcome: Outcome, rows: np.ndarray, name: str) -> Sampled:
    [[found]] = sampled(outcome, [rows], [METRICS[outcome.task][name]], 400)
    return found


@pytest.mark.parametrize(
    ("outcome", "name", "method"),
    [
        (in_time(600), "mae", "time-block bootstrap"),
        (replace(in_time(600), design=Design.CHANCE), "mae", "cluster bootstrap"),
        (case_control(600, 60), "log_loss", "stratified bootstrap"),
    ],
)
def test_a_segment_of_all_rows_has_their_interval(outcome: Outcome, name: str, method: str) -> None:
    [whole] = replicate([outcome], 400, [name])
    expected = whole.estimate(name, 0.95)
    found = part_of(outcome, np.ones(600, dtype=bool), name).estimate(0.95)
    assert (found.method, expected.method) == (method, method)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


@pytest.mark.parametrize(
    ("outcome", "name", "reason"),
    [
        (in_time(100), "mae", "100 rows one after the other in time are too few for one"),
        (case_control(400, 10), "log_loss", "class yes has only 10 rows"),
    ],
)
def test_what_all_rows_cannot_tell_some_cannot(outcome: Outcome, name: str, reason: str) -> None:
    [whole] = replicate([outcome], 400, [name])
    assert whole.estimate(name, 0.95).reason == reason
    most = np.arange(len(outcome)) < 0.9 * len(outcome)
    assert part_of(outcome, most, name).estimate(0.95).reason == reason


def test_parts_of_time_differ_by_more_than_unrelated_blocks_would() -> None:
    outcome, late = in_time(3600, 0.98), np.arange(3600) >= 1800
    parts = [part_of(outcome, rows, "mae") for rows in (late, ~late)]
    known = apart(*parts, 0.95)
    assert known.method == "time-block bootstrap"
    unrelated = [replace(each, sampling=replace(each.sampling, in_time=False)) for each in parts]
    narrow = apart(*unrelated, 0.95)
    assert known.high - known.low > 1.1 * (narrow.high - narrow.low)


def test_blocks_that_a_segment_skips_lie_between_no_neighbours() -> None:
    """Of rows of every other block none is next to another, whatever these have in common."""
    outcome = in_time(6000)
    every_other = outcome.clusters % 2 == 0
    found = part_of(outcome, every_other, "mae")
    unrelated = replace(found, sampling=replace(found.sampling, in_time=False))
    assert found.estimate(0.95).low == unrelated.estimate(0.95).low
