"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from assay.data.sources.refusals import UNREADABLE, unreadable

_BUFFER_BYTES = 1 << 20


def read(path: Path) -> pa.Table:
    """The whole file.

    Raises:
        DataError: It is broken.
    """
    try:
        table = pyarrow.parquet.read_table(path, partitioning=None)
        table.validate(full=True)
    except UNREADABLE as error:
        raise unreadable(path, "Parquet file", error) from None
    return table


def batches(path: Path, rows: int) -> Iterator[pa.Table]:
    """The file piece by piece, however large its row groups are.

    Raises:
        DataError: It is broken.
    """
    try:
        # Only so is no whole row group in memory at once.
        with pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=rows):
                batch.validate(full=True)
                yield pa.Table.from_batches([batch])
    except UNREADABLE as error:
        raise unreadable(path, "Parquet file", error) from None
