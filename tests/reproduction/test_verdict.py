"""Nothing is called identical that is not, or that nobody compared."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from assay.reproduction.verdict import Compared, Verdict, numbers, overall, tables

NAN = math.nan


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ({"rmse": 1e9, "r2": 0.8}, {"rmse": 1e9, "r2": 0.8}, "identical"),
        ({"rmse": 1e9, "r2": 0.8}, {"rmse": 1e9, "r2": 0.3}, "different"),
        ({"rmse": 1e9}, {"rmse": 1e9 + 0.1}, "within tolerance"),
        ({"a": 0.5}, {"a": 0.5 + 1e-12}, "within tolerance"),
        ({"a": NAN}, {"a": NAN}, "identical"),
        ({"a": NAN}, {"a": 0.0}, "different"),
        ({"a": NAN}, {}, "different"),
        ({}, {"a": 1.0}, "different"),
        ({}, {}, "identical"),
    ],
)
def test_each_number_has_its_own_size(
    before: dict[str, float], now: dict[str, float], verdict: str
) -> None:
    assert numbers("metrics", before, now, 1e-9).verdict == verdict


def test_what_was_not_compared_is_not_identical() -> None:
    same, open_ = Compared("a", 1, Verdict.IDENTICAL), Compared("b", 0, None)
    other = Compared("c", 1, Verdict.DIFFERENT)
    assert overall([same, same]) is Verdict.IDENTICAL
    assert overall([same, open_]) is Verdict.AS_FAR_AS_COMPARED
    assert overall([same, open_, other]) is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("changed", "verdict", "labels"),
    [
        ({}, "identical", 0.0),
        ({"decided_1": [1, 1, 0, 0]}, "different", 0.5),
        ({"decided_0": [1, 1, 1, 1], "decided_1": [0, 0, 0, 0]}, "different", 0.5),
        ({"probability_1": [0.2, 0.9, 0.1, 0.4 + 1e-12]}, "within tolerance", 0.0),
    ],
)
def test_a_row_differs_where_any_of_its_labels_does(
    changed: dict[str, list[float]], verdict: str, labels: float
) -> None:
    columns: dict[str, list[float]] = {
        "row": [0, 1, 2, 3],
        "truth_0": [1, 0, 0, 1],
        "truth_1": [0, 1, 0, 0],
        "decided_0": [1, 0, 1, 1],
        "decided_1": [0, 1, 0, 1],
        "probability_0": [0.7, 0.1, 0.5, 0.9],
        "probability_1": [0.2, 0.9, 0.1, 0.4],
    }
    before = pa.table(columns)
    found = tables("predictions", before, pa.table(columns | changed), 1e-9)
    assert (found.verdict, found.labels) == (verdict, labels)
    others = tables("predictions", before, pa.table(columns | {"truth_1": [0, 1, 1, 0]}), 1e-9)
    assert others.note == "they are of other targets"
