"""Features: how raw cells of a data frame become what a learner sees.

This module stands alone (pandas and NumPy only), because its text travels inside every logged
model: the same function prepares rows for training and for plain MLflow without Assay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def feature_frame(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """The features of some rows.

    Args:
        frame: Rows with at least the columns named in `kinds`, in any order.
        kinds: Kind of each feature by name: 'numeric', 'categorical', 'text', 'datetime', or
            'datetime' and the form of the dates: 'datetime %d.%m.%Y'.

    Returns:
        One column per feature, in the order of `kinds`: numbers, and dates as days since 1970,
        as float64; categories and texts as text objects. NaN where a value is missing, but empty
        text where a text is.

    Raises:
        ValueError: A column is missing, or holds values that are not of its kind.
    """
    missing = [name for name in kinds if name not in frame.columns]
    if missing:
        raise ValueError(f"columns are missing: {', '.join(map(str, missing))}")
    columns = {}
    for name, read_as in kinds.items():
        kind, _, written = read_as.partition(" ")
        try:
            columns[name] = _READ[kind](frame[name], written)
        except (ValueError, TypeError) as error:
            raise ValueError(f"column {name!r} is {kind}, but {error}") from None
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _numbers(series: pd.Series[Any], _: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return pd.to_numeric(series, errors="raise").to_numpy(dtype=np.float64, na_value=np.nan)


def _days(series: pd.Series[Any], written: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    is_text = not pd.api.types.is_datetime64_any_dtype(series.dtype)
    form = written if written and is_text else "ISO8601"
    instants = pd.to_datetime(series, utc=True, format=form).dt.tz_localize(None)
    microseconds = instants.to_numpy().astype("datetime64[us]")
    days = microseconds.astype(np.int64) / 86_400e6
    return np.where(np.isnat(microseconds), np.nan, days)


def _categories(series: pd.Series[Any], _: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    codes, levels = pd.factorize(series)
    texts = np.empty(len(levels) + 1, dtype=object)
    texts[:-1] = [_text(level) for level in levels]
    texts[-1] = np.nan
    return texts[codes]


def _texts(series: pd.Series[Any], _: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    texts = np.empty(len(series), dtype=object)
    texts[:] = ["" if pd.isna(each) else str(each) for each in series]
    return texts


def _text(level: Any) -> Any:
    if isinstance(level, bool | np.bool_):
        return "true" if level else "false"
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level) if str(level) else np.nan


_READ = {"numeric": _numbers, "datetime": _days, "categorical": _categories, "text": _texts}
