"""Pictures in stored columns: what tells images from other bytes and lists, by their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_LOOKED_AT = 20


def image_format(values: pa.ChunkedArray) -> str:
    """The format of the images that a column of bytes holds; empty if it holds something else."""
    if not is_binary(values.type):
        return ""
    found = {format_of(each) for each in _first(values)}
    return " and ".join(sorted(found)) if found and "" not in found else ""


def format_of(content: bytes) -> str:
    """What a file is by how it begins; empty if it is no image.

    >>> format_of(b"GIF89a"), format_of(b"a text")
    ('GIF', '')
    """
    if (content[:4], content[8:12]) == (b"RIFF", b"WEBP"):
        return "WebP"
    return next((name for mark, name in _BEGINNINGS.items() if content.startswith(mark)), "")


def are_pixels(values: pa.ChunkedArray) -> bool:
    """Whether the cells are lists of lists of numbers, all of which are rectangles."""
    if not (_is_list(values.type) and _is_list(values.type.value_type)):
        return False
    if not _is_number(_innermost(values.type)):
        return False
    return all(_is_rectangle(each) for each in _first(values))


def form_of_pixels(values: pa.ChunkedArray) -> str:
    """'fraction' for lists of floats that run from 0 to 1 at most; else empty."""
    if not (_is_list(values.type) and pa.types.is_floating(_innermost(values.type))):
        return ""
    while _is_list(values.type):
        values = pc.list_flatten(values)
    highest = pc.max(values).as_py()
    return "fraction" if highest is not None and highest <= 1 else ""


def is_binary(kind: pa.DataType) -> bool:
    """Whether cells of this type are bytes."""
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _first(values: pa.ChunkedArray) -> Iterator[Any]:
    yield from values.drop_null().slice(0, _LOOKED_AT).to_pylist()


def _is_rectangle(rows: Any) -> bool:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return False
    return len(rows) > 0 and len({len(row) for row in rows}) == 1 and len(rows[0]) > 0


def _is_list(kind: pa.DataType) -> bool:
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _innermost(kind: pa.DataType) -> pa.DataType:
    return _innermost(kind.value_type) if _is_list(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
