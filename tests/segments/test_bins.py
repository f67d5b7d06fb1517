"""Bins say in words which rows they hold, and hold just these."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.data.schema import Kind
from assay.segments.bins import MISSING, OTHERS, binned, levels


def test_ranges_hold_the_rows_that_their_words_say() -> None:
    values = pd.Series(np.random.default_rng(0).lognormal(size=3000) * 1000)
    column = binned("income", values, Kind.NUMERIC, most=10, fewest=1)
    assert column.n_bins == 10
    assert column.is_ordered
    low, _, _, _, high = column.said(3, 5).split()
    expected = (values > float(low)) & (values <= float(high))
    np.testing.assert_array_equal(column.within(3, 5), expected)
    assert column.said(0, 2) == f"income ≤ {column.labels[2]}"
    assert column.said(7, 9) == f"income > {column.labels[6]}"
    assert np.bincount(column.codes).min() > 200


def test_few_numbers_are_levels_and_gaps_are_told() -> None:
    values = pd.Series([1.0, 2.0, 2.0, 3.0, np.nan])
    column = binned("rooms", values, Kind.NUMERIC, most=10, fewest=1)
    assert column.said(1, 1) == "rooms = 2"
    assert column.said(0, 1) == "rooms ≤ 2"
    assert column.said(MISSING, MISSING) == "rooms is missing"
    assert column.codes.tolist() == [0, 1, 1, 2, MISSING]


def test_more_numbers_may_be_told_one_by_one_than_there_are_ranges_of_many() -> None:
    for distinct, n_bins in ((12, 12), (13, 4)):
        values = pd.Series(np.arange(10.0 * distinct) % distinct)
        column = binned("rooms", values, Kind.NUMERIC, most=4, fewest=1, exact=12)
        assert (column.n_bins, column.is_exact) == (n_bins, n_bins == distinct)


def test_dates_end_with_whole_days() -> None:
    days = np.arange(100) + 0.4
    column = binned("when", pd.Series(days), Kind.DATETIME, most=4, fewest=1)
    assert column.said(0, 0) == "when ≤ 1970-01-25"
    assert column.within(0, 0).sum() == 25


def test_rare_levels_are_told_together() -> None:
    cities = pd.Series(["Oslo"] * 5 + ["Bergen"] * 4 + ["Hamar", None], dtype=object)
    column = levels("city", cities, most=12, fewest=2)
    assert column.labels == ("Oslo", "Bergen")
    assert column.said(OTHERS, OTHERS) == "city is another"
    assert column.codes.tolist() == [0] * 5 + [1] * 4 + [OTHERS, MISSING]


def test_a_column_of_one_value_tells_nothing() -> None:
    assert binned("same", pd.Series(np.ones(9)), Kind.NUMERIC, most=4, fewest=1) is None
    assert binned("none", pd.Series(np.full(9, np.nan)), Kind.NUMERIC, most=4, fewest=1) is None
    texts = pd.Series(["one two", "one", ""], dtype=object)
    words = binned("review", texts, Kind.TEXT, most=4, fewest=1)
    assert words.said(1, 2) == "words in review > 0"


def test_values_that_differ_late_are_called_differently() -> None:
    values = pd.Series([0.1, 0.1 + 1e-14, 1e15 + 1, 1e15 + 2, 3e21])
    column = binned("x", values, Kind.NUMERIC, most=12, fewest=1)
    assert len(set(column.labels)) == 5
    assert column.labels[0] == "0.1"
    assert column.labels[3] == "1000000000000002"
