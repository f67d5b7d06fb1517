"""Dates in text, in other forms than ISO 8601: which form a column is written in.

A form counts only if every value of the column is written in it, so that a date is never guessed
row by row. Where days and months could be either (all days up to 12), slashes and dashes are read
as month first and dots as day first, and the evidence says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_DATES = {
    r"\d{1,2}/\d{1,2}/\d{4}": ("%m/%d/%Y", "%d/%m/%Y"),
    r"\d{1,2}-\d{1,2}-\d{4}": ("%m-%d-%Y", "%d-%m-%Y"),
    r"\d{1,2}\.\d{1,2}\.\d{4}": ("%d.%m.%Y",),
    r"\d{4}/\d{1,2}/\d{1,2}": ("%Y/%m/%d",),
    r"\d{4}\.\d{1,2}\.\d{1,2}": ("%Y.%m.%d",),
    r"\d{1,2} [A-Z][a-z]{2} \d{4}": ("%d %b %Y",),
    r"\d{1,2}-[A-Z][a-z]{2}-\d{4}": ("%d-%b-%Y",),
    r"[A-Z][a-z]{2} \d{1,2}, \d{4}": ("%b %d, %Y",),
}
_TIMES = {"": "", r" \d{1,2}:\d{2}": " %H:%M", r" \d{1,2}:\d{2}:\d{2}": " %H:%M:%S"}
_TRIED = 50


def date_format(texts: pa.ChunkedArray) -> tuple[str, bool]:
    """The `strptime` form that all texts are written in, and whether another would fit as well.

    Args:
        texts: A column of text; missing values are passed over.

    Returns:
        The form, empty if there is none; whether day and month could be the other way round.
    """
    values = pc.unique(texts).drop_null()
    if len(values) == 0:
        return "", False
    fitting = [form for form in _candidates(values) if _all_read(values, form)]
    return (fitting[0], len(fitting) > 1) if fitting else ("", False)


def are_written(cells: pd.Series[Any], form: str) -> pd.Series[bool]:
    """Which cells are dates that are written in a form, shape (n,); a missing one is not."""
    return pd.to_datetime(cells, format=form, errors="coerce").notna()


def _candidates(values: pa.Array) -> Iterator[str]:
    """Forms that the first values look like."""
    first = [str(value) for value in values[:_TRIED].to_pylist()]
    for (date, forms), (time, clock) in product(_DATES.items(), _TIMES.items()):
        looks_so = all(re.fullmatch(date + time, value) for value in first)
        if looks_so and _all_match(values, f"^{date}{time}$"):
            yield from (form + clock for form in forms)


def _all_match(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _all_read(values: pa.Array, form: str) -> bool:
    """Whether every value is a day of the calendar: Arrow reads 30 February as 1 March."""
    return bool(pd.to_datetime(values.to_pandas(), format=form, errors="coerce").notna().all())
