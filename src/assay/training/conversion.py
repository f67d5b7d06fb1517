"""Columns of Parquet and Arrow files, rewritten once as arrays in which a row lies together.

A part of the rows is in memory at a time. What is rewritten is found again by where the files are,
their size and the times of their last change, which no program can set back; it is written aside,
synced and renamed, so that it is whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError, NotFoundError

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = 1
_ROWS_AT_ONCE = 1 << 15
_LISTS = "a list of fixed size"

Wanted = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Array:
    """An array to be written: of which columns, of what type, and a row's shape."""

    columns: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...]
    may_lack: bool


def converted(
    paths: Sequence[Path], wanted: Wanted, flat: frozenset[str], folder: Path
) -> dict[str, Path]:
    """Arrays of columns, as `.npy` files.

    Args:
        paths: Parquet or Arrow IPC (Feather) files with the same columns.
        wanted: For each array the columns it is made of; those without any are left out. `inputs`
            become float32, where a missing value is NaN; in all others none may be missing.
            `codes` become int64, `weights` float32, and `targets` what they are.
        flat: Arrays of one column without an axis for it.
        folder: Where they are kept.

    Returns:
        For each array its file.

    Raises:
        NotFoundError: A file is not there.
        DataError: A column is not there, holds no numbers, or lacks values where it must not.
    """
    wanted = {name: columns for name, columns in wanted.items() if columns}
    for path in paths:
        if not path.is_file():
            raise NotFoundError(f"There is no file {path}.", mend="Give a Parquet or Arrow file.")
    place = folder / _fingerprint(paths, wanted, flat)
    if not place.is_dir():
        _convert(paths, wanted, flat, place)
    return {name: place / f"{name}.npy" for name in wanted}


def _fingerprint(paths: Sequence[Path], wanted: Wanted, flat: frozenset[str]) -> str:
    states = [(str(path.resolve()), path.stat()) for path in paths]
    said = [
        _FORMAT,
        [(path, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in states],
        sorted(wanted.items()),
        sorted(flat),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _convert(paths: Sequence[Path], wanted: Wanted, flat: frozenset[str], place: Path) -> None:
    tables = [_Table(path) for path in paths]
    arrays = {name: _planned(tables, name, columns, flat) for name, columns in wanted.items()}
    n = sum(table.n_rows for table in tables)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        with ExitStack() as opened:
            files = {
                name: opened.enter_context((aside / f"{name}.npy").open("wb")) for name in arrays
            }
            for name, array in arrays.items():
                header = {"descr": np.dtype(array.dtype).str, "fortran_order": False}
                shape = (n, *array.shape)
                np.lib.format.write_array_header_2_0(files[name], {**header, "shape": shape})
            _write(tables, arrays, files)
        with suppress(OSError):  # another process was as far before
            aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(
    tables: Sequence[_Table], arrays: Mapping[str, _Array], files: Mapping[str, BinaryIO]
) -> None:
    names = sorted({column for array in arrays.values() for column in array.columns})
    for table in tables:
        with closing(table.batches(names)) as batches:
            for batch in batches:
                for name, array in arrays.items():
                    files[name].write(_rows(batch, array, table.path).data)
    for file in files.values():
        file.flush()
        os.fsync(file.fileno())


class _Table:
    """A file of columns, read a part at a time."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        with path.open("rb") as file:
            start = file.read(6)
        if not start.startswith((b"PAR1", b"ARROW1")):
            raise DataError(
                f"{path.name} is neither a Parquet nor an Arrow IPC (Feather) file.",
                where=str(path),
                mend="Write it with pyarrow.parquet.write_table.",
            )
        self._is_parquet = start.startswith(b"PAR1")
        try:
            if self._is_parquet:
                footer = pq.ParquetFile(path)
                self.schema, self.n_rows = footer.schema_arrow, footer.metadata.num_rows
            else:
                self.schema, self.n_rows = _arrow_rows(path)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{path.name} cannot be read: {error}.", where=str(path), mend="Write it again."
            ) from error

    def batches(self, names: Sequence[str]) -> Generator[pa.RecordBatch]:
        """The rows of these columns, some at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._is_parquet:
            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(_ROWS_AT_ONCE, columns=list(names))
            return
        places = [self.schema.get_field_index(name) for name in names]
        options = pa.ipc.IpcReadOptions(included_fields=places)
        with pa.OSFile(str(self.path)) as source:
            reader = pa.ipc.open_file(source, options=options)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                for first in range(0, batch.num_rows, _ROWS_AT_ONCE):
                    yield batch.slice(first, _ROWS_AT_ONCE)


def _arrow_rows(path: Path) -> tuple[pa.Schema, int]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=[0]))
        numbers = range(reader.num_record_batches)
        n = sum(reader.get_batch(number).num_rows for number in numbers)
        return pa.ipc.open_file(source).schema, n


def _planned(
    tables: Sequence[_Table], name: str, columns: tuple[str, ...], flat: frozenset[str]
) -> _Array:
    """What an array will be, by its columns' types; the same in all files."""
    plans = {_planned_of(table, name, columns, flat) for table in tables}
    if len(plans) > 1:
        raise DataError(
            f"The columns of the {name} have other types in one file than in another.",
            where=", ".join(str(table.path) for table in tables),
            mend="Write the files with one schema.",
        )
    return plans.pop()


def _planned_of(table: _Table, name: str, columns: tuple[str, ...], flat: frozenset[str]) -> _Array:
    missing = [column for column in columns if column not in table.schema.names]
    if missing:
        raise DataError(
            f"There is no column '{missing[0]}' in {table.path.name}.",
            where=f"{table.path} (columns: {', '.join(table.schema.names)})",
            mend="Name one of its columns.",
        )
    kinds = [_kind(table, column) for column in columns]
    if kinds[0][1] and len(columns) == 1:
        numpy_name, shape = kinds[0]
        is_real = np.dtype(numpy_name).kind == "f"
        dtype = "float32" if is_real else numpy_name if numpy_name == "uint8" else "int64"
        return _Array(columns, dtype, shape, may_lack=False)
    listed = [column for column, (_, shape) in zip(columns, kinds, strict=True) if shape]
    if listed:
        raise _unfit(table, listed[0], f"{_LISTS} beside others", "Name that column alone.")
    is_whole = all(np.dtype(kind).kind in "iub" for kind, _ in kinds)
    if name == "codes" and not is_whole:
        real = next(c for c, (kind, _) in zip(columns, kinds, strict=True) if kind[0] == "f")
        raise _unfit(table, real, "fractions, in codes", "Name it in inputs.")
    whole = name == "codes" or (name == "targets" and is_whole)
    shape = () if name in flat else (len(columns),)
    return _Array(columns, "int64" if whole else "float32", shape, may_lack=name == "inputs")


def _kind(table: _Table, column: str) -> tuple[str, tuple[int, ...]]:
    """NumPy's name of a column's numbers, and the shape of what a cell holds."""
    import pyarrow as pa

    kind = table.schema.field(column).type
    shape: tuple[int, ...] = ()
    if isinstance(kind, pa.FixedShapeTensorType):
        if kind.permutation and list(kind.permutation) != sorted(kind.permutation):
            raise _unfit(table, column, "tensors with swapped axes", "Write them in row order.")
        return kind.value_type.to_pandas_dtype().__name__, tuple(kind.shape)
    while pa.types.is_fixed_size_list(kind):
        kind, shape = kind.value_type, (*shape, kind.list_size)
    if pa.types.is_decimal(kind):
        return "float64", shape
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        mend = "Leave it out, or write it as whole numbers or as lists of fixed size."
        raise _unfit(table, column, str(kind), mend)
    return np.dtype(kind.to_pandas_dtype()).name, shape


def _unfit(table: _Table, column: str, what: str, mend: str) -> DataError:
    return DataError(f"The column '{column}' holds {what}.", where=str(table.path), mend=mend)


def _rows(batch: pa.RecordBatch, array: _Array, path: Path) -> NDArray[Any]:
    """The rows of a part of a file as they are written."""
    cells = [_numbers(batch.column(column), array, path, column) for column in array.columns]
    if len(cells) == 1:
        return np.ascontiguousarray(cells[0].reshape(batch.num_rows, *array.shape))
    rows = np.empty((batch.num_rows, len(cells)), array.dtype)
    for place, each in enumerate(cells):
        rows[:, place] = each
    return rows


def _numbers(column: pa.Array, array: _Array, path: Path, name: str) -> NDArray[Any]:
    import pyarrow as pa

    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    lacking = column.null_count
    while pa.types.is_fixed_size_list(column.type) and not lacking:
        column = column.flatten()
        lacking += column.null_count
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    try:
        with np.errstate(over="raise", invalid="ignore"):
            cells = column.to_numpy(zero_copy_only=False).astype(array.dtype, copy=False)
    except FloatingPointError:
        raise DataError(
            f"The column '{name}' holds numbers beyond what float32 can.",
            where=str(path),
            mend="Divide it by what makes its numbers small.",
        ) from None
    if not array.may_lack and (lacking or (cells.dtype.kind == "f" and np.isnan(cells).any())):
        raise DataError(
            f"The column '{name}' lacks values.",
            where=str(path),
            mend="Fill them, or leave those rows out.",
        )
    return cells
