"""What the checks of columns tell apart: mistakes, and honest columns that look like them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.checks.as301_constant_column import ConstantColumn
from assay.checks.as302_id_like_column import IdLikeColumn
from assay.checks.as303_mixed_types import MixedTypes
from assay.checks.as304_unit_mix_up import UnitMixUp
from assay.checks.as306_high_cardinality import HighCardinality
from assay.checks.as308_missing_values import MissingValues
from assay.checks.as309_placeholder_value import PlaceholderValue
from assay.checks.base import Check
from assay.findings import Finding, Severity
from tests.contracts.checks import look
from tests.contracts.handed import look_at, parted

N = 2000


def found(check: Check, **columns: Any) -> list[Finding]:
    """What a check finds in these columns beside one honest one."""
    random = np.random.default_rng(11)
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"w": random.normal(size=n), **columns})
    return list(look(check, frame.assign(y=random.integers(0, 2, n))))


def replaced(values: Any, share: float, by: Any, seed: int = 3) -> tuple[Any, Any]:
    """Values with a share of them replaced (by a value or a function), and which, shape (n,)."""
    picked = np.random.default_rng(seed).random(len(values)) < share
    new = by(values) if callable(by) else np.full(len(values), by, dtype=object)
    return np.where(picked, new, values), picked


def weights(n: int = N) -> Any:
    return np.random.default_rng(5).normal(70, 12, n)


@pytest.mark.parametrize(("others", "severity"), [(1, "warn"), (3, "warn"), (9, "ask")])
def test_rows_that_differ_are_named_where_they_are_too_few(others: int, severity: str) -> None:
    flag = np.zeros(10_000)
    flag[np.arange(others) * 1000] = 1
    handed = parted(pd.DataFrame({"w": weights(10_000), "flag": flag, "y": np.arange(10_000) % 2}),
                    share=0.05)  # fmt: skip
    [finding] = look_at(ConstantColumn(), handed)
    assert (finding.columns, finding.severity.value) == (("flag",), severity)
    assert finding.rows["train"] == tuple(np.arange(others) * 1000)
    assert "in all but" in finding.title


def test_rare_flags_and_flags_that_are_set_or_missing_are_no_constants() -> None:
    rare, _ = replaced(np.zeros(N), 0.01, 1.0)
    missing, _ = replaced(np.ones(N), 0.3, np.nan)
    assert found(ConstantColumn(), rare=rare.astype(float), missing=missing.astype(float)) == []


def test_numbers_that_differ_by_rounding_only_are_constant() -> None:
    [finding] = found(ConstantColumn(), price=0.1 * np.arange(1, N + 1) / np.arange(1, N + 1))
    assert finding.columns == ("price",)


@pytest.mark.parametrize(
    "keys",
    [
        np.random.default_rng(0).permutation(N) + 5000,
        np.random.default_rng(0).permutation(4 * N)[:N] * 10 + 3,
        np.concatenate([np.arange(N // 2) + 10**6, np.arange(N // 2) + 7 * 10**8]),
    ],
    ids=["shuffled", "with gaps and a step", "in two blocks"],
)
def test_whole_numbers_that_lie_close_and_never_tie_are_keys(keys: Any) -> None:
    [finding] = found(IdLikeColumn(), spend=keys)
    assert finding.severity is Severity.ASK
    assert finding.evidence["equal pairs"] == 0
    assert found(IdLikeColumn(), spend=keys.astype(float)) == [finding]


@pytest.mark.parametrize("name", ["ref_no", "customerId", "spend"])
def test_amounts_are_no_keys_whatever_their_name(name: str) -> None:
    random = np.random.default_rng(0)
    amounts = np.round(np.exp(random.normal(11, 1.1, N))).astype(int)
    assert found(IdLikeColumn(), **{name: amounts}) == []


def test_codes_are_said_firmly_and_titles_are_asked_about() -> None:
    random = np.random.default_rng(0)
    [code] = found(IdLikeColumn(), acct=[f"{n:010x}" for n in random.integers(0, 2**40, N)])
    [title] = found(IdLikeColumn(), title=[f"the {n} of spring" for n in range(N)])
    assert (code.severity, title.severity) == (Severity.WARN, Severity.ASK)
    assert code.mend.startswith("data: {roles: {id: 'acct'}}")


@pytest.mark.parametrize("odd", ["N/A", "-", "unknown", "12,5", "1 200", "12 kg", "<5", "#DIV/0!"])
def test_odd_cells_among_measurements_are_named(odd: str) -> None:
    cells, picked = replaced(weights(400).round(1).astype(str), 0.02, odd)
    handed = parted(pd.DataFrame({"load": cells, "y": np.arange(400) % 2}))
    [finding] = look_at(MixedTypes(), handed)
    assert (finding.severity, finding.columns) == (Severity.WARN, ("load",))
    assert finding.rows["train"] == tuple(np.flatnonzero(picked[:280]))
    assert finding.rows["test"] == tuple(np.flatnonzero(picked[280:]))
    assert repr(odd) in finding.title


@pytest.mark.parametrize(
    "codes",
    [
        [f"{n:05}" for n in range(1000, 19_000, 1000)],
        ["250.83", "276", "428", "V27", "E909"],
        ["0", "1", "2", "3+"],
        ["2-10", "1", "11-100", "Over 100"],
        ["PC 17599", "113803", "373450", "A/5 21171"],
        ["S", "M", "38", "40", "42"],
        [*map(str, range(1, 60)), "12A", "14b"],
    ],
    ids=lambda codes: " ".join(codes[:4]),
)
def test_codes_that_are_digits_in_part_are_let_be(codes: list[str]) -> None:
    cells = np.random.default_rng(0).choice(codes, 600)
    assert found(MixedTypes(), code=cells) == []


def test_words_among_whole_numbers_are_asked_about_and_dates_are_read() -> None:
    ages, _ = replaced(np.random.default_rng(0).integers(18, 90, 600).astype(str), 0.03, "see note")
    days = pd.Series(pd.date_range("2020-01-01", periods=600).strftime("%Y-%m-%d"))
    dates, _ = replaced(days.to_numpy(), 0.03, "pending")
    [age] = found(MixedTypes(), age=ages)
    [date] = found(MixedTypes(), date=dates)
    assert (age.severity, date.severity) == (Severity.ASK, Severity.WARN)
    assert "of its cells are dates" in date.title


@pytest.mark.parametrize("factor", [1000.0, 1 / 1000, 12.0, 100.0])
def test_rows_in_another_unit_are_named_firmly(factor: float) -> None:
    mass, picked = replaced(weights(), 0.03, lambda values: values * factor)
    handed = parted(pd.DataFrame({"mass": mass.astype(float), "y": np.arange(N) % 2}))
    [finding] = look_at(UnitMixUp(), handed)
    assert finding.severity is Severity.WARN
    assert finding.evidence["factor"] == pytest.approx(factor)
    assert finding.rows["train"] == tuple(np.flatnonzero(picked[:1400]))
    assert finding.rows["test"] == tuple(np.flatnonzero(picked[1400:]))


def test_units_that_meet_are_asked_about() -> None:
    mass, picked = replaced(weights(), 0.03, lambda values: values * 2.2046226)
    handed = parted(pd.DataFrame({"mass": mass.astype(float), "y": np.arange(N) % 2}))
    [finding] = look_at(UnitMixUp(), handed)
    assert finding.severity is Severity.ASK
    assert "kilograms and pounds" in finding.title
    named, wrong = {*finding.rows["train"]}, {*np.flatnonzero(picked[:1400]).tolist()}
    assert len(named & wrong) >= 0.9 * max(len(named), len(wrong))


def test_a_slip_of_the_decimal_point_is_asked_about() -> None:
    mass = weights()
    mass[[7, 70]] *= 100
    handed = parted(pd.DataFrame({"mass": mass, "y": np.arange(N) % 2}))
    [finding] = look_at(UnitMixUp(), handed)
    assert (finding.severity, finding.rows["train"]) == (Severity.ASK, (7, 70))


LAWS: dict[str, Callable[[np.random.Generator], Any]] = {
    "lognormal": lambda r: np.exp(r.normal(4, 1.1, N)),
    "pareto": lambda r: (r.pareto(1.1, N) + 1) * 100,
    "cauchy": lambda r: r.standard_cauchy(N),
    "gamma": lambda r: r.gamma(0.5, 100, N),
    "rounded": lambda r: np.round(r.exponential(300, N)),
    "two peaks": lambda r: r.normal(np.where(r.random(N) < 0.15, 40, 20), 3),
    "zeros": lambda r: np.where(r.random(N) < 0.3, 0, np.exp(r.normal(4, 1, N))),
    "uniform": lambda r: r.random(N),
}


@pytest.mark.parametrize("law", LAWS)
def test_long_tails_are_honest(law: str) -> None:
    for seed in range(5):
        values = LAWS[law](np.random.default_rng(seed))
        assert found(UnitMixUp(), x=values) == []
        assert found(PlaceholderValue(), x=values) == []


@pytest.mark.parametrize("code", [-999.0, -1.0, 9999.0, 999.9, 0.0, 1e6, 32767.0])
def test_placeholders_are_asked_about_with_their_rows(code: float) -> None:
    mass, picked = replaced(weights().round(1), 0.02, code)
    handed = parted(pd.DataFrame({"mass": mass.astype(float), "y": np.arange(N) % 2}))
    [finding] = look_at(PlaceholderValue(), handed)
    assert (finding.severity, finding.evidence["value"]) == (Severity.ASK, code)
    assert finding.rows["train"] == tuple(np.flatnonzero(picked[:1400]))
    assert finding.rows["test"] == tuple(np.flatnonzero(picked[1400:]))
    assert look_at(UnitMixUp(), handed) == []


def test_amounts_of_nothing_and_caps_are_no_alarm() -> None:
    random = np.random.default_rng(0)
    area = np.where(random.random(N) < 0.06, 0, random.normal(480, 200, N).clip(100))
    cap = np.minimum(np.exp(random.normal(3, 0.5, N)), 50)
    tail = np.concatenate([np.round(random.normal(40, 12, N - 3).clip(0)), [-2, -2, -2]])
    assert found(PlaceholderValue(), tail=tail) == []
    assert found(PlaceholderValue(), area=area) == []
    [heap] = found(PlaceholderValue(), cap=cap)
    assert (heap.severity, heap.evidence["value"]) == (Severity.NOTE, 50)
    assert heap.title.endswith("?")


def test_levels_to_come_are_foretold_by_those_that_occur_once() -> None:
    street = [f"street {n}" for n in np.random.default_rng(0).integers(0, 1000, 900)]
    handed = parted(pd.DataFrame({"street": street, "w": weights(900), "y": np.arange(900) % 2}))
    [finding] = look_at(HighCardinality(), handed)
    expected = finding.evidence["rows with a level of their own"]
    assert finding.evidence["test rows with a new level"] == pytest.approx(expected, abs=0.08)
    few = [f"street {n % 40}" for n in range(900)]
    assert found(HighCardinality(), street=few) == []


def test_gaps_that_go_with_the_target_are_noted() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, N)
    gaps = random.random((2, N))
    frame = pd.DataFrame({"by_chance": weights(), "by_class": weights(), "y": y})
    frame.loc[gaps[0] < 0.1, "by_chance"] = np.nan
    frame.loc[gaps[1] < np.where(y == 1, 0.15, 0.05), "by_class"] = np.nan
    [finding] = look(MissingValues(), frame)
    assert (finding.columns, finding.severity) == (("by_class",), Severity.NOTE)
    assert finding.evidence["by_class"]["1"] > 2 * finding.evidence["by_class"]["0"]
