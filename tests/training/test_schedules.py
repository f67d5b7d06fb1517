"""The rate is a function of the optimizer step, with the ends and the shape that were asked for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.training.order import Bounds
from assay.training.schedules import Schedule, optimizer_steps, peak_rate
from assay.training.settings import LoopSettings

KINDS = ["cosine", "linear", "step", "one-cycle", "constant"]
ENDING = ["cosine", "linear", "one-cycle"]


@given(st.sampled_from(KINDS), st.integers(1, 300), st.floats(0, 0.9))
def test_it_rises_to_the_peak_at_the_end_of_the_warm_up_and_never_rises_again(
    kind: str, total: int, warmup: float
) -> None:
    settings = LoopSettings(schedule=kind, warmup=warmup, drops=(0.91, 0.95))
    schedule = Schedule(settings, total)
    rates = [schedule.rate(step, 1e-3) for step in range(total)]
    top = schedule.warmup_steps - 1
    assert schedule.warmup_steps == max(1, round(warmup * total))
    assert all(0 < rate <= 1e-3 for rate in rates)
    assert rates[top] == 1e-3
    assert all(a < b for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in itertools.pairwise(rates[top:]))


@given(st.sampled_from(ENDING), st.integers(1, 300))
def test_the_last_step_has_the_final_rate_and_so_have_those_after_it(kind: str, total: int) -> None:
    settings = LoopSettings(schedule=kind, warmup=0.1, final_rate=1e-6)
    schedule = Schedule(settings, total + 30)
    assert schedule.rate(total + 29, 1e-3) == pytest.approx(1e-6, rel=1e-9)
    assert schedule.rate(total + 99, 1e-3) == schedule.rate(total + 29, 1e-3)


@given(st.sampled_from(KINDS), st.integers(1, 99), st.integers(0, 120), st.floats(1e-6, 1.0))
def test_a_group_keeps_its_ratio_to_the_peak(
    kind: str, total: int, step: int, ratio: float
) -> None:
    schedule = Schedule(LoopSettings(schedule=kind), total)
    full = schedule.rate(step, 1e-3)
    assert schedule.rate(step, 1e-3 * ratio) == pytest.approx(full * ratio, rel=1e-12)


def test_a_cosine_is_at_half_its_height_halfway_down() -> None:
    schedule = Schedule(LoopSettings(warmup=0, final_rate=0), 101)
    assert schedule.share(50) == pytest.approx(0.5)
    assert schedule.share(25) == pytest.approx((1 + 0.5**0.5) / 2)


def test_a_line_goes_down_by_as_much_in_each_step() -> None:
    schedule = Schedule(LoopSettings(schedule="linear", warmup=0, final_rate=0), 101)
    assert [schedule.share(step) for step in (0, 25, 50, 100)] == [1.0, 0.75, 0.5, 0.0]


def test_a_warm_up_is_a_line_whose_first_step_is_not_at_nothing() -> None:
    schedule = Schedule(LoopSettings(warmup=0.1), 100)
    assert [schedule.share(step) for step in range(10)] == [(i + 1) / 10 for i in range(10)]


def test_stairs_go_down_where_the_drops_are() -> None:
    schedule = Schedule(LoopSettings(schedule="step", warmup=0, drops=(0.75, 0.5)), 8)
    assert [schedule.share(step) for step in range(8)] == pytest.approx(
        [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_one_cycle_rises_for_three_tenths_from_a_25th_unless_told_otherwise() -> None:
    usual = Schedule(LoopSettings(schedule="one-cycle"), 1000)
    assert usual.warmup_steps == 300
    assert usual.share(0) == pytest.approx(1 / 25, rel=0.01)
    assert Schedule(LoopSettings(schedule="one-cycle", warmup=0.1), 1000).warmup_steps == 100
    assert Schedule(LoopSettings(), 1000).warmup_steps == 50


@pytest.mark.parametrize("kind", KINDS)
def test_rates_are_the_same_however_the_batch_is_cut_into_micro_batches(kind: str) -> None:
    n = 1000
    rates = []
    for size, parts in [(128, 1), (32, 4), (64, 2)]:
        settings = LoopSettings(
            schedule=kind, batch_size=size, accumulate=parts, epochs=3, reference_batch=32
        )
        total = optimizer_steps(settings, len(Bounds(n, size)))
        schedule = Schedule(settings, total)
        rates.append([schedule.rate(step, peak_rate(settings)) for step in range(total)])
    assert len(rates[0]) == 24
    assert max(rates[0]) == 4e-3
    assert rates[0] == rates[1] == rates[2]


def test_a_number_of_steps_stands_in_place_of_epochs() -> None:
    assert optimizer_steps(LoopSettings(steps=7, epochs=100), 3) == 7
