"""Reading: a CSV or Parquet file, or a data frame, becomes an Arrow table with settled types.

Whatever form a table comes in, equal content gives equal types: numbers are int64 or float64,
dates are timestamps, true and false are booleans, everything else is text. An empty text and NaN
are missing values. Digits with leading zeros stay text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from assay.errors import DataError, NotFoundError

NULL_TEXTS = ["", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "null", "NULL"]
_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,17})$"
_NUMBER = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?)?$"
_TRUTH = r"^(true|false|True|False|TRUE|FALSE)$"
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def read_table(path: Path) -> pa.Table:
    """Read a whole table with settled types.

    Raises:
        NotFoundError: There is no such file.
        DataError: The file is empty, broken, of an unknown form, or has two columns of one name.
    """
    if not path.exists():
        raise NotFoundError(
            f"There is no file {path.name}.", where=str(path), mend=_sibling_hint(path)
        )
    form = _SUFFIXES.get(path.suffix.lower())
    if path.is_dir() or form is None:
        raise DataError(
            f"{path.name} is not a kind of file that can be read here.",
            where=str(path),
            mend="give a .csv, .tsv or .parquet file",
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty.", where=str(path), mend="give a file with rows")
    table = _read_csv(path) if form == "csv" else _read_parquet(path)
    return settled(table, path.name)


def from_frame(frame: Any, name: str = "the data frame") -> pa.Table:
    """Take over a pandas, Polars or Arrow table, with settled types.

    Raises:
        DataError: It is none of these, or cannot be said in Arrow's types.
    """
    if isinstance(frame, pa.Table):
        return settled(frame, name)
    if hasattr(frame, "to_arrow"):
        return settled(frame.to_arrow(), name)
    duplicates = _duplicates([str(column) for column in getattr(frame, "columns", [])])
    if duplicates:
        raise _duplicate_columns(duplicates, name)
    try:
        return settled(pa.Table.from_pandas(frame, preserve_index=False), name)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{name} has a column whose values are of several types: {error}",
            mend="give each column one type, for example frame[c] = frame[c].astype(str)",
        ) from None
    except AttributeError:
        raise DataError(
            f"{name} is a {type(frame).__name__}, which is no table.",
            mend="give a path, or a pandas, Polars or Arrow table",
        ) from None


def settled(table: pa.Table, name: str) -> pa.Table:
    """The same table with the types that the module's docstring lists.

    Raises:
        DataError: It has no rows, no columns, or two columns of the same name.
    """
    duplicates = _duplicates(table.column_names)
    if duplicates:
        raise _duplicate_columns(duplicates, name)
    if table.num_columns == 0 or table.num_rows == 0:
        raise DataError(f"{name} has no rows.", where=name, mend="give a file with rows")
    columns = [_settled_column(column.combine_chunks()) for column in table.columns]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _settled_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _settled_column(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _typed_text(column.cast(pa.string()))
    if pa.types.is_integer(kind):
        return column.cast(pa.float64() if kind == pa.uint64() else pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(
            pa.timestamp("us")
        )
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    return column


def _typed_text(column: pa.Array) -> pa.Array:
    """Text whose every value reads as a number, a date or a truth value, as such."""
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    values = pc.unique(column).drop_null()
    if len(values) == 0:
        return column

    def all_match(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())

    if all_match(_INTEGER):
        return column.cast(pa.int64())
    if all_match(_NUMBER):
        return column.cast(pa.float64())
    if all_match(_TRUTH):
        return pc.utf8_lower(column).cast(pa.bool_())
    if all_match(_DATE):
        try:
            bare = pc.replace_substring(column, "Z", "")
            return bare.cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            return column
    return column


def _read_csv(path: Path) -> pa.Table:
    with path.open("rb") as file:
        header = file.readline(1_000_000)
    try:
        first_line = header.decode("utf-8-sig")
        names = _header_names(path, first_line)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    duplicates = _duplicates(names)
    if duplicates:
        raise _duplicate_columns(duplicates, path.name)
    try:
        return pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=_separator(first_line), newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=NULL_TEXTS,
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise _not_utf8(path) from None
        raise DataError(
            f"{path.name} is not a table of comma-separated values: {error}",
            where=str(path),
            mend="every line needs as many values as the first one has names",
        ) from None


def _header_names(path: Path, first_line: str) -> list[str]:
    import csv

    names = next(csv.reader([first_line], delimiter=_separator(first_line)), [])
    if not names:
        raise DataError(
            f"{path.name} has no names in its first line.",
            where=f"{path}, line 1",
            mend="start the file with a line of column names",
        )
    return names


def _separator(first_line: str) -> str:
    return max(",;\t|", key=first_line.count)


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pyarrow.parquet.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{path.name} is not a readable Parquet file: {reason}.",
            where=str(path),
            mend="write the file again; it may have been cut short",
        ) from None


def _not_utf8(path: Path) -> DataError:
    return DataError(
        f"{path.name} is not encoded in UTF-8.",
        where=str(path),
        mend=f"iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}",
    )


def _duplicates(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _duplicate_columns(names: list[str], where: str) -> DataError:
    several = ", ".join(repr(name) for name in names)
    return DataError(
        f"Two columns have the same name: {several}.",
        where=where,
        mend="give every column a name of its own",
    )


def _sibling_hint(path: Path) -> str:
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    tables = sorted(each.name for each in siblings if each.suffix.lower() in _SUFFIXES)
    if not tables:
        return "give the path of a .csv or .parquet file"
    return f"tables in that folder: {', '.join(tables[:8])}"
