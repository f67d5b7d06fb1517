"""Cells: of which type the values of a column must come, and how one is read."""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from assay.data.schema import Column

MISSING = object()
"""Stands where a row has no such column."""

Read = Callable[[Any], tuple[Any, str]]
"""Gives the value as the model takes it, and what is wrong with it."""

_NONE = type(None)
_NUMBERS = frozenset({int, float})
_PLAIN_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = {
    bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "an array",
    dict: "an object", bytes: "bytes", datetime: "a date", date: "a date",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How the cells of a column are read.

    Attributes:
        kind: What the column means: 'numeric', 'categorical', 'text', 'datetime', 'image'.
        form: What its cells stand for besides, as `Column.read_as` has it.
        types: The types that a cell may have.
        said: What it must be, in words.
        mend: What to send.
        reads: Reads a cell of one of these types; None where it stays as it is.
    """

    kind: str
    form: str
    types: frozenset[type]
    said: str
    mend: str
    reads: Read | None = None

    @property
    def is_text(self) -> bool:
        """Whether its cells are the levels of a category, as text."""
        return self.kind == "categorical" and not self.form

    def read(self, cell: Any) -> tuple[Any, str]:
        """The cell as the model takes it, and what is wrong with it; empty if nothing is."""
        return self.reads(cell) if self.reads is not None else (cell, "")

    def wrong(self, cell: Any) -> str:
        """That it has the wrong type."""
        return f"is {_NAMES.get(type(cell), 'of another type')}, not {self.said}"


def reading_of(column: Column, pixels: int) -> Reading:
    """How a feature is read.

    Args:
        column: The feature.
        pixels: Most pixels of an image.
    """
    kind, _, form = column.read_as.partition(" ")
    make = partial(_reading, kind, form)
    if form == "truth":
        return make({bool}, "a truth value", "send true or false")
    if kind == "numeric" or form == "number":
        return make(_NUMBERS, "a number", "send a number, without quotes")
    if kind == "datetime":
        types = {str, datetime, date} | ({int} if column.stored == "integer" else set())
        written = form or "2026-01-31 or 2026-01-31T12:00:00Z"
        read_as = column.read_as
        return make(types, "a date", f"send a text like {written}", partial(_date, read_as))
    if kind == "image":
        told = "send the file in base64, or its pixels as arrays"
        return make({str, bytes, list}, "an image", told, partial(_image, pixels))
    return make({str}, "a text", "send a text")


def _reading(
    kind: str, form: str, types: Any, said: str, mend: str, reads: Read | None = None
) -> Reading:
    return Reading(kind, form, frozenset({*types, _NONE}), said, mend, reads)


def days(cell: Any, read_as: str) -> float:
    """Days since 1970, UTC, as `feature_frame` counts them; NaN for none.

    Raises:
        ValueError: It is no date.
    """
    if isinstance(cell, str) and read_as == "datetime" and _PLAIN_DATE.fullmatch(cell):
        cell = datetime.fromisoformat(cell)
    if isinstance(cell, datetime):
        since = (cell if cell.tzinfo else cell.replace(tzinfo=UTC)) - _EPOCH
        return (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) / (
            86_400e6
        )
    return _days_by_pandas(cell, read_as)


def _days_by_pandas(cell: Any, read_as: str) -> float:
    import pandas as pd

    from assay.data.features import feature_frame

    return float(feature_frame(pd.DataFrame({"cell": [cell]}), {"cell": read_as})["cell"].iloc[0])


def _date(read_as: str, cell: Any) -> tuple[Any, str]:
    try:
        read = days(cell, read_as)
    except (ValueError, TypeError, OverflowError):
        return None, "cannot be read as a date"
    return (None, "") if math.isnan(read) else (cell, "")  # which an empty text is


def _image(most_pixels: int, cell: Any) -> tuple[Any, str]:
    """The bytes of a file, or pixels; never a path, which would be read on the server."""
    if isinstance(cell, list):
        return cell, ""
    if isinstance(cell, str):
        try:
            cell = base64.b64decode(cell, validate=True)
        except (binascii.Error, ValueError):
            return None, "is no base64"
    if not cell:
        return None, ""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(cell)) as image:
            width, height = image.size
    except Exception:  # whatever a decoder makes of foreign bytes
        return None, "is no image file that can be read"
    if width * height > most_pixels:
        return None, f"has {width} x {height} pixels, more than {most_pixels:,}"
    return cell, ""
