"""Criteria find the rows that their bins hold, and on other rows those that the words say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from assay.data.schema import Kind
from assay.segments.bins import MISSING, OTHERS, Binned, binned, levels
from assay.segments.criteria import Criterion
from assay.segments.meeting import rows_meeting

RANDOM = np.random.default_rng(0)
N = 600


def with_gaps(values: np.ndarray) -> pd.Series:
    return pd.Series(np.where(RANDOM.random(N) < 0.1, np.nan, values))


CITIES = RANDOM.choice(["Oslo", "Bergen", "Hamar", "Molde"], N, p=(0.6, 0.3, 0.06, 0.04))
COLUMNS = {
    "many numbers": (with_gaps(RANDOM.lognormal(size=N)), Kind.NUMERIC),
    "few numbers": (with_gaps(RANDOM.integers(0, 6, N).astype(float)), Kind.NUMERIC),
    "moments": (with_gaps(19_000 + RANDOM.random(N) * 400), Kind.DATETIME),
    "texts": (pd.Series(["word " * n for n in RANDOM.integers(0, 40, N)], dtype=object), Kind.TEXT),
    "levels": (
        pd.Series(np.where(RANDOM.random(N) < 0.1, None, CITIES), dtype=object), Kind.CATEGORICAL
    ),
}  # fmt: skip


def of(name: str) -> Binned:
    values, kind = COLUMNS[name]
    found = binned(name, values, kind, most=10, fewest=50)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COLUMNS)
def test_they_find_the_rows_of_their_bins_also_when_read_back(name: str) -> None:
    values, kind = COLUMNS[name]
    column = of(name)
    spans = [(MISSING, MISSING), (OTHERS, OTHERS)]
    spans += [
        (first, last)
        for first in range(column.n_bins)
        for last in range(first, column.n_bins if column.is_ordered else first + 1)
    ]
    for first, last in spans:
        expected = column.within(first, last)
        written = json.dumps(column.meant(first, last).as_dict(), allow_nan=False)
        read = Criterion.from_dict(json.loads(written))
        assert (read.column, read) == (name, column.meant(first, last))
        if (first, last) != (OTHERS, OTHERS) or not column.is_ordered:
            np.testing.assert_array_equal(
                rows_meeting(read, values, kind), expected, column.said(first, last)
            )


def test_on_other_rows_they_mean_what_the_words_say() -> None:
    numbers = of("many numbers")
    last = numbers.n_bins - 1
    assert numbers.said(last, last).startswith("many numbers > ")
    beyond = pd.Series([1e9, -1e9, np.nan])
    assert rows_meeting(numbers.meant(last, last), beyond, Kind.NUMERIC).tolist() == [
        True,
        False,
        False,
    ]
    assert rows_meeting(numbers.meant(0, 0), beyond, Kind.NUMERIC).tolist() == [False, True, False]
    known = numbers.meant(0, last)
    assert numbers.said(0, last) == "many numbers is known"
    assert rows_meeting(known, beyond, Kind.NUMERIC).tolist() == [True, True, False]
    few = of("few numbers")
    assert few.said(2, 2) == "few numbers = 2"
    between = pd.Series([2.0, 1.5, 2.5])
    assert rows_meeting(few.meant(2, 2), between, Kind.NUMERIC).tolist() == [True, False, False]
    cities = levels("city", COLUMNS["levels"][0], most=12, fewest=50)
    assert cities is not None
    new = pd.Series(["Oslo", "Bodø", None], dtype=object)
    others, oslo = (cities.meant(at, at) for at in (OTHERS, 0))
    assert rows_meeting(others, new, Kind.CATEGORICAL).tolist() == [False, True, False]
    assert rows_meeting(oslo, new, Kind.CATEGORICAL).tolist() == [True, False, False]
