"""Weak segments: planted ones are found, named in words and measured on other rows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.stats import norm

from assay.data.schema import Column, Kind, Role, Task
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome
from assay.evaluation.time_blocks import time_blocks
from assay.segments.bins import binned, levels
from assay.segments.discovery import _halves, discovered
from assay.segments.measured import by_segment
from assay.segments.result import Segments
from assay.segments.telling import findings, in_words

N = 4000


def table(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 90, N).astype(float),
            "pay": random.lognormal(10, 0.5, N),
            "city": random.choice([f"city {n}" for n in range(20)], N),
            "kind": random.choice(["a", "b", "c"], N),
        }
    )


def classified(seed: int, weak: np.ndarray, right: float = 0.9, less: float = 0.3) -> Outcome:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, N)
    hits = random.random(N) < np.where(weak, right - less, right)
    decided = np.where(hits, truth, 1 - truth)
    sure = np.where(decided == 1, right, 1 - right)
    return Outcome(
        Task.BINARY, np.arange(N), truth, ("no", "yes"), np.column_stack([1 - sure, sure]), decided
    )


def judged(frame: pd.DataFrame, made: Outcome, *marked: str) -> Segments:
    columns = [
        Column(
            name, Kind.NUMERIC if name in ("age", "pay") else Kind.CATEGORICAL, Role.FEATURE,
            "", "", 2, 0.0,
        )
        for name in frame.columns
    ]  # fmt: skip
    primary = "mae" if made.task is Task.REGRESSION else "accuracy"
    return by_segment(
        made, frame.drop(columns=list(marked)), frame[list(marked)], columns,
        primary=primary, level=0.95,
    )  # fmt: skip


def test_a_weak_level_is_found_and_measured_on_the_other_half() -> None:
    frame = table(0)
    weak = (frame["city"] == "city 7").to_numpy()
    found = judged(frame, classified(1, weak))
    [one] = found.weak
    assert one.definition == "city = city 7"
    assert one.n == weak.sum()
    assert one.difference.n < 0.7 * one.n  # the confirming rows among them
    assert 0 < one.difference.low < 0.3 < one.difference.high
    assert one.value == pytest.approx(0.6, abs=0.12)
    assert one.rest == pytest.approx(0.9, abs=0.02)
    assert one.expected == pytest.approx(0.9)  # it does not know that it is weak there
    assert found.tried >= 1


def test_where_a_range_and_a_level_cross() -> None:
    frame = table(2)
    weak = ((frame["age"] <= 35) & (frame["kind"] == "b")).to_numpy()
    found = judged(frame, classified(3, weak))
    assert found.weak[0].columns in (("age", "kind"), ("kind", "age"))
    assert abs(found.weak[0].n - weak.sum()) < 0.4 * weak.sum()


def test_a_regression_by_its_absolute_errors() -> None:
    frame, random = table(4), np.random.default_rng(5)
    weak = (frame["pay"] > frame["pay"].quantile(0.9)).to_numpy()
    truth = random.normal(size=N)
    said = truth + random.normal(size=N) * np.where(weak, 2.0, 1.0)
    found = judged(frame, Outcome(Task.REGRESSION, np.arange(N), truth, values=said))
    assert found.measure == "mae"
    assert found.weak[0].definition.startswith("pay > ")
    assert found.weak[0].expected is None


def test_nothing_is_named_where_errors_are_independent_of_the_features() -> None:
    none = np.zeros(N, dtype=bool)
    named = [seed for seed in range(8) if judged(table(seed), classified(seed + 50, none)).weak]
    assert len(named) <= 1


def test_groups_are_not_torn_and_do_not_feign_a_segment() -> None:
    random = np.random.default_rng(9)
    people = random.integers(0, 200, N)
    frame = table(9)
    # A city of few persons, one of whom the model gets wrong: many rows, but no evidence.
    frame["city"] = frame["city"].to_numpy()[people]
    made = classified(10, np.isin(people, [3, 4, 5]), less=0.9)
    clustered = Outcome(
        made.task, made.rows, made.truth, made.classes, made.probabilities, made.decided,
        clusters=people,
    )  # fmt: skip
    assert judged(frame, clustered).weak == ()


def in_time(seed: int, n: int, rate: np.ndarray | float) -> Outcome:
    """Rows that are decided wrong at some rate, related to those before them."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    decided = np.where(norm.cdf(drifting(random, n, 0.9)) < rate, 1 - truth, truth)
    sure = np.where(decided == 1, 0.8, 0.2)
    return Outcome(
        Task.BINARY, np.arange(n), truth, ("no", "yes"), np.column_stack([1 - sure, sure]), decided,
        clusters=time_blocks(np.arange(n)), design=Design.TIME,
    )  # fmt: skip


def drifting(random: np.random.Generator, n: int, related: float) -> np.ndarray:
    """Of variance one, each related to the one before."""
    fresh = random.normal(size=n) * (1 - related**2) ** 0.5
    fresh[0] = random.normal()
    return lfilter([1], [1, -related], fresh)


@pytest.mark.parametrize("n", [500, 1000])
def test_weak_segments_of_rows_in_time_are_found(n: int) -> None:
    found = 0
    for seed in range(20):
        weak = np.random.default_rng(seed + 100).random(n) < 0.1
        made = in_time(seed, n, np.where(weak, 0.55, 0.1))
        column = levels("c", pd.Series(np.where(weak, "a", "b")), most=12, fewest=1)
        [*named] = discovered([column], made, 0.95).weak
        found += [each.definition for each in named] == ["c = a"]
    assert found >= {500: 9, 1000: 18}[n]


def test_errors_and_columns_that_drift_feign_no_weak_segment() -> None:
    """Halves that shared a stretch of bad luck would confirm each other in one table of five."""
    named = 0
    for seed in range(40):
        random, made = np.random.default_rng(seed), in_time(seed + 100, 500, 0.2)
        columns = [
            binned(f"x{number}", pd.Series(drifting(random, 500, 0.98)), Kind.NUMERIC, most=40,
                   fewest=5) for number in range(5)
        ]  # fmt: skip
        named += bool(discovered(columns, made, 0.95).weak)
    assert named <= 5, "2 are meant at the most; more than 5 come in 1 of 70 tries"


def test_what_stood_out_in_too_few_blocks_is_said_to_be_so() -> None:
    made = in_time(0, 2000, 0.1)
    late = made.clusters >= 38
    made = replace(made, decided=np.where(late, 1 - made.truth, made.decided))
    column = levels("c", pd.Series(np.where(late, "late", "before")), most=12, fewest=1)
    found = discovered([column], made, 0.95)
    assert (found.weak, found.tried > 0) == ((), True)
    assert re.fullmatch(
        r"c = late stood out, but the other half has only \d time blocks in it", found.reason
    )


def test_few_rows_are_not_searched() -> None:
    made = classified(0, np.zeros(N, dtype=bool)).on_rows(range(300))
    found = judged(table(0).head(300), made)
    assert found.reason == "300 rows are too few to find and confirm one"
    assert found.weak == ()


def test_findings_say_what_was_found_and_are_read_back() -> None:
    frame = table(0)
    weak = ((frame["city"] == "city 7") | (frame["kind"] == "b")).to_numpy()
    found = judged(frame, classified(1, weak), "kind")
    declared, discovered = findings(found)
    assert (declared.code, declared.columns) == ("AS501", ("kind",))
    assert declared.title == "The model is worse where kind = b than on the rest."
    assert declared.effect.startswith("kind = b: accuracy ")
    assert discovered.code == "AS502"
    assert "kind = b" in discovered.title
    assert "where the model expects 0.900 of itself" in discovered.effect
    assert Segments.from_dict(found.as_dict()) == found


def test_rows_of_one_group_are_not_searched() -> None:
    made = replace(classified(0, np.zeros(N, dtype=bool)), clusters=np.zeros(N, dtype=np.int64))
    found = judged(table(0), made)
    assert (found.weak, found.reason) == ((), "all rows are of one group")
    found = judged(table(0), replace(made, design=Design.TIME))
    assert (found.weak, found.reason) == ((), "all rows are of one time block")


def test_what_the_model_expects_is_of_the_confirming_rows() -> None:
    frame = table(0)
    weak = (frame["city"] == "city 7").to_numpy()
    made = classified(1, weak)
    [one] = judged(frame, made).weak
    [half] = [
        half
        for half in (_halves(made), ~_halves(made))
        if one.difference.n == (half & weak).sum()
        and one.value == pytest.approx((made.decided == made.truth)[half & weak].mean())
    ]
    # Another model, as often right, that is less sure on the rows that confirm.
    sure = np.where(half, 0.7, 0.9)
    positive = np.where(made.decided == 1, sure, 1 - sure)
    unsure = replace(made, probabilities=np.column_stack([1 - positive, positive]))
    [again] = judged(frame, unsure).weak
    assert again.expected == pytest.approx(0.7)
    said = in_words(again, "accuracy")
    assert f"on {again.difference.n:,} confirming rows, where the model expects 0.700" in said
    assert said.endswith(f"; {again.n:,} rows ({again.share:.1%}) are such")


@pytest.mark.parametrize("moment", [0.0, 1 / 400])
def test_a_declared_column_of_few_days_is_told_as_dates(moment: float) -> None:
    when = 19_000.0 + np.arange(400) % 3 + np.arange(400) * moment
    days = pd.DataFrame({"when": when, "x": np.arange(400) % 2})
    columns = [Column("when", Kind.DATETIME, Role.SEGMENT, "", "", 3, 0.0),
               Column("x", Kind.NUMERIC, Role.FEATURE, "", "", 2, 0.0)]  # fmt: skip
    made = classified(0, np.zeros(N, dtype=bool)).on_rows(range(400))
    found = by_segment(made, days[["x"]], days[["when"]], columns, primary="accuracy", level=0.95)
    [division] = found.divisions
    assert {each.definition for each in division.segments} == {
        "when = 2022-01-08", "when = 2022-01-09", "when = 2022-01-10",
    }  # fmt: skip
