"""Laws of the confidence sequences: what they promise holds, and they are what the papers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammainc, gammaln

from assay.serving.traffic.comparison import Design, Steps, Sums
from assay.serving.traffic.evidence import log_evidence_of_rate, mismatch_p_value
from assay.serving.traffic.sequence import Boundary

REPETITIONS, N = 200, 2000


@pytest.mark.parametrize(("total", "squares"), [(3.0, 10.0), (20.0, 40.0), (-5.0, 30.0)])
def test_the_evidence_is_the_integral_that_it_is_said_to_be(total: float, squares: float) -> None:
    boundary = Boundary(reach=2.0, aim=50.0)
    doubt = 2 * np.log(1 / 0.05)
    shape = 50.0 / (doubt + np.log1p(doubt)) / 4
    constant = shape * np.log(shape) - gammaln(shape) - np.log(gammainc(shape, shape))

    def weighted(x: float) -> float:
        density = np.exp(constant + (shape - 1) * np.log(1 - x) - shape * (1 - x))
        return float(density * np.exp(x * total / 2 - (-np.log(1 - x) - x) * squares / 4))

    expected = np.log(quad(weighted, 0, 1)[0])
    assert boundary.evidence(total, squares) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0.5, 50), st.floats(1, 1e5), st.floats(0, 1e6), st.floats(0.8, 0.999))
@settings(max_examples=60, deadline=None)
def test_the_boundary_is_where_the_evidence_reaches_its_threshold(
    reach: float, aim: float, squares: float, level: float
) -> None:
    boundary = Boundary(reach, aim, level)
    at = float(boundary.at(squares))
    assert boundary.evidence(at, squares) >= boundary.threshold - 1e-6
    assert boundary.evidence(at * (1 - 1e-6), squares) <= boundary.threshold + 1e-6
    assert float(boundary.at(squares * 2 + 1)) > at, "it grows with what was seen"
    assert float(Boundary(reach, aim, (1 + level) / 2).at(squares)) > at, "and with the level"


def drawn(random: np.random.Generator, share: float, first: float, second: float) -> Steps:
    is_other = random.random(N) < share
    losses = (random.random(N) < np.where(is_other, second, first)).astype(float)
    return Design(share).of_units(losses, is_other, Sums())


@pytest.mark.parametrize(("share", "first", "second"), [(0.1, 0.1, 0.1), (0.5, 0.3, 0.4)])
def test_the_interval_never_leaves_the_truth_out_in_95_of_100(
    share: float, first: float, second: float
) -> None:
    random, missed = np.random.default_rng(0), 0
    boundary, plain = Design(share).boundary, 0
    for _ in range(REPETITIONS):
        steps = drawn(random, share, first, second)
        truth = second - first
        off_by = np.abs(steps.values - truth * steps.n)
        missed += bool((boundary.evidence(off_by, steps.squares) > boundary.threshold).any())
        error = np.sqrt(steps.squares) / steps.n
        off = np.abs(steps.values / steps.n - truth)[100:] > 1.96 * error[100:]
        plain += bool(off.any())
    assert missed / REPETITIONS <= 0.05
    assert plain / REPETITIONS > 0.1, "a plain interval does: the test can fail"


def test_a_pair_is_worth_many_units() -> None:
    random = np.random.default_rng(1)
    first = random.random(N) < 0.10
    second = np.where(random.random(N) < 0.05, random.random(N) < 0.9, first)
    paired, shared = Design(None), Design(0.1)
    of_pairs = paired.of_pairs(first.astype(float), second.astype(float), Sums())
    is_other = random.random(N) < 0.1
    of_units = shared.of_units(np.where(is_other, second, first).astype(float), is_other, Sums())
    widths = [
        np.subtract(*design.interval(N, steps.values[-1], steps.squares[-1])[:0:-1])
        for design, steps in ((paired, of_pairs), (shared, of_units))
    ]
    assert widths[0] < widths[1] / 3
    assert paired.is_above(of_pairs.last, 0.0)
    assert not paired.is_above(of_pairs.last, 0.2)
    assert not paired.is_above(Sums(), 0.0)


@pytest.mark.parametrize("share", [0.2, None])
def test_sums_go_on_where_they_were(share: float | None) -> None:
    random = np.random.default_rng(2)
    losses, other = random.random((2, 500))
    is_other = random.random(500) < 0.2
    design = Design(share)

    def steps(part: slice, before: Sums) -> Steps:
        if share is None:
            return design.of_pairs(losses[part], other[part], before)
        return design.of_units(losses[part], is_other[part], before)

    whole = steps(slice(None), Sums())
    first = steps(slice(0, 123), Sums())
    nothing = steps(slice(123, 123), first.last)
    second = steps(slice(123, 500), nothing.last)
    assert second.last.n == whole.last.n
    assert second.values[-1] == pytest.approx(whole.values[-1], abs=1e-9)
    assert second.squares[-1] == pytest.approx(whole.squares[-1], abs=1e-9)
    assert np.concatenate([first.n, second.n]).tolist() == whole.n.tolist() == list(range(1, 501))


def test_as_many_more_as_are_asked_for_do_tell() -> None:
    design = Design(0.5)
    last = Sums((1000, 1000), (100.0, 130.0), 60.0, 800.0)
    more = design.needed(last)
    assert more is not None
    for n, tells in ((N + more, True), (N + 0.9 * more, False)):
        of_values, of_squares = last.values * n / N, last.squares * n / N
        assert (of_values >= design.boundary.at(of_squares) * 0.999) == tells
    told = drawn(np.random.default_rng(3), 0.5, 0.1, 0.9)
    assert design.needed(told.last) is None, "it is told already"
    assert design.needed(Sums((500, 500), (50.0, 50.0), 0.0, 100.0)) is None, "about nothing"
    assert design.needed(Sums()) is None


def test_a_rate_at_its_limit_is_seldom_told_to_be_above_it() -> None:
    random, limit, alarms = np.random.default_rng(4), 0.05, 0
    for _ in range(REPETITIONS):
        places = np.flatnonzero(random.random(N) < limit) + 1
        found = [log_evidence_of_rate(k, int(n), limit) for k, n in enumerate(places, start=1)]
        alarms += max(found) >= np.log(100)
    assert alarms / REPETITIONS <= 0.01
    assert log_evidence_of_rate(3, 3, 0.01) >= np.log(100), "three failures in a row are enough"
    assert log_evidence_of_rate(1, 1, 0.01) < np.log(100), "one is not"
    assert log_evidence_of_rate(1, 100, 0.0) == np.inf
    assert log_evidence_of_rate(0, 100, 0.0) == 0.0


def test_shares_that_are_kept_seldom_raise_an_alarm_and_others_do() -> None:
    random, alarms = np.random.default_rng(5), 0
    for _ in range(REPETITIONS):
        counts = np.cumsum(random.random(N) < 0.1)
        n = np.arange(1, N + 1)
        alarms += min(mismatch_p_value([a - b, b], [9, 1]) for a, b in zip(n, counts, strict=True)
                      if a % 50 == 0) < 0.05  # fmt: skip
    assert alarms / REPETITIONS <= 0.05
    assert mismatch_p_value([9400, 600], [0.9, 0.1]) < 1e-6
    assert mismatch_p_value([0, 0], [0.9, 0.1]) == 1.0
