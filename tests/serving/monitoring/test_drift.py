"""Drift: no alarm without reason, however often one looks; what differs is found soon."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import fisher_exact

from assay.checks.counted_shifts import (
    chances_of_shares,
    shifts_of_levels,
    shifts_of_order,
    shifts_of_share,
)
from assay.checks.shifts import shift_of_numbers
from assay.inference.reference import FEATURE, LOSS, Reference, ReferenceColumn
from assay.serving.monitoring.alarms import watch
from assay.serving.monitoring.drift import GAPS, VALUES, level_of, looks_at, since_when
from assay.serving.monitoring.hourly import Hourly

N_COLUMNS = 20


def normal(random: np.random.Generator, n: int = 5000, role: str = FEATURE) -> ReferenceColumn:
    found = ReferenceColumn.of_numbers("x", random.normal(size=n), role)
    assert found is not None
    return found


def hours(
    random: np.random.Generator,
    column: ReferenceColumn,
    rate: int,
    n: int,
    *,
    mean: float = 0.0,
    spread: float = 1.0,
    gaps: float = 0.0,
) -> np.ndarray:
    """Rows by hour and bin of a normal distribution."""
    shares = np.diff(ndtr((np.array([-np.inf, *column.cuts, np.inf]) - mean) / spread))
    return random.multinomial(rate, [*shares * (1 - gaps), gaps], size=n).astype(float)


def reference(*columns: ReferenceColumn) -> Reference:
    estimate = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100, "level": 0.95}
    return Reference(columns, "roc_auc", "out-of-fold", estimate)


def hourly(counts: np.ndarray, column: ReferenceColumn) -> Hourly:
    kept = counts.sum(axis=1)
    return Hourly(480_000, kept, kept, {(column.name, column.role): counts})


@pytest.mark.parametrize(
    ("x", "k", "y", "n"),
    [(17, 1000, 10, 2000), (17, 100, 100, 2000), (60, 100, 600, 2000), (0, 1000, 40, 2000),
     (10, 1000, 0, 2000), (3, 30, 0, 2000), (700, 1000, 1250, 2000), (5, 5000, 6, 200)],
)  # fmt: skip
def test_chances_of_shares_are_near_the_exact_ones_far_out_in_the_tails(
    x: int, k: int, y: int, n: int
) -> None:
    exact = fisher_exact([[x, k - x], [y, n - y]])[1]
    assert 0.5 * exact < chances_of_shares(y, n, x, k) < 6 * exact


def test_shares_that_are_the_same_are_no_surprise() -> None:
    assert chances_of_shares(20, 2000, 10, 1000) == pytest.approx(1.0, abs=1e-5)
    p, size = shifts_of_levels([50, 30, 20, 0], [[5, 3, 2, 0]])
    assert p[0] == pytest.approx(1.0, abs=1e-5)
    assert size[0] == 0.0


def test_counts_say_what_rows_say() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=400), random.normal(0.3, 1.4, size=300)
    edges = np.unique(np.concatenate([ours, theirs]))
    counted = [np.bincount(np.searchsorted(edges, each), minlength=700) for each in (ours, theirs)]
    p, size = shifts_of_order(*counted)
    by_rows = shift_of_numbers(ours, theirs)
    assert (float(p), float(size)) == pytest.approx((by_rows.p, by_rows.size))


@pytest.mark.parametrize("moved", [0.25, 0.5])
@pytest.mark.parametrize("n", [500, 50_000])
def test_the_size_of_a_shift_does_not_grow_with_the_rows(moved: float, n: int) -> None:
    random = np.random.default_rng(1)
    column = normal(random)
    counts = hours(random, column, n, 1, mean=moved)[:, :-1]
    assert shifts_of_order(np.array(column.counts), counts)[1][0] == pytest.approx(moved, abs=0.12)
    small, large = (
        shifts_of_share(60, 2000, np.array([each * 0.12]), np.array([each]))[1][0]
        for each in (500, 50_000)
    )
    assert small == pytest.approx(large)


def test_traffic_like_training_raises_no_alarm_in_months() -> None:
    """Four months of twenty columns, in each of which a tenth of an alarm may be expected."""
    random = np.random.default_rng(2)
    level = level_of(N_COLUMNS)
    alarms, least = 0, []
    for _ in range(4):
        for _ in range(N_COLUMNS):
            column = normal(random)
            counts = hours(random, column, 60, 720, gaps=0.02)
            column = ReferenceColumn.from_dict({**vars(column), "missing": 102})
            looks = looks_at(column, counts, level)
            alarms += sum(each.crosses.any() for each in looks)
            least.append(min(each.p.min() for each in looks))
    assert alarms <= 2
    assert np.median(least) > 1e-5, "chances this small come by chance alone about never"
    assert np.median(least) < 0.05, "and small ones come, where one looks so often"


@pytest.mark.parametrize("rate", [20, 100, 500, 1000])
def test_half_a_deviation_in_one_of_twenty_columns_is_found_within_1000_rows(rate: int) -> None:
    random = np.random.default_rng(3)
    before, after = 48, 1000 // rate
    for _ in range(20):
        column = normal(random)
        honest = hours(random, column, rate, before)
        moved = hours(random, column, rate, after, mean=0.5)
        [values, gaps] = looks_at(column, np.concatenate([honest, moved]), level_of(N_COLUMNS))
        assert not values.crosses[:before].any()
        assert values.crosses[before:].any()
        assert not gaps.crosses.any()


def test_another_spread_and_more_gaps_are_found() -> None:
    random = np.random.default_rng(4)
    column = normal(random)
    counts = hours(random, column, 200, 24, spread=2.0)
    [values, gaps] = looks_at(column, counts, level_of(N_COLUMNS))
    assert (values.crosses[5], gaps.crosses.any()) == (True, False)
    counts = hours(random, column, 200, 24, gaps=0.1)
    [values, gaps] = looks_at(column, counts, level_of(N_COLUMNS))
    assert (values.crosses.any(), gaps.crosses[5], gaps.what) == (False, True, GAPS)


def test_a_shift_that_does_not_matter_raises_no_alarm_however_many_rows_come() -> None:
    random = np.random.default_rng(5)
    column = normal(random)
    counts = hours(random, column, 20_000, 48, mean=0.12)
    [values, _] = looks_at(column, counts, level_of(N_COLUMNS))
    assert values.p.max() < level_of(N_COLUMNS)
    assert not values.crosses.any()


def test_levels_that_each_row_has_alone_raise_no_alarm() -> None:
    """Names, and levels just common enough to be counted: chosen on the rows they are counted on,
    they would seem to vanish."""
    random = np.random.default_rng(6)
    for n_levels in (10**6, 2000, 300):
        drawn = random.integers(0, n_levels, 20_000)
        column = ReferenceColumn.of_levels("x", [f"l{each}" for each in drawn[:8000]], FEATURE)
        bins = column.bins_of([f"l{each}" for each in drawn[8000:]]).reshape(48, 250)
        counts = np.array([np.bincount(each, minlength=len(column.counts) + 1) for each in bins])
        assert not any(each.crosses.any() for each in looks_at(column, counts, level_of(1)))


def test_a_level_that_training_never_saw_is_found() -> None:
    column = ReferenceColumn.of_levels("x", ["a", "b"] * 1000, FEATURE)
    bins = column.bins_of(["a"] * 45 + ["b"] * 45 + ["new"] * 10)
    counts = np.bincount(bins, minlength=4)[None].astype(float)
    [alarm] = watch(reference(column), hourly(counts, column)).alarms
    assert (alarm.level, alarm.before, alarm.after) == ("any other", 0.0, 0.1)
    assert alarm.said == "'x' is another level in 10\u202f% of rows, in training in 0\u202f%."


def test_a_category_without_levels_is_one_without_levels() -> None:
    column = ReferenceColumn.of_levels("x", [None] * 200, FEATURE)
    assert (column.counts, column.missing) == ((0,), 100)
    counts = np.array([[40, 0]], dtype=float)
    found = watch(reference(column), hourly(counts, column))
    assert [each.what for each in found.alarms] == [GAPS]


def test_a_column_that_was_constant_is_watched() -> None:
    column = ReferenceColumn.of_numbers("x", np.full(500, 7.0), FEATURE)
    assert column is not None
    assert column.bins_of([6.9, 7.0, 7.1, None]).tolist() == [0, 1, 2, -1]
    counts = np.array([[0, 60, 40, 0]] * 3, dtype=float)
    assert looks_at(column, counts, level_of(1))[0].crosses.all()


def test_only_a_greater_loss_is_an_alarm() -> None:
    random = np.random.default_rng(7)
    column = normal(random, role=LOSS)
    for mean, cries in ((1.0, True), (-1.0, False)):
        counts = hours(random, column, 200, 5, mean=mean)
        assert looks_at(column, counts, level_of(5))[0].crosses.any() == cries


@pytest.mark.parametrize("rate", [30, 300])
def test_it_is_told_when_a_shift_began(rate: int) -> None:
    random = np.random.default_rng(8)
    found = []
    for _ in range(20):
        column = normal(random)
        counts = np.concatenate(
            [hours(random, column, rate, 100), hours(random, column, rate, 40, mean=0.7)]
        )
        values = looks_at(column, counts, level_of(5))[0]
        raised = int(np.flatnonzero(values.crosses)[0])
        found.append(since_when(column, VALUES, counts, raised, int(values.window_h[raised])))
    assert abs(np.median(found) - 100) <= 2
    assert np.mean(np.abs(np.array(found) - 100) <= 8) >= 0.9


def test_an_alarm_lasts_until_a_day_is_quiet() -> None:
    random = np.random.default_rng(9)
    column = normal(random)
    parts = [(100, 0.0), (10, 1.0), (400, 0.0), (5, 1.0)]
    counts = np.concatenate([hours(random, column, 100, n, mean=mean) for n, mean in parts])
    last, first = watch(reference(column), hourly(counts, column)).alarms
    assert (last.is_open, first.is_open) == (True, False)
    assert (first.raised, last.raised) == (480_100, 480_510)
    assert first.last < 480_150


def test_few_rows_are_told_as_such() -> None:
    column = normal(np.random.default_rng(0))
    counts = hours(np.random.default_rng(1), column, 2, 10, mean=3.0)
    found = watch(reference(column), hourly(counts, column))
    assert found.alarms == ()
    assert not found.columns[0].is_watched


def test_the_shift_of_the_last_week_is_told_after_an_hour_without_rows() -> None:
    random = np.random.default_rng(10)
    column = normal(random)
    counts = hours(random, column, 60, 30, mean=0.5)
    before = watch(reference(column), hourly(counts, column))
    quiet = np.concatenate([counts, np.zeros((5, counts.shape[1]))])
    after = watch(reference(column), hourly(quiet, column))
    assert after.columns[0].size == before.columns[0].size == pytest.approx(0.5, abs=0.12)
    assert after.alarms[0].last == before.alarms[0].last, "an hour without rows is no look"
