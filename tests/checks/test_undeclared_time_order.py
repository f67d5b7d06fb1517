"""AS203 on rows that were recorded in time, their clean twins, and dates that describe a row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as203_undeclared_time_order import UndeclaredTimeOrder
from assay.checks.clocks import find_clocks
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import NotApplicable
from tests.checks.planting import aimed, recorded
from tests.contracts.checks import look, view_of
from tests.tables import table

CHECK = UndeclaredTimeOrder()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_time_is_asked_about_and_the_same_dates_on_unrelated_rows_are_not(
    task: Task, seed: int
) -> None:
    [finding] = look(CHECK, recorded(task, seed=seed))
    assert finding.columns == ("taken",)
    assert look(CHECK, recorded(task, seed=seed, is_real=False)) == []


def test_calendar_columns_are_read_together() -> None:
    frame = recorded(Task.REGRESSION)
    taken = frame.pop("taken").dt
    frame = frame.assign(Year=taken.year, Month=taken.month, day=taken.day)
    [finding] = look(CHECK, frame)
    assert finding.columns == ("Year", "Month", "day")
    assert "make one column of Year, Month, day" in finding.mend


def test_numbers_that_rise_through_the_file_are_read_as_time() -> None:
    frame = recorded(Task.REGRESSION).sort_values("taken", ignore_index=True)
    [finding] = look(CHECK, frame.drop(columns="taken").assign(step=np.arange(len(frame))))
    assert finding.columns == ("step",)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["born", "since"])
@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_a_date_that_describes_the_row_is_passed_however_much_it_explains(
    task: Task, name: str, seed: int
) -> None:
    random = np.random.default_rng(seed)
    frame = table(task, 1500, seed)
    years = random.uniform(0, 60, len(frame))
    score = 2 * np.exp(-(((years - 25) / 20) ** 2)) + 0.02 * years - 1.7 + 0.7 * frame["a"]
    score = np.asarray(score + random.normal(scale=0.5, size=len(frame)))
    frame = aimed(frame, score, task)
    date = pd.Timestamp("1940-01-01") + pd.to_timedelta((years * 365.25).astype(int), "D")
    assert look(CHECK, frame.assign(**{name: date})) == []


def _looked_at(frame: pd.DataFrame, **split: object) -> object:
    data = prepare(from_frame(frame), DataSettings(source="t", target="y", split={**split}), "t")
    return CHECK(view_of(data), {})


def test_a_split_that_a_column_gives_is_left_alone() -> None:
    frame = recorded(Task.REGRESSION)
    frame["part"] = np.where(frame["taken"] > frame["taken"].quantile(0.8), "test", "train")
    found = _looked_at(frame, by="column", column="part")
    assert found == NotApplicable("the split is as column part says")


def test_a_table_without_dates_is_not_applicable() -> None:
    found = _looked_at(table(Task.REGRESSION))
    assert found == NotApplicable("no column holds dates or counts time")


def test_clocks_are_found_by_type_name_and_file_order() -> None:
    n = 200
    frame = table(Task.REGRESSION, n).assign(
        seen=pd.date_range("2024-01-01", periods=n),
        birth_date=pd.date_range("1950-01-01", periods=n),
        **{"Yr.Sold": 2006 + np.arange(n) % 5, "Mo.Sold": 1 + np.arange(n) % 12},
        built_year=1900 + np.arange(n) % 90,
        row=np.arange(n) * 3,
        week=np.arange(n) // 7,
        rising=np.arange(n) // 7,
    )
    data = prepare(from_frame(frame), DataSettings(source="t", target="y"), "t")
    assert [clock.columns for clock in find_clocks(view_of(data))] == [
        ("Yr.Sold", "Mo.Sold"), ("row",), ("seen",), ("week",),
    ]  # fmt: skip
