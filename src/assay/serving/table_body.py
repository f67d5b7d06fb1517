"""Arrow and Parquet bodies as columns of plain values, within limits.

What is compressed may unpack to a thousand times its size. A Parquet file says beforehand to how
much; an Arrow stream does not, so that compressed streams are refused.
"""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.serving.refusal import Refusal
from assay.serving.rows import Columns
from assay.serving.settings import Limits

_COLUMNS = 10_000
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_READ = (
    *_TEXTS, pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating,
    pa.types.is_date, pa.types.is_timestamp, pa.types.is_decimal, pa.types.is_list,
    pa.types.is_large_list, pa.types.is_fixed_size_list,
)  # fmt: skip
"""Types in which no value can stand for many rows and yet be sent once."""


def arrow_columns(body: bytes, limits: Limits) -> tuple[Columns, int]:
    """Columns and number of rows of an Arrow IPC stream.

    Raises:
        Refusal: It is none (400), is compressed (415), has too many rows (422), or unpacks to
            too much (413).
    """
    try:
        _refuse_compressed(body)
        with pa.ipc.open_stream(body) as reader:
            pieces, n = [], 0
            for batch in reader:
                n += batch.num_rows
                _refuse_rows(n, limits)
                pieces.append(batch)
            table = pa.Table.from_batches(pieces, schema=reader.schema)
        table.validate(full=True)
        return _columns(table, limits), n
    except _BROKEN as error:
        raise _unreadable("an Arrow stream", error) from None


def parquet_columns(body: bytes, limits: Limits) -> tuple[Columns, int]:
    """As `arrow_columns`, of a Parquet file."""
    try:
        texts = _texts_of(pq.read_schema(pa.BufferReader(body)))
        with pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts) as file:
            about = file.metadata
            _refuse_rows(about.num_rows, limits)
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if unpacked > limits.table_mib * 2**20 or about.num_columns > _COLUMNS:
                raise _too_large(limits)
            table = file.read(use_threads=False)
        table.validate(full=True)
        return _columns(table, limits), table.num_rows
    except _BROKEN as error:
        raise _unreadable("a Parquet file", error) from None


_BROKEN = (
    pa.ArrowException,
    OSError,
    ValueError,
    KeyError,
    OverflowError,
    struct.error,
    IndexError,
)


def _unreadable(form: str, error: Exception) -> Refusal:
    reason = str(error).partition("\n")[0][:120]
    return Refusal(400, f"The body cannot be read as {form}: {reason}", f"send {form}")


def _texts_of(schema: pa.Schema) -> list[str]:
    """Columns that are read as a dictionary, so that a text which is sent once is kept once."""
    return [each.name for each in schema if any(is_of(each.type) for is_of in _TEXTS)]


def _too_large(limits: Limits) -> Refusal:
    told = f"The table unpacks to more than {limits.table_mib:g} MiB."
    return Refusal(413, told, "send fewer rows at a time")


def _refuse_rows(n: int, limits: Limits) -> None:
    if n > limits.rows:
        raise Refusal(
            422, f"The body has more than {limits.rows:,} rows.", "send fewer rows at a time"
        )


def _refuse_compressed(body: bytes) -> None:
    """Look at the head of every message: a batch may say that its buffers are compressed."""
    for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
        if message.type in ("record batch", "dictionary"):
            head = message.metadata.to_pybytes()
            batch = _field(head, _at(head, 0), 2)
            if batch is not None and message.type == "dictionary":
                batch = _field(head, _at(head, batch), 1)
            if batch is not None and _field(head, _at(head, batch), 3) is not None:
                raise Refusal(
                    415, "The Arrow stream is compressed.", "write it without compression"
                )


def _at(head: bytes, position: int) -> int:
    """Where an offset of a flatbuffer leads."""
    (offset,) = struct.unpack_from("<I", head, position)
    return position + int(offset)


def _field(head: bytes, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer's table is; None where it has its default."""
    (back,) = struct.unpack_from("<i", head, table)
    (size,) = struct.unpack_from("<H", head, table - back)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", head, table - back + 4 + 2 * number)
    return table + int(offset) if offset else None


def _columns(table: pa.Table, limits: Limits) -> Columns:
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) > _COLUMNS:
        what = f"have the name {twice[0][:60]!r}" if twice else "are in the table: too many"
        raise Refusal(400, f"Several columns {what}.", "send the columns of the model, each once")
    for name in names:
        kind = table.schema.field(name).type
        held = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not any(is_of(held) for is_of in _READ):
            told = f"Column {name[:60]!r} is of type {str(kind)[:60]}, which is not read."
            raise Refusal(415, told, "send numbers, texts, truth values, dates, bytes or lists")
    unpacked = sum(_size(column) for column in table.columns)
    if unpacked > limits.table_mib * 2**20:
        raise _too_large(limits)
    return {name: _cells(table.column(name)) for name in names}


def _size(column: pa.ChunkedArray) -> int:
    """Bytes of the texts of a column that holds each once; of another, what it takes."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    if not any(is_of(column.type.value_type) for is_of in _TEXTS):
        return int(column.nbytes) + 8 * len(column)
    lengths = [pc.binary_length(each.dictionary).take(each.indices) for each in column.chunks]
    return sum(pc.sum(each).as_py() or 0 for each in lengths)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; not-a-number is none."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return list(column.to_pylist())
