"""Pictured tables: beside a column of paths stands what the files hold, as a column of bytes.

So an image is content like any other: it has a fingerprint, a kept copy has it too, and rows to be
predicted are read as those of training were. The path itself only says which row it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from assay.data.pictures import format_of
from assay.data.sources.refusals import reason_of
from assay.data.sources.settling import NAMES_ROW, is_marked
from assay.errors import DataError

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
IMAGE = "image"
_LOOKED_AT = 10


def pictured(table: pa.Table, folder: Path) -> pa.Table:
    """The table with the images that its columns of paths name.

    Such a column is of text, its first values end as images do, and the first of them is there.
    Its images are the column `image`, or `NAME.image` if there is one already.

    Args:
        table: As its form has read it.
        folder: What the paths are relative to.

    Raises:
        DataError: A file is not there or is no image; the message names the row and the path.
    """
    for name in _columns_of_paths(table, folder):
        position = table.column_names.index(name)
        paths = table[name].to_pylist()
        files = [None if path is None or path == "" else folder / path for path in paths]
        table = table.set_column(position, _naming(table.schema.field(name)), table[name])
        called = IMAGE if IMAGE not in table.column_names else f"{name}.{IMAGE}"
        table = table.add_column(position + 1, called, contents(files))
    return table


def contents(files: Sequence[Path | None]) -> pa.ChunkedArray:
    """What image files hold, as bytes; nothing for None.

    Raises:
        DataError: One of them cannot be read, or is no image.
    """
    held = [None if file is None else _content(file, row) for row, file in enumerate(files)]
    return pa.chunked_array([pa.array(held, pa.large_binary())])


def _content(file: Path, row: int) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unreadable(file, row, reason_of(error)) from None
    if not format_of(content):
        how = "is empty" if not content else "is no image that can be read here"
        raise _unreadable(file, row, f"it {how}")
    return content


def _unreadable(file: Path, row: int, reason: str) -> DataError:
    return DataError(
        f"The image {file.name} cannot be read: {reason.rstrip('.')}.",
        where=f"row {row}, counted from 0: {file}",
        mend="mend the file, or leave the row out",
    )


def _columns_of_paths(table: pa.Table, folder: Path) -> Iterator[str]:
    for field in table.schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        first = table[field.name].slice(0, _LOOKED_AT).drop_null().to_pylist()
        endings = {Path(path).suffix.lower() for path in first}
        are_paths = endings and endings <= ENDINGS and not is_marked(field, NAMES_ROW)
        if are_paths and (folder / first[0]).is_file():
            yield field.name


def _naming(field: pa.Field) -> pa.Field:
    return field.with_metadata({**(field.metadata or {}), **NAMES_ROW})
