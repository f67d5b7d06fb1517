"""A comparison says nothing of a run beside itself, the same from both sides, and rarely errs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.data.schema import Task
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import Replicates, replicate
from assay.evaluation.mcnemar import decisions
from assay.evaluation.metrics import METRICS
from assay.evaluation.needed import rows_needed
from assay.evaluation.outcome import Outcome
from assay.evaluation.simultaneous import level_of_each


def models(random: np.random.Generator, n: int, noises: list[float]) -> list[Outcome]:
    """Models of the same rows, each with noise of its own: the more of it, the worse."""
    best = random.normal(size=n)
    truth = (random.random(n) < 1 / (1 + np.exp(-1.5 * best))).astype(np.int64)
    positive = [1 / (1 + np.exp(-1.5 * (best + noise * random.normal(size=n)))) for noise in noises]
    return [
        Outcome(Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - each, each]),
                (each >= 0.5).astype(np.int64))
        for each in positive
    ]  # fmt: skip


def told(first: Replicates, second: Replicates, metric: str, level: float = 0.95):
    return paired(
        first, second, task=Task.BINARY, metric=metric, level=level, names=("first", "second")
    )


@pytest.mark.parametrize("metric", METRICS[Task.BINARY])
def test_nothing_tells_a_run_from_itself(metric: str) -> None:
    [model] = models(np.random.default_rng(0), 200, [0.5])
    found = told(*replicate([model, replace(model)], 300, [metric]), metric)
    assert (found.better, found.estimate.value) == (None, 0.0)
    assert rows_needed(found.estimate) is None
    [decided] = decisions([model, model])
    assert (decided.only_first, decided.only_second, decided.adjusted) == (0, 0, 1.0)


@pytest.mark.parametrize("metric", METRICS[Task.BINARY])
@pytest.mark.parametrize("noises", [[0.5, 0.5], [2.0, 0.1]])
def test_both_sides_are_told_the_same(metric: str, noises: list[float]) -> None:
    pair = models(np.random.default_rng(1), 300, noises)
    one = told(*replicate(pair, 300, [metric]), metric)
    other = told(*replicate(pair[::-1], 300, [metric]), metric)
    assert other.better == {"first": "second", "second": "first", None: None}[one.better]
    assert other.estimate.value == pytest.approx(-one.estimate.value)
    assert other.estimate.low == pytest.approx(-one.estimate.high, abs=1e-9)
    assert other.estimate.high == pytest.approx(-one.estimate.low, abs=1e-9)
    assert rows_needed(other.estimate) == rows_needed(one.estimate)
    [here], [there] = decisions(pair), decisions(pair[::-1])
    assert (here.only_first, here.p_value) == (there.only_second, there.p_value)


def test_equals_are_rarely_told_apart_one_or_any_of_ten() -> None:
    repetitions, false = 200, {"one": 0, "ten": 0, "McNemar": 0}
    for seed in range(repetitions):
        equal = models(np.random.default_rng([seed, 5]), 150, [0.6] * 11)
        first, *others = replicate(equal, 300, ["log_loss"])
        apart = [each.resampled["log_loss"] - first.resampled["log_loss"] for each in others]
        level = level_of_each(apart, 0.95)
        assert 0.95 < level <= 0.995
        false["one"] += told(first, others[0], "log_loss").better is not None
        false["ten"] += any(told(first, each, "log_loss", level).better for each in others)
        [decided] = decisions(equal[:2])
        false["McNemar"] += decided.p_value < 0.05
    # 5 % and three standard errors of so many repetitions
    most = 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5
    assert all(each / repetitions <= most for each in false.values()), false


def test_one_that_is_better_is_found_among_ten() -> None:
    found = 0
    for seed in range(30):
        mixed = models(np.random.default_rng([seed, 6]), 400, [1.0] * 10 + [0.1])
        first, *others = replicate(mixed, 300, ["log_loss"])
        apart = [each.resampled["log_loss"] - first.resampled["log_loss"] for each in others]
        level = level_of_each(apart, 0.95)
        found += told(first, others[-1], "log_loss", level).better == "second"
    assert found >= 27
