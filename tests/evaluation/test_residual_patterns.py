"""Residuals without a pattern are left alone, whatever their law; planted patterns are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict

import assay
from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome
from assay.evaluation.residual_patterns import LEVEL, normal_share, residual_patterns
from assay.evaluation.time_blocks import time_blocks
from assay.tracking.memory import MemoryStore

Random = np.random.Generator
REPETITIONS = 200
MOST = LEVEL + 3 * (LEVEL * (1 - LEVEL) / REPETITIONS) ** 0.5
"""What a true level of 5 % exceeds once in 700 times."""


def outcome(error: np.ndarray, predicted: np.ndarray, **more: np.ndarray) -> Outcome:
    rows = np.arange(len(error)) * 3
    return Outcome(Task.REGRESSION, rows, predicted + error, values=predicted, **more)


def told(made: Outcome) -> set[str]:
    found = residual_patterns(made)
    assert found is not None
    return {name for name in ("bias", "spread", "tails", "order") if getattr(found, name)}


def alarms(draw: Callable[[Random], Outcome]) -> dict[str, float]:
    """How often each pattern is told."""
    every = [told(draw(np.random.default_rng(seed))) for seed in range(REPETITIONS)]
    names = ("bias", "spread", "tails", "order")
    return {
        "any": sum(map(bool, every)) / REPETITIONS,
        **{name: sum(name in each for each in every) / REPETITIONS for name in names},
    }


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("law", ["normal", "lognormal"])
def test_clean_residuals_are_left_alone(n: int, law: str) -> None:
    def draw(random: Random) -> Outcome:
        predicted = getattr(random, law)(size=n)
        return outcome(random.normal(size=n), predicted, times=random.integers(0, 30, n) * 1.0)

    assert alarms(draw)["any"] <= MOST


def test_one_pattern_is_not_taken_for_another() -> None:
    def heavy(random: Random) -> Outcome:
        return outcome(random.standard_t(3, 500), random.normal(size=500))

    def spreading(random: Random) -> Outcome:
        predicted = np.cumsum(random.normal(size=500))  # so that calm and wild stretches alternate
        ranks = np.argsort(np.argsort(predicted)) / 500
        return outcome(random.normal(size=500) * (0.2 + 2 * ranks), predicted)

    found = alarms(heavy)
    assert max(found[name] for name in ("bias", "spread", "order")) <= MOST
    found = alarms(spreading)
    assert found["spread"] == 1
    assert max(found[name] for name in ("bias", "order")) <= MOST


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_neighbours_that_err_alike_beside_predictions_that_do_are_only_that(rho: float) -> None:
    def draw(random: Random) -> Outcome:
        predicted = np.cumsum(random.normal(size=500))
        error = lfilter([1], [1, -rho], random.normal(size=600))[100:]
        return outcome(error, predicted)

    def dated(random: Random) -> Outcome:
        made, times = draw(random), np.arange(500.0)
        return replace(made, times=times, clusters=time_blocks(times), design=Design.TIME)

    for each in (draw, dated):
        found = alarms(each)
        assert found["order"] == 1
        assert max(found["bias"], found["spread"]) <= MOST


def test_rows_of_groups_are_not_taken_for_independent_ones() -> None:
    def draw(random: Random) -> Outcome:
        clusters = np.repeat(np.arange(80), 10)
        effects, levels = random.normal(size=(2, 80))
        error = effects[clusters] + 0.5 * random.normal(size=800)
        return outcome(error, levels[clusters] + 0.1 * random.normal(size=800), clusters=clusters)

    assert alarms(draw)["any"] <= MOST
    assert alarms(lambda random: replace(draw(random), clusters=None))["any"] > 0.9


def test_rows_weigh() -> None:
    random = np.random.default_rng(0)
    predicted, error = random.normal(size=600), random.normal(size=600)
    curved = np.arange(600) % 2 == 0
    error[curved] += predicted[curved] ** 2
    assert "bias" in told(outcome(error, predicted, weights=np.where(curved, 1.0, 0.01)))
    assert "bias" not in told(outcome(error, predicted, weights=np.where(curved, 0.001, 1.0)))


def test_rows_of_no_weight_are_as_if_they_were_not_there() -> None:
    random = np.random.default_rng(0)
    predicted, error = random.normal(size=300), random.normal(size=300)
    weighs = predicted > np.quantile(predicted, 0.3)
    error[~weighs] = 50
    found = residual_patterns(outcome(error, predicted, weights=weighs * 2.0))
    kept = outcome(error[weighs], predicted[weighs], weights=np.full(weighs.sum(), 2.0))
    assert found == residual_patterns(kept)
    assert residual_patterns(outcome(error, predicted, weights=(np.arange(300) < 49) * 1.0)) is None


@pytest.mark.parametrize(("n", "most"), [(50, 1), (101, 2), (1000, 10)])
def test_the_normal_share_is_that_of_as_many_rows(n: int, most: int) -> None:
    squares = np.sort(np.random.default_rng(0).normal(size=(4000, n)) ** 2, axis=1)
    drawn = squares[:, -most:].sum(axis=1) / squares.sum(axis=1)
    error = drawn.std() / 4000**0.5
    assert normal_share(n, most) == pytest.approx(drawn.mean(), abs=4 * error)
    errors = np.append(np.random.default_rng(1).normal(size=n - 1), 30.0)
    tails = residual_patterns(outcome(errors, np.random.default_rng(2).normal(size=n))).tails
    assert (tails.n, tails.of, tails.normal) == (most, n, normal_share(n, most))


@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_a_model_of_the_right_form_has_no_pattern(signal: float) -> None:
    def draw(random: Random) -> Outcome:
        features = random.normal(size=(200, 2))
        truth = signal * features[:, 0] + random.normal(size=200)
        folds = KFold(5, shuffle=True, random_state=0)
        said = cross_val_predict(LinearRegression(), features, truth, cv=folds)
        return outcome(truth - said, said)

    assert alarms(draw)["any"] <= MOST


def test_what_is_planted_is_told_with_its_size() -> None:
    random = np.random.default_rng(1)
    predicted, normal = random.uniform(0, 10, 2000), random.normal(size=2000)
    clean = residual_patterns(outcome(normal, predicted))
    assert clean is not None
    assert (clean.looked_at, clean.bias, clean.spread, clean.tails, clean.order) == (4, *[None] * 4)

    bent = residual_patterns(outcome(normal + 0.05 * (predicted - 5) ** 2 - 0.4, predicted)).bias
    assert bent.p < 0.001
    assert bent.explained == pytest.approx(0.12, abs=0.03)
    assert bent.means[0] > 0.3 > -0.3 > bent.means[2]
    np.testing.assert_allclose(bent.residual, 0.05 * (bent.predicted - 5) ** 2 - 0.4, atol=0.25)

    wide = residual_patterns(outcome(normal * (1 + predicted), predicted))
    assert wide.spread.deviations == pytest.approx((2.1, 4, 6, 8, 10), rel=0.1)
    assert wide.tails is None, "a normal error of another scale has no heavy tail"

    errors = normal.copy()
    errors[::100] = 12
    tails = residual_patterns(outcome(errors, predicted)).tails
    assert (tails.n, tails.above) == (20, 1.0)
    assert tails.share == pytest.approx(144 / (144 + 99), abs=0.03)
    assert tails.kurtosis > 20


def test_order_is_that_of_time_where_it_is_known() -> None:
    random = np.random.default_rng(2)
    error = np.empty(1000)
    error[0] = 0
    for at in range(1, 1000):
        error[at] = 0.5 * error[at - 1] + random.normal()
    predicted = random.normal(size=1000)
    order = residual_patterns(outcome(error, predicted)).order
    assert order.correlations[:3] == pytest.approx((0.5, 0.25, 0.125), abs=0.08)
    assert (order.n, order.by_time, len(order.correlations)) == (1000, False, 10)
    mixed = random.permutation(1000)
    shuffled = outcome(error[mixed], predicted[mixed])
    assert residual_patterns(shuffled).order is None
    dated = residual_patterns(replace(shuffled, times=mixed * 1.0)).order
    assert dated.correlations == pytest.approx(order.correlations)
    assert dated.by_time


def test_rows_in_the_order_of_their_target_say_nothing_of_neighbours() -> None:
    random = np.random.default_rng(3)
    truth = np.sort(random.normal(size=500))
    predicted = 0.5 * truth + 0.5 * random.normal(size=500)
    rows = np.arange(500)
    found = residual_patterns(Outcome(Task.REGRESSION, rows, truth, values=predicted))
    assert found.looked_at == 3
    assert found.order is None


def test_where_nothing_can_be_told_nothing_is() -> None:
    random = np.random.default_rng(4)
    error, predicted = random.normal(size=(2, 60))
    assert residual_patterns(outcome(error[:49], predicted[:49])) is None
    assert residual_patterns(outcome(error, predicted, clusters=np.arange(60) // 2)) is None
    assert residual_patterns(outcome(np.zeros(60), predicted)) is None
    assert residual_patterns(outcome(error, np.ones(60))).looked_at == 2, "tails and order"


def test_times_stay_with_their_rows() -> None:
    made = outcome(np.ones(4), np.ones(4), times=np.array([3.0, 1.0, 2.0, 0.5]))
    assert made.on_rows([3, 9]).times.tolist() == [1.0, 0.5]


def test_training_hands_on_the_times_and_the_page_tells_what_follows() -> None:
    random = np.random.default_rng(5)
    level = np.convolve(random.normal(size=430), np.ones(30) / 30**0.5, "valid")
    frame = pd.DataFrame({"x": random.normal(size=401)}).assign(y=lambda its: its["x"] + level)
    frame["when"] = pd.date_range("2024-01-01", periods=401)
    settings = {"data": {"roles": {"time": "when"}}, "training": {"seeds": 1}}
    mixed = frame.sample(frac=1, random_state=0)
    run = assay.train(mixed, target="y", learner="linear", settings=settings, store=MemoryStore())
    assert run.report is not None
    page = run.report.read_text(encoding="utf-8")
    assert "Rows that are next to each other in time err alike" in page
    assert "intervals allow for that, neighbours in time are drawn together" in page
    assert "too narrow" not in page
