"""Arrow and Parquet bodies as columns of plain values, within limits.

What is compressed may unpack to a thousand times its size. A Parquet file says beforehand to how
much; an Arrow stream does not, so that compressed streams are refused.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from assay.serving.refusal import Refusal
from assay.serving.rows import Columns
from assay.serving.settings import Limits
from assay.serving.table_values import CELL_BYTES, cells, is_text, refuse_unread, room

_COLUMNS = 10_000


@dataclass(frozen=True)
class Wanted:
    """The columns that are read; of others the name is enough, whatever is in them.

    Attributes:
        names: Of all of them.
        images: Of those that may hold pixels as lists.
    """

    names: frozenset[str]
    images: frozenset[str] = frozenset()


def arrow_columns(body: bytes, limits: Limits, wanted: Wanted) -> tuple[Columns, int]:
    """Columns and number of rows of an Arrow IPC stream; a column that nobody wants is empty.

    Raises:
        Refusal: It is none (400), is compressed or of a type that is not read (415), has too many
            rows or too fine dates (422), or unpacks to too much (413).
    """
    try:
        _refuse_compressed(body)
        with pa.ipc.open_stream(body) as reader:
            read = _read_of(reader.schema, wanted)
            pieces, n = [], 0
            for batch in reader:
                n += batch.num_rows
                _refuse_rows(n, limits)
                pieces.append(batch.select(read))
            columns = [reader.schema.field(name) for name in read]
            table = pa.Table.from_batches(pieces, schema=pa.schema(columns))
            return _columns(reader.schema.names, table, limits), n
    except _BROKEN as error:
        raise _unreadable("an Arrow stream", error) from None


def parquet_columns(body: bytes, limits: Limits, wanted: Wanted) -> tuple[Columns, int]:
    """As `arrow_columns`, of a Parquet file."""
    try:
        texts = _texts_of(pq.read_schema(pa.BufferReader(body)))
        with pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts) as file:
            about, schema = file.metadata, file.schema_arrow
            _refuse_rows(about.num_rows, limits)
            read = _read_of(schema, wanted)
            if _unpacked(about) > limits.table_mib * 2**20 or about.num_columns > _COLUMNS:
                raise _too_large(limits)
            table = file.read(columns=read, use_threads=False).select(read)
            return _columns(schema.names, table, limits), about.num_rows
    except _BROKEN as error:
        raise _unreadable("a Parquet file", error) from None


def _unpacked(about: pq.FileMetaData) -> int:
    """Bytes as the file itself has it; a number in a list may take none of them, but one here."""
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    n_values = sum(each.column(i).num_values for each in groups for i in range(each.num_columns))
    return max(sum(each.total_byte_size for each in groups), CELL_BYTES * int(n_values))


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
    return [each.name for each in schema if is_text(each.type)]


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


def _read_of(schema: pa.Schema, wanted: Wanted) -> list[str]:
    """Names of the columns that are to be read, all of types that can be."""
    names = schema.names
    if len(names) > _COLUMNS:
        told = f"The table has more than {_COLUMNS:,} columns."
        raise Refusal(400, told, "send the columns of the model, each once")
    twice = min((name for name, n in Counter(names).items() if n > 1), default=None)
    if twice is not None:
        told = f"Several columns have the name {twice[:60]!r}."
        raise Refusal(400, told, "send the columns of the model, each once")
    read = [name for name in names if name in wanted.names]
    for name in read:
        refuse_unread(name, schema.field(name).type, is_image=name in wanted.images)
    return read


def _columns(names: list[str], table: pa.Table, limits: Limits) -> Columns:
    most = limits.table_mib * 2**20
    table.validate()
    if table.nbytes > most:  # columns may share their bytes: to look at all may take for ever
        raise _too_large(limits)
    table.validate(full=True)
    if sum(room(column) for column in table.columns) > most:
        raise _too_large(limits)
    read = {name: cells(name, table.column(name)) for name in table.column_names}
    return {name: read.get(name, []) for name in names}
