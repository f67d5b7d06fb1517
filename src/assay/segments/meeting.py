"""Meeting: which rows of a table meet what a segment asks of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.schema import Kind
from assay.predictions import Floats
from assay.segments.criteria import Criterion

Mask = NDArray[np.bool_]


def rows_meeting(criterion: Criterion, values: pd.Series, kind: Kind) -> Mask:
    """Which rows meet a criterion, shape (n,).

    Args:
        criterion: What is asked of them.
        values: The column of these rows, as `feature_frame` reads it; levels are found fastest in
            one that is made categorical.
        kind: What they mean.
    """
    known = values.notna().to_numpy()
    if criterion.test == "missing":
        return ~known
    if criterion.test in ("level", "others"):
        # Of a categorical column each level is written once, instead of each row.
        named = values.map(str, na_action="ignore").isin(criterion.levels).to_numpy()
        return np.asarray(known & (named if criterion.test == "level" else ~named))
    numbers = numbers_of(values, kind)
    if criterion.test == "number":
        return np.asarray(numbers == criterion.up_to)
    above = -np.inf if criterion.above is None else criterion.above
    up_to = np.inf if criterion.up_to is None else criterion.up_to
    return np.asarray((numbers > above) & (numbers <= up_to))


def numbers_of(values: pd.Series, kind: Kind) -> Floats:
    """The numbers that a column is told apart by, float64, shape (n,).

    Of dates whole days since 1970, of texts the number of words; NaN where a value is missing.
    """
    if kind is Kind.TEXT:
        return values.str.split().str.len().to_numpy(dtype=np.float64)
    numbers = values.to_numpy(dtype=np.float64)
    return np.floor(numbers) if kind is Kind.DATETIME else numbers
