"""Features: how raw cells of a data frame become what a learner sees.

This module stands alone (pandas and NumPy only), because its text travels inside every logged
model: the same function prepares rows for training and for plain MLflow without Assay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def feature_frame(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """The features of some rows.

    Args:
        frame: Rows with at least the columns named in `kinds`, in any order.
        kinds: How each feature is read, by name: its kind ('numeric', 'categorical', 'text',
            'datetime', 'image') and, where the cells may stand for something else, what:
            'numeric truth', 'categorical number', 'datetime %d.%m.%Y', 'image fraction'.

    Returns:
        One column per feature, in the order of `kinds`: numbers, and dates as days since 1970,
        as float64; categories and texts as text objects; images as the bytes of their files, or
        as pixels, uint8, shape (h, w) or (h, w, c). NaN where a value is missing, or a number
        infinite, but empty text where a text is missing.

    Raises:
        ValueError: A column is missing, or holds values that are not of its kind.
    """
    missing = [name for name in kinds if name not in frame.columns]
    if missing:
        raise ValueError(f"columns are missing: {', '.join(map(str, missing))}")
    columns = {}
    for name, read_as in kinds.items():
        kind, _, form = read_as.partition(" ")
        try:
            columns[name] = _READ[kind](frame[name], form)
        except (ValueError, TypeError) as error:
            raise ValueError(f"column {name!r} is {kind}, but {error}") from None
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _numbers(series: pd.Series[Any], form: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if form == "truth":
        series = _truths(series)
    if series.isna().all():
        return np.full(len(series), np.nan)
    read = pd.to_numeric(series, errors="raise")
    for values in (series, read):
        if values.dtype.kind in "mMc":  # they would be read as nanoseconds, or by half
            raise ValueError(f"its values are of type {values.dtype}")
    numbers = read.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isinf(numbers), np.nan, numbers)


def _truths(series: pd.Series[Any]) -> pd.Series[Any]:
    """Truth values for texts that say them; anything else as it is."""
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return series
    known = {"true": True, "false": False}
    return series.map(lambda cell: known.get(str(cell).lower(), cell), na_action="ignore")


def _days(series: pd.Series[Any], form: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    is_text = not pd.api.types.is_datetime64_any_dtype(series.dtype)
    if is_text and pd.api.types.infer_dtype(series, skipna=True) != "string":
        series = series.map(_written, na_action="ignore")
    written = form if form and is_text else "ISO8601"
    instants = pd.to_datetime(series, utc=True, format=written).dt.tz_localize(None)
    microseconds = instants.to_numpy().astype("datetime64[us]")
    days = microseconds.astype(np.int64) / 86_400e6
    return np.where(np.isnat(microseconds), np.nan, days)


def _written(cell: Any) -> Any:
    """A number as one would write it: it is a date only as that, never so many nanoseconds."""
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))  # pandas makes 20260101.0 of 20260101 where another is missing
    return str(cell) if isinstance(cell, bool | int | float | np.generic) else cell


def _categories(series: pd.Series[Any], form: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    if form == "truth":
        series = _truths(series)
    if form == "number":
        series = pd.to_numeric(series, errors="raise")
    codes, levels = pd.factorize(series)
    texts = np.empty(len(levels) + 1, dtype=object)
    texts[:-1] = [level_text(level) for level in levels]
    texts[-1] = np.nan
    return texts[codes]


def _texts(series: pd.Series[Any], _: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    texts = np.empty(len(series), dtype=object)
    texts[:] = ["" if pd.isna(each) else str(each) for each in series]
    return texts


def level_text(level: Any) -> Any:
    """A level as text: truth and whole numbers as one writes them; NaN for an empty text."""
    if isinstance(level, bool | np.bool_):
        return "true" if level else "false"
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level) if str(level) else np.nan


def _images(series: pd.Series[Any], form: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    images = np.empty(len(series), dtype=object)
    for row, cell in enumerate(series):
        try:
            images[row] = _image(cell, form)
        except (ValueError, TypeError, OSError) as error:
            raise ValueError(f"row {row} is none: {error}") from None
    return images


def _image(cell: Any, form: str) -> Any:
    """The bytes of a file, given as they are or by its path, or pixels; NaN for neither."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell) or np.nan
    if isinstance(cell, str):
        return Path(cell).read_bytes() if cell else np.nan
    if not isinstance(cell, list | tuple | np.ndarray):
        if pd.isna(cell):
            return np.nan
        raise ValueError(f"{cell!r} is neither the bytes nor the path of a file, nor pixels")
    return _pixels(np.array(_listed(cell), dtype=np.float64), form)


def _pixels(values: np.ndarray[Any, Any], form: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Rows of pixels; colours come last, and a single row is that of a square."""
    if values.ndim == 1 and values.size == int(values.size**0.5) ** 2:
        values = values.reshape(int(values.size**0.5), -1)
    colours = (1, 3, 4)
    if values.ndim == 3 and values.shape[2] not in colours and values.shape[0] in colours:
        values = np.moveaxis(values, 0, 2)
    is_flat = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in colours)
    if values.size == 0 or not is_flat:
        raise ValueError(f"numbers of shape {values.shape} are no image")
    values = values * 255 if form == "fraction" else values
    if not ((values >= 0) & (values <= 255)).all():
        raise ValueError(f"its pixels are not from 0 to {1 if form == 'fraction' else 255}")
    return np.rint(values).astype(np.uint8)


def _listed(cells: Any) -> Any:
    """Arrays of arrays, as Arrow gives them, as lists of lists."""
    if isinstance(cells, list | tuple | np.ndarray):
        return [_listed(each) for each in cells] if _is_deep(cells) else list(cells)
    return cells


def _is_deep(cells: Any) -> bool:
    return len(cells) > 0 and isinstance(cells[0], list | tuple | np.ndarray)


_READ = {
    "numeric": _numbers,
    "datetime": _days,
    "categorical": _categories,
    "text": _texts,
    "image": _images,
}
