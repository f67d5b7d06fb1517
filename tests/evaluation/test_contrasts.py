"""What stands beside a paired interval: each equals its formula by hand, or says why it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.mcnemar import decisions, holm, p_values
from assay.evaluation.needed import rows_needed
from assay.evaluation.outcome import Outcome
from assay.evaluation.resampled import over_fits
from assay.evaluation.simultaneous import level_of_each


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 5), (3, 3), (12, 30), (400, 900), (2, 1)])
def test_mcnemar_is_a_toss_of_coins(b: int, c: int) -> None:
    mid, exact = p_values(b, c)
    assert p_values(c, b) == (mid, exact)
    if b + c == 0:
        assert (mid, exact) == (1.0, 1.0)
        return
    assert exact == pytest.approx(stats.binomtest(b, b + c, 0.5).pvalue)
    just = stats.binom.pmf(min(b, c), b + c, 0.5)
    assert mid == pytest.approx(2 * stats.binom.cdf(min(b, c), b + c, 0.5) - just)


def decided(*rights: list[int]) -> list[Outcome]:
    truth = np.ones(len(rights[0]), dtype=np.int64)
    sure = np.tile([0.1, 0.9], (len(truth), 1))
    return [
        Outcome(Task.BINARY, np.arange(len(truth)), truth, ("no", "yes"), sure, np.array(right))
        for right in rights
    ]


def test_rows_are_counted_by_who_decides_them_right() -> None:
    first, second, third = decided([1, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 1, 1, 0, 0])
    found, same = decisions([first, second, third])
    assert (found.both, found.only_first, found.only_second, found.neither) == (1, 2, 1, 1)
    assert (same.only_first, same.only_second, same.p_value) == (0, 0, 1.0)
    assert found.adjusted == min(1.0, 2 * found.p_value)


def test_rows_that_are_no_tosses_of_one_coin_are_not_counted() -> None:
    pair = decided([1, 0], [0, 1])
    for more in ({"clusters": np.array([0, 0])}, {"weights": np.array([1.0, 2.0])}):
        assert decisions([replace(each, **more) for each in pair]) == (None,)
    numbers = Outcome(Task.REGRESSION, np.arange(2), np.ones(2), values=np.ones(2))
    assert decisions([numbers, numbers]) == (None,)


def test_holm_steps_down() -> None:
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
    np.testing.assert_allclose(holm([0.03, 0.01, 0.5, 0.03]), [0.09, 0.04, 0.5, 0.09])


def test_the_corrected_t_test_is_that_of_the_papers() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 3, 5))
    found = over_fits(first.tolist(), (second + 0.8).tolist(), n=100, level=0.9)
    apart = (second + 0.8 - first).ravel()
    error = np.sqrt((1 / 15 + 1 / 4) * apart.var(ddof=1))
    low, high = stats.t.interval(0.9, 14, apart.mean(), error)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(apart.mean()) / error, 14))
    assert (found.folds, found.seeds) == (5, 3)
    plain = stats.ttest_1samp(apart, 0).confidence_interval(0.9)
    assert found.estimate.high - found.estimate.low > 1.5 * (plain.high - plain.low)
    other = over_fits((second + 0.8).tolist(), first.tolist(), n=100, level=0.9)
    assert other.estimate.value == pytest.approx(-found.estimate.value)
    assert other.p_value == pytest.approx(found.p_value)


def test_folds_that_tell_nothing_say_why() -> None:
    same = over_fits([[0.5, 0.6]], [[0.5, 0.6]], n=10, level=0.95)
    assert same.estimate.reason == "it is the same in every fold"
    torn = over_fits([[0.5, float("nan")]], [[0.6, 0.6]], n=10, level=0.95)
    assert torn.estimate.reason == "it is not defined in every fold"
    assert torn.estimate.value == pytest.approx(0.1)


def test_the_common_level_lies_between_one_interval_and_bonferroni() -> None:
    random = np.random.default_rng(0)
    own = random.normal(size=(10, 20_000))
    assert level_of_each([own[0]], 0.95) == 0.95
    sidak = 0.95 ** (1 / 10)
    assert level_of_each(list(own), 0.95) == pytest.approx(sidak, abs=1e-3)
    alike = list(own[0] + 0.05 * own)
    assert 0.95 <= level_of_each(alike, 0.95) < 0.97
    assert level_of_each([own[0]] * 10, 0.95) == pytest.approx(0.95, abs=3e-3)
    nothing = np.zeros(20_000)
    assert level_of_each([nothing, nothing], 0.95) == 0.95
    assert level_of_each([nothing[:0], nothing[:0]], 0.95) == 0.95


def test_so_many_rows_more_would_tell_in_four_of_five_samples() -> None:
    error = 0.01
    seen = Estimate(0.01, 0.01 - 1.96 * error, 0.01 + 1.96 * error, n=1000)
    needed = rows_needed(seen)
    narrowed = error * np.sqrt(1000 / (1000 + needed.more))
    assert stats.norm.sf(1.96 - 0.01 / narrowed) == pytest.approx(0.8, abs=0.01)
    assert needed.said == "About 6,800 more rows would be needed to tell."


def test_rows_are_named_only_where_they_would_tell() -> None:
    assert rows_needed(Estimate(0.02, 0.01, 0.03, n=100)) is None
    assert rows_needed(Estimate.without_interval(0.1, n=5, reason="few")) is None
    nothing = rows_needed(Estimate(0.001, -0.02, 0.022, n=100))
    assert nothing.more is None
    assert nothing.said.endswith("cannot be said: the difference is about nothing.")
    assert rows_needed(Estimate(1.0, -1e-9, 2.0, n=100)).more > 0
