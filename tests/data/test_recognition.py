"""Recognition: rows that were there before are known again, though they were written otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.data.recognition import recognised
from assay.data.schema import Task
from assay.errors import DataError
from tests.tables import table

COLUMNS = ["a", "b", "c", "kind", "whole"]
OLD, NEW = table(Task.BINARY, n=300, seed=1), table(Task.BINARY, n=60, seed=2)
MIXED = pd.concat([OLD.iloc[100:140], NEW.iloc[:20]], ignore_index=True)
WAS_THERE = [True] * 40 + [False] * 20


def known(rows: pd.DataFrame, among: pd.DataFrame = OLD, **how: Any) -> list[bool]:
    given = {"columns": COLUMNS, "keys": [], **how}
    tables = (pa.Table.from_pandas(each, preserve_index=False) for each in (rows, among))
    return list(recognised(*tables, **given).tolist())


WRITTEN: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "as they were": lambda made: made,
    "to 9 decimals": lambda made: made.round(9),
    "to 2 decimals": lambda made: made.round(2),
    "to 3 digits": lambda made: made.map(
        lambda each: float(f"{each:.3g}") if isinstance(each, float) else each
    ),
    "in single precision": lambda made: made.astype({"a": np.float32, "b": np.float32}),
    "with a column that was changed": lambda made: made.assign(c=made["c"] * 7 + 1),
    "as whole numbers with a point": lambda made: made.astype({"whole": float}),
    "in capitals": lambda made: made.assign(kind=made["kind"].str.upper()),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_however_they_are_written(how: str) -> None:
    assert known(WRITTEN[how](MIXED)) == WAS_THERE
    assert known(MIXED, WRITTEN[how](OLD)) == WAS_THERE


def test_a_single_one_that_only_lost_decimals_too() -> None:
    one_of_many = pd.concat([OLD.iloc[:1], NEW], ignore_index=True)
    assert known(one_of_many.round(4)) == [True] + [False] * 60


def test_by_their_names_whatever_else_was_changed() -> None:
    old = OLD.assign(patient=np.arange(300) // 2)
    again = NEW.assign(patient=[7, None] + [1_000 + n for n in range(58)]).astype(
        {"patient": "Int64"}
    )
    assert known(again, old, keys=["patient"]) == [True] + [False] * 59
    assert known(again, old, columns=[], keys=["patient"]) == [True] + [False] * 59


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (MIXED.round(0), ["a"], "what a held was written otherwise, and without it nobody can"),
        (MIXED.astype({"a": str}), ["a"], "what a held was written otherwise"),
        (MIXED.astype({"a": str}), ["a", "kind"], "what a held was written otherwise"),
        (MIXED, [], "no column describes the rows of both, so nobody can tell"),
    ],
)
def test_where_nothing_tells_rows_apart_nobody_can_tell(
    rows: pd.DataFrame, columns: list[str], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        known(rows, columns=columns)
    assert "or declare data.roles.id" in caught.value.mend


def test_rows_that_look_alike_by_nature_are_known_by_all_they_have() -> None:
    assert known(MIXED, columns=["kind"]) == [True] * 60
