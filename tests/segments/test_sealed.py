"""Segments of training on sealed rows: the same in words, confirmed or not, none looked for."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.data.schema import Column, Kind, Role
from assay.estimates import Estimate
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome
from assay.segments.criteria import Criterion
from assay.segments.measured import by_segment
from assay.segments.meeting import rows_meeting
from assay.segments.result import Division, Segment, Segments
from assay.segments.sealed import _Rows, on_sealed_rows
from tests.segments.test_discovery import N, classified, table

LEVEL = 0.95


def described() -> list[Column]:
    kinds = {"age": "float", "pay": "float", "city": "string", "kind": "string"}
    return [
        Column(
            name, Kind.NUMERIC if stored == "float" else Kind.CATEGORICAL, Role.FEATURE,
            stored, "", 2, 0.0,
        )
        for name, stored in kinds.items()
    ]  # fmt: skip


def weak_in(frame: pd.DataFrame) -> np.ndarray:
    return (frame["city"] == "city 7").to_numpy() | (frame["age"] > 80).to_numpy()


def trained() -> Segments:
    frame = table(0)
    return by_segment(
        classified(1, weak_in(frame)), frame.drop(columns=["kind", "pay"]), frame[["kind", "pay"]],
        described(), primary="accuracy", level=LEVEL,
    )  # fmt: skip


def sealed(found: Segments, frame: pd.DataFrame, made: Outcome, level: float = LEVEL) -> Segments:
    told = on_sealed_rows(
        found, made, pa.Table.from_pandas(frame), described(), primary="accuracy", level=level
    )
    assert told is not None
    return told


@pytest.fixture(scope="module")
def found() -> Segments:
    made = trained()
    assert {each.columns for each in made.weak} == {("city",), ("age",)}
    return made


def test_what_is_weak_on_other_rows_too_is_confirmed(found: Segments) -> None:
    frame = table(20)
    made = classified(21, weak_in(frame))
    told = sealed(found, frame, made)
    assert [each.definition for each in told.weak] == [each.definition for each in found.weak]
    right = made.truth == made.decided
    for one in told.weak:
        rows = (frame["city"] == "city 7").to_numpy()
        if one.columns == ("age",):
            rows = (frame["age"] > float(one.definition.rpartition(" ")[2])).to_numpy()
        assert one.n == one.difference.n == rows.sum()
        assert one.value == pytest.approx(right[rows].mean())
        assert one.rest == pytest.approx(right[~rows].mean())
        assert one.is_worse
        assert one.difference.level == 1 - (1 - LEVEL) / 2
    assert Segments.from_dict(told.as_dict()) == told


def test_what_is_as_good_as_the_rest_there_is_not(found: Segments) -> None:
    none, confirmed = np.zeros(N, dtype=bool), 0
    found = replace(found, divisions=())
    for seed in range(30, 50):
        told = sealed(found, table(seed), classified(seed + 100, none))
        confirmed += any(each.is_worse for each in told.weak)
    assert confirmed <= 3  # one in twenty is allowed: four or more come once in sixty


def test_declared_ones_keep_their_levels_and_ends(found: Segments) -> None:
    frame = table(22)
    frame["pay"] = frame["pay"] * 1.5  # its own quarters would lie elsewhere
    frame.loc[:99, "kind"] = "never seen"
    made = classified(23, np.zeros(N, dtype=bool))
    told = sealed(found, frame, made)
    assert {each.columns for each in told.divisions} >= {("kind",), ("pay",)}
    before = {one.definition for each in found.divisions for one in each.segments}
    right = made.truth == made.decided
    for division in told.divisions:
        assert {one.definition for one in division.segments} <= before
        if division.columns == ("kind",):
            assert division.left_out == 100
            for one in division.segments:
                rows = (frame["kind"] == one.definition.removeprefix("kind = ")).to_numpy()
                assert one.estimate.value == pytest.approx(right[rows].mean())
        if division.columns == ("pay",):
            assert max(one.share for one in division.segments) > 0.4


def test_few_rows_tell_neither_and_say_so(found: Segments) -> None:
    frame = table(24).head(40)
    frame["age"] = 20.0
    frame["city"] = np.where(np.arange(40) < 3, "city 7", "city 8")
    made = classified(25, np.zeros(N, dtype=bool)).on_rows(range(40))
    told = sealed(found, frame, made)
    reasons = {each.columns: each.difference.reason for each in told.weak}
    assert reasons == {("age",): "no row in it", ("city",): "only 3 rows in it"}
    assert not any(each.is_worse for each in told.weak)
    assert repr(Segments.from_dict(told.as_dict())) == repr(told)


def test_the_more_looks_the_wider(found: Segments) -> None:
    frame = table(26)
    made = classified(27, weak_in(frame))
    first, later = sealed(found, frame, made), sealed(found, frame, made, 0.99)
    for one, other in zip(first.weak, later.weak, strict=True):
        assert other.difference.low < one.difference.low
    [a, b] = [each.divisions[0].segments[0].difference for each in (first, later)]
    assert b.high - b.low > a.high - a.low


def test_groups_count_as_they_do_in_training(found: Segments) -> None:
    frame = table(28)
    made = classified(29, weak_in(frame))
    many, few = (replace(made, clusters=np.arange(N) // size) for size in (10, 400))
    assert {each.difference.method for each in sealed(found, frame, many).weak} == {"t"}
    reasons = {each.difference.reason for each in sealed(found, frame, few).weak}
    assert reasons == {"only 10 groups in it"}


def test_blocks_of_time_are_not_called_groups(found: Segments) -> None:
    frame = table(28)
    blocks = replace(
        classified(29, weak_in(frame)), clusters=np.arange(N) // 1000, design=Design.TIME
    )
    reasons = {each.difference.reason for each in sealed(found, frame, blocks).weak}
    assert reasons == {"only 4 time blocks in it"}


def test_a_column_is_read_once_for_all_segments_that_ask_it() -> None:
    n, cities = 200_000, [f"city {code}" for code in range(40)]
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"city": np.array(cities)[random.integers(0, 40, n)]})
    frame.loc[:99, "city"] = None
    segments = tuple(
        Segment(
            name, 1, 0.1, Estimate(1, 1, 1, n=1), Estimate(0, 0, 0, n=1), {},
            (Criterion("city", "level", (name,)),),
        )
        for name in cities
    )  # fmt: skip
    division = Division(("city",), segments, None, None, 0)
    asked = Segments("accuracy", n, LEVEL, (division,), "accuracy", (), 0)
    rows = _Rows.of(asked, pa.Table.from_pandas(frame), described())
    start = process_time()
    divided = rows.divided(division)
    all_of_them = process_time() - start
    start = process_time()
    rows_meeting(segments[0].criteria[0], frame["city"].astype(object), Kind.CATEGORICAL)
    assert all_of_them < 12 * (process_time() - start)  # not 40 times as long as to read one
    for name in cities:
        np.testing.assert_array_equal(divided.parts[name], (frame["city"] == name).to_numpy())
    assert divided.left_out == 100


def test_a_run_that_was_recorded_without_criteria_is_left_alone(found: Segments) -> None:
    old = Segments.from_dict(
        {**found.as_dict(), "weak": [
            {name: value for name, value in each.as_dict().items() if name != "criteria"}
            for each in found.weak
        ]}
    )  # fmt: skip
    frame = table(20)
    made = classified(21, weak_in(frame))
    asked = {"primary": "accuracy", "level": LEVEL}
    assert on_sealed_rows(old, made, pa.Table.from_pandas(frame), described(), **asked) is None
