"""A cell is read to the bit as a frame of that one cell is, or refused as it is."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.features import feature_frame
from assay.inference.compiled.cells import reader

KINDS = (
    "numeric",
    "numeric truth",
    "categorical",
    "categorical truth",
    "categorical number",
    "datetime",
    "datetime %d.%m.%Y",
    "datetime %Y-%m-%dT%H:%M",
    "text",
)
NASTY: list[Any] = [
    None, True, False, 0, -0.0, 5, 5.0, 5.5, math.nan, math.inf, -math.inf, 2**53 + 1, 2**63 - 1,
    2**63, -(2**63), 2**64, 10**30, 1e300, 5e-324, "", " ", "true", "TRUE", "False", "12", "1e3",
    "nan", "NaN", "None", "NaT", "N/A", "x", "é", "\ud800", "a\x00b", b"x", 1 + 2j, (1,), [1, 2],
    {"a": 1}, [], {}, Decimal("1.5"), date(2026, 1, 31), datetime(2026, 1, 31), np.float64(2.5),
    np.int64(7), np.nan, pd.NaT, pd.NA, pd.Timestamp("2026-01-31"), "2026-01-31",
    "2026-01-31T10:00", "2026-01-31 10:00:00.123456Z", "2026-01-31T10:00:00.123",
    "2026-01-31T10:00:00+02:00", "2026-01-31T24:00", "2026-01-31T23:59:60", "2026-01-31T10",
    "0001-01-01", "9999-12-31", "1969-12-31T23:59:59.999999", "20260131", 20260131, 20260131.0,
    "2026-02-30", "2026-01", "31.01.2026", "1.1.2026", "31.01.26", " 31.01.2026",
    "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0663\u0661",
]  # fmt: skip
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.datetimes(datetime(1000, 1, 1)).map(datetime.isoformat),
    st.dates(date(1000, 1, 1)).map(lambda day: day.strftime("%d.%m.%Y")),
    st.sampled_from(NASTY),
)


def ordinary(cell: Any, read_as: str) -> Any:
    """What the frame of one cell holds; None where it is refused."""
    try:
        return feature_frame(pd.DataFrame([{"cell": cell}]), {"cell": read_as})["cell"].iloc[0]
    except (ValueError, TypeError):
        return None


def assert_same(cell: Any, read_as: str) -> None:
    read, expected = reader("cell", read_as), ordinary(cell, read_as)
    assert read is not None
    if expected is None:
        with pytest.raises((ValueError, TypeError)):
            read(cell)
        return
    value = read(cell)
    assert type(value) in (float, str)
    if isinstance(expected, str):
        assert value == expected
    else:
        assert np.float64(value).tobytes() == np.float64(expected).tobytes()


@pytest.mark.parametrize("read_as", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_nasty_cells(read_as: str) -> None:
    for cell in NASTY:
        assert_same(cell, read_as)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(cell=CELLS, read_as=st.sampled_from(KINDS))
def test_any_cell(cell: Any, read_as: str) -> None:
    assert_same(cell, read_as)


def test_images_are_for_the_ordinary_path() -> None:
    assert reader("cell", "image") is None
    assert reader("cell", "image fraction") is None
