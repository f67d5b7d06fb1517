"""Nothing is called identical that is not, or that nobody compared."""

from __future__ import annotations

import math

import pytest

from assay.reproduction.verdict import Compared, Verdict, numbers, overall

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
