"""Axes hold what is drawn on them, and mark round values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reports.axis import Scale, extent, labels, round_values
from assay.reports.wording import MINUS

_VALUES = st.lists(st.floats(-1e9, 1e9, allow_nan=False), max_size=5)


@given(_VALUES)
def test_a_scale_has_a_length_and_holds_its_values(values: list[float]) -> None:
    low, high = extent(values)
    assert low < high
    assert all(low <= value <= high for value in values)


def test_values_that_are_none_do_not_stretch_a_scale() -> None:
    assert extent([0.0, np.nan, np.inf, 1.0], margin=0.0) == (0.0, 1.0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_marks_are_few_distinct_and_on_the_scale(low: float, length: float) -> None:
    values = round_values(low, low + length)
    assert 2 <= len(values) <= 9
    assert len(set(labels(values))) == len(values)
    nearly = 1e-6 * length + 1e-9 * abs(low)
    assert all(low - nearly <= value <= low + length + nearly for value in values)


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([-1.0, 0.0, 1.0], [f"{MINUS}1", "0", "1"]),
        ([0.9, 0.95, 1.0], ["0.90", "0.95", "1.00"]),
        ([0, 2_500_000, 5_000_000], ["0", "2.5M", "5.0M"]),
        ([], []),
    ],
)
def test_labels_tell_values_apart(values: list[float], written: list[str]) -> None:
    assert labels(values) == written


def test_positions_run_from_start_to_end() -> None:
    scale = Scale(0.0, 10.0, 100.0, 0.0)
    assert scale.at(np.array([0.0, 5.0, 10.0])).tolist() == [100.0, 50.0, 0.0]
    assert scale.marks(2) == [(100.0, "0"), (50.0, "5"), (0.0, "10")]
