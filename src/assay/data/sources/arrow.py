"""Arrow files: Feather and the formats of Arrow's inter-process communication."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from assay.data.sources.refusals import UNREADABLE, unreadable

_FILE_MARK = b"ARROW1"


def read(path: Path) -> pa.Table:
    """The whole file, or stream.

    Raises:
        DataError: It is broken.
    """
    try:
        # Not memory-mapped: the file may be written again while the table is in use.
        with pa.OSFile(str(path)) as file:
            table = _reader(file).read_all()
        table.validate(full=True)
    except UNREADABLE as error:
        raise unreadable(path, "Arrow file", error) from None
    return table


def batches(path: Path, rows: int) -> Iterator[pa.Table]:
    """The file piece by piece.

    Raises:
        DataError: It is broken.
    """
    try:
        with _opened(path) as file:
            for batch in _batches_of(_reader(file)):
                for start in range(0, batch.num_rows, rows):
                    piece = batch.slice(start, rows)
                    piece.validate(full=True)
                    yield pa.Table.from_batches([piece])
    except UNREADABLE as error:
        raise unreadable(path, "Arrow file", error) from None


def _opened(path: Path) -> pa.NativeFile:
    """The file; one that is a single batch is mapped, so that only its pages in use are there."""
    with pa.OSFile(str(path)) as file:
        reader = _reader(file)
        is_one = isinstance(reader, pa.RecordBatchFileReader) and reader.num_record_batches == 1
    return pa.memory_map(str(path)) if is_one else pa.OSFile(str(path))


def _batches_of(
    reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchStreamReader):
        yield from reader
    else:
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _reader(file: pa.NativeFile) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    is_file = file.read(len(_FILE_MARK)) == _FILE_MARK
    file.seek(0)
    return pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
