"""Misfits: which cells of a table keep a model from predicting it, and what belongs there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from assay.data.features import feature_frame
from assay.errors import DataError
from assay.inference.strictness import first_row
from assay.predictions import Rows

_SHOWN_VALUES = 3
_SHOWN_ROWS = 5
_MENDS = {
    "numeric": "write a number there, or leave it empty",
    "numeric truth": "write true or false there, or leave it empty",
    "categorical truth": "write true or false there, or leave it empty",
    "categorical number": "write a number there, as in training, or leave it empty",
    "datetime": "write the date as 2026-01-31 there, or leave it empty",
}


def misfit(
    frame: pd.DataFrame, kinds: Mapping[str, str], policies: Mapping[str, str], model: str
) -> DataError | None:
    """Why the rows cannot be predicted, down to the cells; None if they fit as far as can be seen.

    Args:
        frame: The rows.
        kinds: How the model reads each of its features, by name.
        policies: What it does about rows unlike those it learnt from; only errors are told.
        model: What the model is called.
    """
    missing = [name for name in kinds if name not in frame.columns]
    if missing and policies["missing_column"] == "error":
        return DataError(
            f"The rows do not fit the model {model}: columns are missing: {', '.join(missing)}.",
            where=f"columns: {', '.join(frame.columns)}",
            mend=mend_of_absent(kinds),
        )
    twice = sorted({name for name in kinds if list(frame.columns).count(name) > 1})
    if twice:
        return DataError(
            f"The rows do not fit the model {model}: it cannot be said which column is meant.",
            where=f"several columns have the name: {', '.join(twice)}",
            mend="give every column a name of its own",
        )
    if policies["wrong_type"] == "error":
        for name, read_as in kinds.items():
            bad = dict(_misread(frame[name], read_as)) if name in frame.columns else {}
            if bad:
                return _of_cells(name, read_as, bad, model)
    return None


def mend_of_absent(kinds: Mapping[str, str]) -> str:
    """What to do where a column is not there."""
    return f"give the columns that the model was trained on: {', '.join(kinds)}"


def misread_told(name: str, read_as: str, bad: Iterable[str]) -> str:
    """What is said of cells that cannot be read as their kind; `bad` has them as typed."""
    kind, _, form = read_as.partition(" ")
    said = "true or false" if form == "truth" else kind
    return f"column {name!r} is {said}, but holds {', '.join(bad)}"


def _of_cells(name: str, read_as: str, bad: Mapping[str, Rows], model: str) -> DataError:
    rows = np.sort(np.concatenate(list(bad.values())))
    shown = ", ".join(map(str, rows[:_SHOWN_ROWS]))
    more = f" and {len(rows) - _SHOWN_ROWS:,} more" if len(rows) > _SHOWN_ROWS else ""
    return DataError(
        f"The rows do not fit the model {model}: {misread_told(name, read_as, bad)}.",
        where=f"column {name!r}, row{'s' if len(rows) > 1 else ''} {shown}{more}, counted from 0",
        mend=mend_of(read_as),
    )


def mend_of(read_as: str) -> str:
    """What to write where a cell cannot be read as its kind."""
    kind, _, form = read_as.partition(" ")
    if kind == "datetime" and form:
        return f"write the date as {form} there, or leave it empty"
    return _MENDS.get(read_as, _MENDS.get(kind, "give values as in training"))


def _misread(cells: pd.Series[Any], read_as: str) -> Iterator[tuple[str, Rows]]:
    """The first values that cannot be read so, as they would be typed, with all their rows."""
    texts = cells.map(repr).to_numpy()
    left = np.arange(len(cells))
    start = first_row(cells)
    for _ in range(_SHOWN_VALUES):
        if not len(left) or _is_read(cells.iloc[left], read_as):
            return
        first, last = 0, len(left)  # the first row that is misread lies between
        while last - first > 1:
            middle = (first + last) // 2
            if _is_read(cells.iloc[left[first:middle]], read_as):
                first = middle
            else:
                last = middle
        value = texts[left[first]]
        yield value, start + left[texts[left] == value]
        left = left[texts[left] != value]


def _is_read(cells: pd.Series[Any], read_as: str) -> bool:
    try:
        feature_frame(cells.to_frame("cells"), {"cells": read_as})
    except (ValueError, TypeError):
        return False
    return True
