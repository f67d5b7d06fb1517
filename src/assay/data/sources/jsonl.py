"""JSON lines: one object a line. Numbers and truth values are typed by the file, text is text."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json

from assay.data.sources.refusals import UNREADABLE, reason_of
from assay.errors import DataError

_DEEPEST = 100
_BLOCK_BYTES = 1 << 20


def read(path: Path) -> pa.Table:
    """The whole file.

    Raises:
        DataError: It is broken.
    """
    [table] = _tables(path, None)
    return table


def batches(path: Path, rows: int) -> Iterator[pa.Table]:
    """The file piece by piece.

    Raises:
        DataError: It is broken.
    """
    return _tables(path, rows)


def _tables(path: Path, rows: int | None) -> Iterator[pa.Table]:
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            lines = (
                iter([stream.read()]) if rows is None else io.BufferedReader(stream, _BLOCK_BYTES)
            )
            while chunk := list(itertools.islice(lines, rows)):
                yield _parsed(b"".join(chunk))
    except UNREADABLE as error:
        raise DataError(
            f"{path.name} is not a table of JSON lines: {reason_of(error)}.",
            where=str(path),
            mend='write one object a line, each key with one type: {"a": 1, "b": "x"}',
        ) from None


def _parsed(data: bytes) -> pa.Table:
    longest = 0
    for line in data.splitlines():
        longest = max(longest, len(line))
        # Arrow's parser runs out of stack, and takes the process with it.
        if line.count(b"{") + line.count(b"[") > _DEEPEST and _depth(line) > _DEEPEST:
            raise ValueError(f"an object is nested more than {_DEEPEST} deep")
    options = pyarrow.json.ReadOptions(block_size=max(_BLOCK_BYTES, longest + 2))
    table = pyarrow.json.read_json(pa.BufferReader(data), read_options=options)
    schema = pa.schema([field.with_type(_with_text(field.type)) for field in table.schema])
    if schema != table.schema:
        parse = pyarrow.json.ParseOptions(explicit_schema=schema)
        table = pyarrow.json.read_json(pa.BufferReader(data), options, parse)
    table.validate(full=True)
    return table


def _depth(line: bytes) -> int:
    codes = np.frombuffer(line, dtype=np.uint8)
    opens = np.isin(codes, list(b"{[")).astype(np.int64)
    closes = np.isin(codes, list(b"}]")).astype(np.int64)
    return int((opens - closes).cumsum().max())


def _with_text(kind: pa.DataType) -> pa.DataType:
    """The type with text where the parser saw dates: settling says what is a date."""
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_with_text(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_with_text(kind.value_type))
    return kind
