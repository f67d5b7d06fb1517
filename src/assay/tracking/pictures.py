"""Pictures in tables: cells that hold an image, as bytes or by its path, to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa

MOST_BYTES = 20_000_000
"""Of one picture; what is larger is not shown."""
_LOOKED_AT = 10
_HERE = Path()
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"}


def picture_columns(table: pa.Table, folder: Path = _HERE) -> list[str]:
    """The columns that hold pictures, as their first values tell; paths are those of `folder`."""
    return [
        name
        for name in table.column_names
        if _may_hold(table.schema.field(name).type) and _holds(table[name], folder)
    ]


def picture(value: Any, folder: Path = _HERE) -> bytes | None:
    """The picture that a cell holds: its bytes, {'bytes', 'path'}, or the path of a file.

    >>> picture("a text.") is None
    True
    """
    if isinstance(value, Mapping):
        return picture(value.get("bytes")) or picture(value.get("path"), folder)
    if isinstance(value, bytes):
        return value if _is_image(value) and len(value) <= MOST_BYTES else None
    if isinstance(value, str) and Path(value).suffix.lower() in _ENDINGS:
        return _read(folder / value)
    return None


def opened(value: Any, folder: Path = _HERE) -> Any:
    """The picture that a cell holds as Pillow's image; None if it is none, or is broken."""
    from PIL import Image

    content = picture(value, folder)
    if content is None:
        return None
    try:
        image = Image.open(BytesIO(content))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return image


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError):  # it is not there, or no path at all
        return None


def _is_image(content: bytes) -> bool:
    return content.startswith(_BEGINNINGS) or (content[:4], content[8:12]) == (b"RIFF", b"WEBP")


def _may_hold(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return texts or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _is_struct(kind)


def _is_struct(kind: pa.DataType) -> bool:
    names = {each.name for each in kind} if pa.types.is_struct(kind) else set()
    return not names.isdisjoint(("bytes", "path"))


def _holds(column: pa.ChunkedArray, folder: Path) -> bool:
    first = column.drop_null().slice(0, _LOOKED_AT).to_pylist()
    return any(picture(each, folder) is not None for each in first)
