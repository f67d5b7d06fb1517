"""Names of rows: what an id says besides which row it is.

An id may count on through the order in which rows were written, begin with letters that say a
place or a kind, or end on a digit that somebody gave a meaning.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.data.schema import Kind

MOST_LETTERS = 64
LEAST_NUMBERED = 0.95


def aspects(values: pd.Series) -> dict[str, tuple[pd.Series, Kind]]:
    """What can be read off ids, by what it is called, with the kind of the values.

    Args:
        values: Whole numbers or texts, nearly all of them different, shape (n,).

    >>> read = aspects(pd.Series(["a7", "b10", "a9"]))
    >>> {name: found.tolist() for name, (found, kind) in read.items()}
    {'order': [7.0, 10.0, 9.0], 'beginning': ['a', 'b', 'a'], 'end': ['7', '0', '9']}
    """
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.astype(np.float64)
        last = (numbers % 10).map("{:.0f}".format).where(numbers.notna())
        return {"order": (numbers, Kind.NUMERIC), "end": (last, Kind.CATEGORICAL)}
    texts = values.astype("string")
    numbers = pd.to_numeric(texts.str.extract(r"(\d+)\D*$")[0], errors="coerce")
    if numbers.notna().mean() < LEAST_NUMBERED or numbers.nunique() < len(numbers) / 2:
        numbers = texts.rank(method="dense")
    parts = {
        "beginning": texts.str.extract(r"^(\D+)")[0],
        "end": texts.str[-1],
    }
    read = {"order": (numbers.astype(np.float64), Kind.NUMERIC)}
    read |= {
        name: (each.astype(object).where(each.notna(), None), Kind.CATEGORICAL)
        for name, each in parts.items()
        if 1 < each.nunique() <= MOST_LETTERS
    }
    return read
