"""The values of Arrow columns: which are read, what room they take in Python, and what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.serving.refusal import Refusal

_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_HELD = (
    *_TEXTS, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_date,
    pa.types.is_timestamp, pa.types.is_decimal,
)  # fmt: skip
"""Types of cells; dictionaries hold them too. No view, no run: one value that stands for many."""
_LISTS = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
_DEEPEST = 3
"""Lists within lists, of an image: rows, columns, channels."""
CELL_BYTES = 8
"""Where a value is, in Python; and these are the least that are sent for it, or none at all."""
_NUMBER_BYTES = 32
_LIST_BYTES = 64


def is_text(kind: pa.DataType) -> bool:
    """Whether these are texts or bytes."""
    return any(is_of(kind) for is_of in _TEXTS)


def refuse_unread(name: str, kind: pa.DataType, *, is_image: bool) -> None:
    """Refuse a column whose type is not read.

    Args:
        name: Of the column.
        kind: Its type.
        is_image: Whether it may hold pixels: lists of numbers.

    Raises:
        Refusal: It is none of those (415).
    """
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_read = pa.types.is_null(kind) or any(is_of(held) for is_of in _HELD)
    if is_read or (is_image and _holds_pixels(kind)):
        return
    told = f"Column {name[:60]!r} is of type {str(kind)[:60]}, which is not read."
    mend = "send numbers, texts, truth values, dates or bytes"
    raise Refusal(415, told, f"{mend}, or pixels as lists of numbers" if is_image else mend)


def _holds_pixels(kind: pa.DataType) -> bool:
    for _ in range(_DEEPEST):
        if _is_list(kind):
            kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_list(kind: pa.DataType) -> bool:
    return any(is_of(kind) for is_of in _LISTS)


def room(column: pa.ChunkedArray) -> int:
    """Bytes that the values take: a text as often as it stands there, every number of a list.

    Args:
        column: Validated, of a type that is read.
    """
    if _is_list(column.type):
        return sum(_room_of_lists(each) for each in column.chunks)
    if not pa.types.is_dictionary(column.type) or not is_text(column.type.value_type):
        return int(column.nbytes) + CELL_BYTES * len(column)
    lengths = [pc.binary_length(each.dictionary).take(each.indices) for each in column.chunks]
    return sum(pc.sum(each).as_py() or 0 for each in lengths)


def _room_of_lists(array: pa.Array) -> int:
    if _is_list(array.type):
        return len(array) * (_LIST_BYTES + CELL_BYTES) + _room_of_lists(array.flatten())
    is_small = array.type == pa.uint8()  # Python has one object for each of these
    return len(array) * (CELL_BYTES if is_small else CELL_BYTES + _NUMBER_BYTES)


def cells(name: str, column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; not-a-number is none, and a date has microseconds, as Python's do.

    Raises:
        Refusal: A date is finer than that (422).
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), None, column)
    elif pa.types.is_timestamp(kind) and kind.unit == "ns":
        try:
            column = column.cast(pa.timestamp("us", kind.tz))
        except pa.ArrowInvalid:
            told = f"Column {name[:60]!r} has dates that are finer than a microsecond."
            raise Refusal(422, told, "round them to microseconds") from None
    elif _is_list(kind):
        return [each for chunk in column.chunks for each in _lists(chunk)]
    return list(column.to_pylist())


def _lists(array: pa.Array) -> list[Any]:
    """As `to_pylist`, by way of numpy: ten times as fast, and nobody else works meanwhile."""
    if not _is_list(array.type):
        return _listed(array)
    inner, read, end = _lists(array.flatten()), [], 0
    for n in _listed(pc.list_value_length(array)):
        begin, end = end, end + (n or 0)
        read.append(None if n is None else inner[begin:end])
    return read


def _listed(numbers: pa.Array) -> list[Any]:
    listed: list[Any] = numbers.fill_null(0).to_numpy(zero_copy_only=False).tolist()
    if numbers.null_count:
        for place in np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False)):
            listed[place] = None
    return listed
