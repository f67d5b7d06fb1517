"""Tables in memory: pandas, Polars, Arrow and Hugging Face, not copied where that is possible."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.data.sources.huggingface import is_dataset, table_of
from assay.data.sources.pictured import pictured
from assay.data.sources.refusals import duplicate_columns, duplicates, reason_of
from assay.data.sources.settling import plain, settled
from assay.errors import DataError


def from_frame(frame: Any, name: str = "the data frame", *, settle: bool = True) -> pa.Table:
    """Take over a pandas, Polars or Arrow table or a Hugging Face dataset, with settled types.

    Args:
        frame: A pandas or Polars frame (a lazy one is collected), an Arrow table, batch or
            reader of batches, a `Dataset` or `DatasetDict`, or whatever offers Arrow's stream of
            data. Paths of images in it are relative to the current folder.
        name: What to call it in errors.
        settle: Whether types are settled; else they are as the frame has them.

    Raises:
        DataError: It is none of these, or cannot be said in Arrow's types.
    """
    twice = duplicates(list(map(str, _columns(frame))))
    if twice:
        raise duplicate_columns(twice, name)
    try:
        table = table_of(frame, name) if is_dataset(frame) else _taken_over(frame)
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(
            f"{name} has a column whose values are of several types: {reason_of(error)}.",
            mend="give each column one type, for example frame[c] = frame[c].astype(str)",
        ) from None
    if table is None:
        raise DataError(
            f"{name} is a {type(frame).__name__}, which is no table.",
            mend="give a pandas, Polars or Arrow table, or a Hugging Face Dataset or DatasetDict",
        )
    return settled(pictured(table, Path.cwd()), name) if settle else plain(table, name)


def _columns(frame: Any) -> Any:
    """The names of a pandas frame, which may repeat; others refuse that themselves."""
    return frame.columns if _is_pandas(frame) else ()


def _is_pandas(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] == "pandas" and hasattr(frame, "columns")


def _of_lists(frame: Any) -> Any:
    """The frame with arrays of pixels as lists of lists: Arrow takes arrays of one axis only."""
    deep = [
        name
        for name in frame.columns
        if frame[name].dtype == object and getattr(_first(frame[name]), "ndim", 0) > 1
    ]
    return frame.assign(**{name: frame[name].map(_listed) for name in deep}) if deep else frame


def _first(values: Any) -> Any:
    return values.iloc[0] if len(values) else None


def _listed(cell: Any) -> Any:
    return cell.tolist() if hasattr(cell, "tolist") else cell


def _taken_over(frame: Any) -> pa.Table | None:
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pa.RecordBatch):
        return pa.Table.from_batches([frame])
    if isinstance(frame, pa.RecordBatchReader):
        return frame.read_all()
    if _is_pandas(frame):
        with warnings.catch_warnings():  # pandas', of how Arrow takes dates with time zones over
            warnings.simplefilter("ignore", DeprecationWarning)
            return pa.Table.from_pandas(_of_lists(frame), preserve_index=False)
    if type(frame).__module__.startswith("polars") and hasattr(frame, "collect"):
        frame = frame.collect()
    return pa.table(frame) if hasattr(frame, "__arrow_c_stream__") else None
