"""Delimited text: CSV and TSV in the encoding and with the separator that the file has.

Every value is read as text; what it means is settled by all values of its column. Where the
separator is no comma, columns are marked as such in which commas may be decimal ones.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from assay.data.sources.refusals import (
    UNREADABLE,
    duplicate_columns,
    duplicates,
    reason_of,
    unreadable,
)
from assay.data.sources.settling import DECIMAL_COMMA
from assay.errors import DataError

NULL_TEXTS = ["", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "null", "NULL"]
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
_SEPARATORS = "\t;|,"  # at equal evidence the earlier one: commas also stand in prose and numbers
_HEAD_BYTES = 1 << 18
_HEAD_ROWS = 100
_BLOCK_BYTES = 1 << 24
_BATCH_BYTES = 1 << 22


@dataclass(frozen=True)
class _Dialect:
    """How a file says its values.

    Attributes:
        encoding: As Python names it.
        separator: What stands between two values.
        names: Of the columns.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]


def read(path: Path) -> pa.Table:
    """The whole file, every column as text.

    Raises:
        DataError: It is no table of delimited values.
    """
    dialect = _dialect(path)
    try:
        with _opened(path) as stream:
            table = pyarrow.csv.read_csv(stream, **_options(dialect, _BLOCK_BYTES))
    except UNREADABLE as error:
        raise _no_table(path, error) from None
    return _marked(table, dialect)


def batches(path: Path, rows: int) -> Iterator[pa.Table]:  # noqa: ARG001
    """The file piece by piece, every column as text.

    Raises:
        DataError: It is no table of delimited values.
    """
    dialect = _dialect(path)
    try:
        with (
            _opened(path) as stream,
            pyarrow.csv.open_csv(stream, **_options(dialect, _BATCH_BYTES)) as reader,
        ):
            for batch in reader:
                yield _marked(pa.Table.from_batches([batch]), dialect)
    except UNREADABLE as error:
        raise _no_table(path, error) from None


def _opened(path: Path) -> pa.NativeFile:
    """The file's bytes, decompressed by what its ending says."""
    return pa.input_stream(str(path), compression="detect")


def _options(dialect: _Dialect, block_size: int) -> dict[str, object]:
    encoding = "utf8" if dialect.encoding == "utf-8-sig" else dialect.encoding
    return {
        "read_options": pyarrow.csv.ReadOptions(block_size=block_size, encoding=encoding),
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=dialect.separator, newlines_in_values=True
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(dialect.names, pa.string()),
            null_values=NULL_TEXTS,
            strings_can_be_null=True,
        ),
    }


def _marked(table: pa.Table, dialect: _Dialect) -> pa.Table:
    if dialect.separator == ",":
        return table
    fields = [field.with_metadata(DECIMAL_COMMA) for field in table.schema]
    return table.cast(pa.schema(fields))


def _dialect(path: Path) -> _Dialect:
    try:
        encoding = _encoding(path)
        with _opened(path) as stream:
            start = stream.read(_HEAD_BYTES)
    except UNREADABLE as error:
        raise unreadable(path, "file", error) from None
    text = codecs.getincrementaldecoder(encoding)().decode(start)
    is_whole = len(start) < _HEAD_BYTES
    try:
        separator = _separator(text, is_whole)
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error as error:
        raise _no_table(path, error) from None
    if not any(names):
        raise DataError(
            f"{path.name} has no names in its first line.",
            where=f"{path}, line 1",
            mend="start the file with a line of column names",
        )
    twice = duplicates(names)
    if twice:
        raise duplicate_columns(twice, path.name)
    return _Dialect(encoding, separator, tuple(names))


def _encoding(path: Path) -> str:
    """UTF-16 or UTF-32 if the file begins with its mark, else the first that all bytes fit."""
    with _opened(path) as stream:
        start = stream.read(4)
    marked = [name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)]
    candidates: Sequence[str] = marked[:1] or _ENCODINGS
    for encoding in candidates:
        decoder = codecs.getincrementaldecoder(encoding)()
        with _opened(path) as stream:
            try:
                while chunk := stream.read(_BLOCK_BYTES):
                    if not marked and b"\0" in chunk:
                        raise ValueError("it holds bytes that are no text")
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
        return encoding
    raise ValueError(f"it begins like {candidates[0].upper()}, but is not")


def _separator(text: str, is_whole: bool) -> str:
    """The separator that gives all of the first rows the same number of values, the most of them.

    Where none does, the one that gives the most names.
    """
    best, evidence = ",", (False, 1)
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        widths = [len(row) for row, _ in zip(reader, range(_HEAD_ROWS), strict=False) if row]
        if len(widths) < _HEAD_ROWS and not is_whole:
            widths = widths[:-1] or widths  # the last row is cut
        if not widths:
            continue
        is_even = len(set(widths)) == 1 and widths[0] > 1
        if (is_even, widths[0]) > evidence:
            best, evidence = separator, (is_even, widths[0])
    return best


def _no_table(path: Path, error: BaseException) -> DataError:
    return DataError(
        f"{path.name} is not a table of comma-separated values: {reason_of(error)}.",
        where=str(path),
        mend="every line needs as many values as the first one has names",
    )
