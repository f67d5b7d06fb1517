"""Reading: any source becomes one settled table, or an iterator of batches in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa

from assay.data.sources import delta, excel, folder
from assay.data.sources.address import is_address, shown
from assay.data.sources.forms import FORMS, form_of
from assay.data.sources.pictured import pictured
from assay.data.sources.refusals import no_rows
from assay.data.sources.settling import (
    DECIMAL_COMMA,
    DecimalCommas,
    is_marked,
    plain,
    settled,
    with_points,
)
from assay.data.sources.stillness import unchanged
from assay.errors import DataError, NotFoundError


def read_table(
    source: str | Path, *, query: str | None = None, sheet: str | None = None
) -> pa.Table:
    """Read a whole table with settled types.

    Args:
        source: A file or folder, the address of a database, or `delta://PATH@VERSION`.
        query: SQL text or the name of a table, of a database.
        sheet: The sheet of a workbook; the first when None.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is empty, broken, of an unknown form, was changed while it was read, or has
            two columns of one name.
    """
    source = _checked(source, query, sheet)
    with unchanged(source):
        if isinstance(source, str):
            table = delta.read(source) if _is_delta(source) else _database().read(source, query)
        elif source.is_dir():
            table = folder.read(source)
        elif (form := form_of(source)) is not None:
            table = form.read(source)
        else:
            table = excel.read(source, sheet)
        table = _with_pictures(table, source)
    return settled(table, shown(source))


def read_batches(
    source: str | Path, *, query: str | None = None, sheet: str | None = None, rows: int = 100_000
) -> Iterator[pa.Table]:
    """Read a table piece by piece, in memory that does not depend on its number of rows.

    Where a file is text, so are the columns of all batches: a value never changes its meaning
    from one batch to the next, and whoever takes them has a schema to read them by. Delta tables
    and workbooks are read at once.

    Args:
        source: As for `read_table`.
        query: As for `read_table`.
        sheet: As for `read_table`.
        rows: Rows of a batch; the last has fewer.

    Raises:
        NotFoundError: There is no such file; raised at once.
        DataError: As `read_table` does; what lies deep in a file is found when it is reached.
    """
    source = _checked(source, query, sheet)
    return _batches(source, query, sheet, rows)


def _batches(
    source: str | Path, query: str | None, sheet: str | None, rows: int
) -> Iterator[pa.Table]:
    is_empty = True
    with unchanged(source):
        commas = _decimal_columns(_pieces(source, query, sheet, rows))
        for table in _regrouped(_pieces(source, query, sheet, rows), rows):
            is_empty = False
            for name in commas:
                position = table.column_names.index(name)
                table = table.set_column(position, name, with_points(table[name]))  # noqa: PLW2901
            yield plain(_with_pictures(table, source), shown(source))
    if is_empty:
        raise no_rows(shown(source))


def _pieces(
    source: str | Path, query: str | None, sheet: str | None, rows: int
) -> Iterator[pa.Table]:
    """The source in whatever pieces its form has, types as stored."""
    if isinstance(source, str):
        if _is_delta(source):
            yield delta.read(source)
        else:
            yield from _database().batches(source, query, rows)
    elif source.is_dir():
        yield from folder.batches(source, rows)
    elif (form := form_of(source)) is not None:
        yield from form.batches(source, rows)
    else:
        yield excel.read(source, sheet)


def _with_pictures(table: pa.Table, source: str | Path) -> pa.Table:
    """The images that a file or folder names by paths relative to it; a database names none."""
    if isinstance(source, str):
        return table
    return pictured(table, source if source.is_dir() else source.parent)


def _decimal_columns(pieces: Iterable[pa.Table]) -> list[str]:
    """Columns of text with decimal commas in all pieces; stops as soon as there can be none."""
    seen: dict[str, DecimalCommas] = {}
    for number, piece in enumerate(pieces):
        if number == 0:
            marked = [each for each in piece.schema if is_marked(each, DECIMAL_COMMA)]
            seen = {field.name: DecimalCommas() for field in marked}
        for name, commas in seen.items():
            commas.see(piece[name])
        seen = {name: commas for name, commas in seen.items() if commas.possible}
        if not seen:
            return []
    return [name for name, commas in seen.items() if commas.certain]


def _regrouped(pieces: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of as many rows as are wanted."""
    waiting: list[pa.Table] = []
    n_waiting = 0
    for piece in pieces:
        if waiting and piece.schema != waiting[0].schema:
            yield pa.concat_tables(waiting)
            waiting, n_waiting = [], 0
        waiting.append(piece)
        n_waiting += piece.num_rows
        while n_waiting >= rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, rows)
            waiting, n_waiting = [whole.slice(rows)], n_waiting - rows
    if n_waiting:
        yield pa.concat_tables(waiting)


def _checked(source: str | Path, query: str | None, sheet: str | None) -> str | Path:
    """The source, if there is one of a known form that goes with the settings."""
    if isinstance(source, str):
        source = source if is_address(source) else Path(source)
    is_database = isinstance(source, str) and not _is_delta(source)
    is_workbook = isinstance(source, Path) and source.suffix.lower() == excel.SUFFIX
    for key, value, fits, of in (
        ("query", query, is_database, "a database"),
        ("sheet", sheet, is_workbook, "an Excel workbook"),
    ):
        if value is not None and not fits:
            raise DataError(
                f"A {key} goes with {of}, which {shown(source)} is not.",
                where=f"{key}: {value}",
                mend=f"leave {key} out, or name {of}",
            )
    if isinstance(source, str):
        return source
    if not source.exists():
        raise NotFoundError(
            f"There is no file {source.name}.", where=str(source), mend=_sibling_hint(source)
        )
    if source.is_dir():
        return source
    if form_of(source) is None and not is_workbook:
        raise DataError(
            f"{source.name} is not a kind of file that can be read here.",
            where=str(source),
            mend=f"give a file that ends in {', '.join([*FORMS, excel.SUFFIX])}; "
            "or a folder, or the address of a database",
        )
    if source.stat().st_size == 0:
        raise DataError(f"{source.name} is empty.", where=str(source), mend="give a file with rows")
    return source


def _is_delta(address: str) -> bool:
    return address.startswith("delta://")


def _database() -> ModuleType:
    """Imported late: SQLAlchemy takes a while."""
    from assay.data.sources import database

    return database


def _sibling_hint(path: Path) -> str:
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    tables = sorted(each.name for each in siblings if form_of(each) or each.suffix == excel.SUFFIX)
    if not tables:
        return "give the path of a table, for example a .csv or .parquet file"
    return f"tables in that folder: {', '.join(tables[:8])}"
