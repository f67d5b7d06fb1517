"""Later rows that differ are found, with columns and rows; honest ones are let be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assay.checks.as311_schema_change import SchemaChange
from assay.checks.as312_new_categories import NewCategories, new_levels
from assay.checks.as313_covariate_drift import CovariateDrift
from assay.checks.as314_concept_drift import ConceptDrift
from assay.checks.shifts import shift_of_numbers, thinning
from assay.data.schema import Task
from assay.findings import Severity
from tests.checks.preparing import turned
from tests.contracts.handed import Handed, look_at, parted
from tests.tables import table


def whole(n: int = 900, seed: int = 0) -> Handed:
    frame = table(Task.BINARY, n, seed)
    frame["weight"] = np.random.default_rng(seed).lognormal(3, 0.5, n)
    return parted(frame)


def with_test(handed: Handed, **columns: object) -> Handed:
    return replace(handed, test=handed.test.assign(**columns))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda rows: rows.drop(columns="weight"), "no column"),
        (lambda rows: rows.rename(columns={"weight": "Weight_1"}), "is called 'Weight_1'"),
        (lambda rows: rows.astype({"weight": str}), "numbers in training and text"),
        (lambda rows: rows.assign(weight=np.nan), "no value that can be read"),
        (lambda rows: rows.assign(weight=rows["weight"] / 1000), "divided by 1000"),
        (lambda rows: rows.assign(weight=rows["weight"] * 2.204623), "pounds and kilograms"),
    ],
)
def test_each_change_of_a_column_is_named(change: object, what: str) -> None:
    handed = whole()
    [finding] = look_at(SchemaChange(), replace(handed, test=change(handed.test)))  # type: ignore[operator]
    assert finding.severity is Severity.WARN
    assert finding.columns == ("weight",)
    assert what in finding.title


def test_another_spelling_is_a_change_and_no_new_category() -> None:
    handed = whole()
    kind = handed.test["kind"].copy()
    kind.iloc[[3, 8]] = [" Red", "GREEN"]
    respelt = with_test(handed, kind=kind)
    [finding] = look_at(SchemaChange(), respelt)
    assert finding.rows == {"test": (3, 8)}
    assert look_at(NewCategories(), respelt) == []


def test_serving_rows_are_compared_too() -> None:
    handed = whole()
    codes = np.where(np.arange(len(handed.test)) % 2, "violet", "grey")
    serving = handed.test.drop(columns=["y", "a"]).assign(kind=codes, c=handed.test["c"] + 1)
    served = replace(handed, given={"serving": serving})
    [absent, coded] = look_at(SchemaChange(), served)
    assert (absent.columns, absent.severity) == (("a",), Severity.WARN)
    assert "serving" in absent.title
    assert (coded.columns, coded.severity) == (("kind",), Severity.ASK)
    [drift] = look_at(CovariateDrift(), served)
    assert drift.columns == ("c",)
    assert drift.rows == {}


def test_a_shift_is_no_unit() -> None:
    handed = whole()
    assert look_at(SchemaChange(), with_test(handed, weight=handed.test["weight"] + 30)) == []


def test_new_levels_name_their_rows_and_rare_ones_do_not_count() -> None:
    handed = whole()
    kind = handed.test["kind"].copy()
    kind.iloc[10:30] = "violet"
    kind.iloc[31] = "grey"
    [finding] = look_at(NewCategories(), with_test(handed, kind=kind))
    assert finding.severity is Severity.WARN
    assert finding.rows["test"] == tuple(range(10, 30))
    assert finding.evidence["rows with rarer new values, as chance makes them"] == 1


def test_ids_and_rare_levels_are_new_by_nature() -> None:
    random = np.random.default_rng(0)
    for most in (5, 50, 500, 100_000):
        levels = pd.Series(random.zipf(1.3, 3000).clip(max=most).astype(str))
        ids = pd.Series(np.arange(3000).astype(str))
        for values in (levels, ids):
            assert new_levels({"x": (values[:2100], values[2100:])}) == []


def test_what_comes_later_in_time_is_noted_only() -> None:
    handed = whole()
    days = pd.date_range("2024-01-01", periods=900, freq="h")
    kind = handed.test["kind"].copy()
    kind.iloc[10:60] = "violet"
    timed = replace(
        with_test(handed, kind=kind, c=handed.test["c"] + 1, day=days[630:]),
        train=handed.train.assign(day=days[:630]),
    )
    for check in (NewCategories(), CovariateDrift()):
        [finding] = look_at(check, timed)
        assert finding.severity is Severity.NOTE
        assert "divided by day" in finding.title


def test_a_shift_of_a_third_of_a_deviation_is_found_in_its_columns_only() -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(3000, 10))).add_prefix("x")
    frame["y"] = np.where(frame["x0"] + random.normal(size=3000) > 0, "yes", "no")
    handed = parted(frame)
    assert look_at(CovariateDrift(), handed) == []
    [finding] = look_at(CovariateDrift(), with_test(handed, x3=handed.test["x3"] + 0.35))
    assert (finding.columns, finding.severity) == (("x3",), Severity.WARN)


def test_more_gaps_and_other_shares_are_drift() -> None:
    handed = whole(3000)
    random = np.random.default_rng(0)
    c = handed.test["c"].where(random.random(900) > 0.25)
    kind = handed.test["kind"].where(random.random(900) > 0.3, "red")
    [finding] = look_at(CovariateDrift(), with_test(handed, c=c, kind=kind))
    assert set(finding.columns) == {"c", "kind"}
    assert "missing" in finding.title


def test_a_hundred_thousand_rows_make_no_drift_of_a_tenth_of_a_deviation() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=50_000), random.normal(0.1, size=50_000)
    shift = shift_of_numbers(ours, theirs)
    assert shift.p < 1e-10
    assert 0.07 < shift.size < 0.13


@pytest.mark.parametrize("moved", [0.25, 0.5, 1.0])
def test_the_size_of_a_shift_is_in_standard_deviations(moved: float) -> None:
    random = np.random.default_rng(1)
    shift = shift_of_numbers(random.normal(size=20_000), random.normal(moved, size=20_000))
    assert shift.size == pytest.approx(moved, abs=0.04)


def test_rows_of_groups_say_less() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 20)
    assert thinning(random.normal(size=2000), groups) == pytest.approx(1, abs=0.35)
    assert thinning(random.normal(size=100)[groups], groups) == pytest.approx(20)


def test_classes_drawn_otherwise_are_one_thing_to_ask_about() -> None:
    frame = table(Task.BINARY, 4000)
    train, test = frame.iloc[:2800], frame.iloc[2800:].reset_index(drop=True)
    some = pd.concat([train[train["y"] == "yes"], train[train["y"] == "no"].iloc[:500]])
    [finding] = look_at(CovariateDrift(), Handed(some.reset_index(drop=True), test))
    assert finding.severity is Severity.ASK
    assert finding.columns == ("y",)


@pytest.mark.parametrize("seed", range(3))
def test_a_third_of_the_rows_turned_is_found_and_none_is_not(seed: int) -> None:
    [finding] = look_at(ConceptDrift(), turned(Task.BINARY, share=0.4, n=2400, seed=seed))
    assert finding.severity is Severity.WARN
    assert look_at(ConceptDrift(), turned(Task.BINARY, share=0.0, n=2400, seed=seed)) == []


def test_other_shares_of_classes_are_no_other_relation() -> None:
    honest = turned(Task.BINARY, share=0.0, n=3000)
    train = honest.train
    drawn = pd.concat([train[train["y"] == "yes"], train[train["y"] == "no"].iloc[::6]])
    assert look_at(ConceptDrift(), replace(honest, train=drawn.reset_index(drop=True))) == []


def test_names_that_are_alike_by_nature_are_no_other_spelling() -> None:
    handed = whole()
    random = np.random.default_rng(0)
    titles = [f"film {number}" for number in random.integers(0, 5000, 900)]
    titles[0], titles[640] = "Fear Less", "Fearless"
    titled = replace(
        with_test(handed, title=titles[630:]), train=handed.train.assign(title=titles[:630])
    )
    assert look_at(SchemaChange(), titled) == []


def test_test_rows_without_a_target_are_no_drift() -> None:
    frame = table(Task.BINARY, 3000)
    unknown = (frame["a"] > 0.5) & (np.random.default_rng(0).random(3000) < 0.8)
    handed = parted(frame.assign(y=frame["y"].mask(unknown)))
    assert look_at(CovariateDrift(), handed) == []
