"""Databases: a query's rows, or a whole table's, through SQLAlchemy; read only, in pieces.

A whole table is ordered by its primary key. A query has the order that it says: without `order by`
a database may answer in another one, and the table has another fingerprint.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sql
from sqlalchemy import exc

from assay.data.sources.address import shown
from assay.data.sources.refusals import duplicate_columns, duplicates, reason_of, several_types
from assay.errors import DataError, NotFoundError

_PIECE = 50_000
_IN_PIECES = {"stream_results": True, "max_row_buffer": _PIECE}
_DRIVERS = {
    "psycopg": "'assay-ml[sql]'",
    "MySQLdb": "mysqlclient",
    "duckdb": "duckdb-engine",
}


def read(address: str, query: str | None) -> pa.Table:
    """The whole answer.

    Args:
        address: The database, as SQLAlchemy writes it.
        query: SQL text, or the name of a table.

    Raises:
        NotFoundError: There is no such SQLite file.
        DataError: The database cannot be reached or refuses the query, or its driver is missing.
    """
    pieces = list(batches(address, query, _PIECE))
    try:
        return pa.concat_tables(pieces, promote_options="permissive")
    except pa.ArrowException as error:
        raise several_types(shown(address), "rows far apart differ", error) from None


def batches(address: str, query: str | None, rows: int) -> Iterator[pa.Table]:
    """The answer piece by piece, at least one, which may be empty.

    Raises:
        DataError: As `read` does.
    """
    name = shown(address)
    with _connected(address) as connection:
        answer, truths = _answer(connection, (query or "").strip(), name)
        with closing(answer) as result:
            yield from _pieces(result, truths, rows, name)


def _pieces(result: Any, truths: frozenset[str], rows: int, name: str) -> Iterator[pa.Table]:
    if not result.returns_rows:
        raise DataError(
            "data.query answers with no table.", where=name, mend="query: select ... from ..."
        )
    names = list(result.keys())
    twice = duplicates(names)
    if twice:
        raise duplicate_columns(twice, f"data.query of {name}")
    is_empty = True
    for piece in result.partitions(rows):
        is_empty = False
        yield _table(names, piece, truths, name)
    if is_empty:
        yield pa.table({each: pa.nulls(0) for each in names})


@contextmanager
def _connected(address: str) -> Iterator[sql.Connection]:
    """A connection that is closed at the end, whatever happens; nothing is ever committed."""
    engine = _engine(address)
    try:
        with engine.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)
    except exc.SQLAlchemyError as error:
        raise _refused(error, address) from None
    finally:
        engine.dispose()


def _engine(address: str) -> sql.Engine:
    try:
        url = sql.make_url(address)
        if url.get_backend_name() == "sqlite":
            url = _read_only(url)
        return sql.create_engine(url, poolclass=sql.NullPool)
    except ModuleNotFoundError as error:
        package = _DRIVERS.get(error.name or "", error.name)
        raise DataError(
            f"The driver {error.name} of this database is not installed.",
            where=shown(address),
            mend=f"pip install {package}",
        ) from None
    except exc.NoSuchModuleError:
        kind = address.partition("://")[0]
        raise DataError(
            f"{kind} is no kind of database that SQLAlchemy knows here.",
            where=shown(address),
            mend="source: sqlite:///FILE or postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE, "
            "or install the dialect; a file is named by its path alone",
        ) from None
    except (exc.ArgumentError, ValueError):
        raise DataError(
            "data.source is no address of a database.",
            where=shown(address),
            mend="source: sqlite:///FILE or postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE",
        ) from None


def _read_only(url: sql.URL) -> sql.URL:
    """The file opened read-only, so that it is neither created nor changed."""
    if url.database is None or url.database.startswith((":memory:", "file:")):
        raise DataError(
            "data.source names no SQLite file.",
            where=shown(url.render_as_string()),
            mend="source: sqlite:///FILE",
        )
    path = Path(url.database).absolute()
    if not path.is_file():
        siblings = path.parent.iterdir() if path.parent.is_dir() else ()
        found = sorted(each.name for each in siblings if each.suffix in (".db", ".sqlite"))
        raise NotFoundError(
            f"There is no file {path.name}.",
            where=str(path),
            mend=f"databases in that folder: {', '.join(found[:8])}"
            if found
            else "give the path of an SQLite file",
        )
    file = f"file:{quote(str(path))}"
    return url.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})


def _answer(connection: sql.Connection, query: str, name: str) -> tuple[Any, frozenset[str]]:
    """The rows of a query or a table, and the columns that hold truth values."""
    inspector = sql.inspect(connection)
    tables = _tables(inspector, None)
    if query not in tables and len(query.split()) > 1:
        # Exactly as written: no colon or percent sign in it stands for a parameter.
        as_written = connection.execution_options(no_parameters=True, **_IN_PIECES)
        return as_written.exec_driver_sql(query), frozenset()
    schema, _, bare = ("", "", query) if query in tables else query.rpartition(".")
    known = _tables(inspector, schema) if schema else tables
    if bare not in known:
        raise DataError(
            f"{name} has no table {query!r}." if query else "A database needs data.query.",
            where=f"tables: {', '.join(known[:20]) or 'none'}",
            mend=f"data: {{query: {known[0] if known else 'select ... from ...'}}}",
        )
    found = inspector.get_columns(bare, schema or None)
    key = inspector.get_pk_constraint(bare, schema or None)["constrained_columns"]
    columns = [sql.column(each["name"]) for each in found]
    table = sql.table(bare, *columns, schema=schema or None)
    truths = frozenset(each["name"] for each in found if isinstance(each["type"], sql.Boolean))
    rows = sql.select(*columns).select_from(table).order_by(*map(sql.column, key))
    return connection.execution_options(**_IN_PIECES).execute(rows), truths


def _tables(inspector: sql.Inspector, schema: str | None) -> list[str]:
    return sorted(inspector.get_table_names(schema) + inspector.get_view_names(schema))


def _table(
    names: Sequence[str], rows: Sequence[Any], truths: frozenset[str], where: str
) -> pa.Table:
    arrays = []
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        try:
            array = pa.array(_sayable(values))
        except (pa.ArrowException, OverflowError, ValueError) as error:
            raise several_types(where, name, error) from None
        if name in truths and pa.types.is_integer(array.type):  # as SQLite stores them
            array = array.cast(pa.bool_()) if _is_truth(array) else array
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=list(names))


def _sayable(values: Sequence[Any]) -> Sequence[Any]:
    """The values in types that Arrow knows: decimals as floats, whatever is foreign as text."""
    kinds = {type(value) for value in values} - {type(None)}
    if decimal.Decimal in kinds and kinds <= {decimal.Decimal, int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) == 1 and not _is_known(next(iter(kinds))):
        return [None if value is None else str(value) for value in values]
    return values


def _is_known(kind: type) -> bool:
    return kind.__module__ in ("builtins", "datetime")


def _is_truth(array: pa.Array) -> bool:
    return set(pc.unique(array).to_pylist()) <= {0, 1, None}


def _refused(error: exc.SQLAlchemyError, address: str) -> DataError:
    reason = reason_of(getattr(error, "orig", None) or error)
    if isinstance(error, exc.OperationalError) and error.statement is None:
        return DataError(
            f"The database cannot be opened: {reason}.",
            where=shown(address),
            mend="look at its name, host, port, user and password",
        )
    return DataError(
        f"The database refuses data.query: {reason}.",
        where=shown(address),
        mend="try the query in the database's own shell",
    )
