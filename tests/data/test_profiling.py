"""What the profile says of a column can be counted again, whatever the column holds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.data.histogram import histogram
from assay.data.kinds import infer_schema
from assay.data.profile import QUANTILES, ColumnProfile, Profile
from assay.data.profiling import MOST_LEVELS, profile
from assay.data.schema import Task
from assay.data.settings import DataSettings
from tests.tables import prepared


def profile_of(columns: dict[str, Any], **settings: Any) -> Profile:
    table = pa.table({"y": [1.5, 2.5, 4.0, 8.5] * 5, **columns})
    return profile(
        table,
        infer_schema(table, DataSettings(source="t", target="y", task="regression", **settings)),
    )


def column_of(values: Any, **settings: Any) -> ColumnProfile:
    found = profile_of({"x": values, "other": range(20)}, **settings).column("x")
    assert found is not None
    return found


@pytest.mark.parametrize("task", list(Task))
def test_a_profile_is_of_development_rows_and_reads_back(task: Task) -> None:
    data = prepared(task)
    seen = profile(data.raw_development, data.schema)
    assert seen.n == data.n_rows["train"]
    assert [each.name for each in seen.columns] == data.raw_development.column_names
    assert all(each.n + each.missing == seen.n for each in seen.columns)
    assert Profile.from_dict(json.loads(json.dumps(seen.as_dict()))) == seen


def test_quantiles_are_values_that_occur() -> None:
    numbers = column_of([*range(1, 20), None]).numbers
    assert numbers is not None
    assert [numbers.at(each) for each in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1, 5, 10, 15, 19]
    assert len(numbers.quantiles) == len(QUANTILES)


def test_few_whole_numbers_have_a_bin_each() -> None:
    numbers = column_of([1, 1, 2, 4] * 5).numbers
    assert numbers is not None
    assert numbers.histogram.counts == (10, 5, 0, 5)
    assert numbers.histogram.edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_a_long_tail_is_counted_and_not_drawn() -> None:
    values = np.append(np.linspace(0, 1, 999), 1000.0)
    drawn = histogram(values, (0.01, 0.99), 10)
    assert (drawn.high, drawn.above, sum(drawn.counts)) == (1.0, 1, 999)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_every_row_is_in_one_bin_or_beyond(values: list[float]) -> None:
    ordered = np.sort(values)
    drawn = histogram(ordered, (ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]), 24)
    assert sum(drawn.counts) + drawn.below + drawn.above == len(values)
    assert np.isfinite(drawn.edges).all()


def test_levels_are_counted_the_most_frequent_first() -> None:
    kinds = column_of([*("b" * 9), *("a" * 6), *"cdefg"])
    assert kinds.levels[:2] == (("b", 9), ("a", 6))
    assert (kinds.distinct, len(column_of([str(i) + "x" for i in range(20)]).levels)) == (
        7,
        MOST_LEVELS,
    )
    assert column_of([True] * 15 + [False] * 5).levels == (("true", 15), ("false", 5))


def test_dates_are_days_since_1970() -> None:
    days = column_of([datetime(1970, 1, 2, 12)] * 10 + [datetime(1970, 1, 4)] * 10).numbers
    assert days is not None
    assert (days.at(0.0), days.at(1.0)) == (1.5, 3.0)


def test_free_text_has_a_length() -> None:
    story = [f"once upon a time there were {i:02d} rows" for i in range(20)]
    assert column_of(story).mean_length == len(story[0])


def test_columns_with_next_to_nothing_in_them_are_described() -> None:
    assert column_of(pa.nulls(20, pa.string())) == ColumnProfile("x", 0, 20, 0)
    infinite = column_of([np.inf, -np.inf] * 9 + [2.0, 3.0])
    assert (infinite.n, infinite.infinite) == (20, 18)
    assert infinite.numbers is not None
    assert (infinite.numbers.at(0.0), infinite.numbers.at(1.0)) == (2.0, 3.0)
    assert column_of([np.inf] * 20).numbers is None
    assert column_of([[1]] * 20, roles={"ignore": ["x"]}).levels == ()
    assert column_of(["ä💥"] * 20).levels == (("ä💥", 20),)


def test_the_target_is_described_for_its_task() -> None:
    for task in (Task.BINARY, Task.MULTICLASS):
        data = prepared(task)
        target = profile(data.raw_development, data.schema).target
        assert list(target.classes) == [str(each) for each in data.schema.classes]
        assert sum(target.classes.values()) == data.n_rows["train"]
        assert target.numbers is None
    skewed = profile_of({"x": range(20)}).target
    assert skewed.mean == pytest.approx(4.125)
    assert skewed.skewness is not None
    assert skewed.skewness > 0.5


def test_one_row_is_enough() -> None:
    table = pa.table({"x": [1.0], "y": [2.0]})
    schema = infer_schema(table, DataSettings(source="t", target="y", task="regression"))
    seen = profile(table, schema)
    assert (seen.n, seen.complete, seen.gaps, seen.target.skewness) == (1, 1, (), None)
