"""Databases: SQLite in a file, a real PostgreSQL server, and what they refuse."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sql

from assay.data.fingerprint import fingerprint
from assay.data.sources import from_frame, read_batches, read_table
from assay.errors import DataError, NotFoundError
from tests.data.sources.forms import mixed
from tests.servers import free_port


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """An SQLite database with one table, its rows not in the order of its key."""
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute(
        'create table sales (id integer primary key, "the price" real, open boolean, note text)'
    )
    rows = [(3, 1.5, 1, "100 %"), (1, None, 0, "at 12:30"), (2, 7, None, None)]
    connection.executemany("insert into sales values (?, ?, ?, ?)", rows)
    connection.execute("create view cheap as select * from sales where id < 3")
    connection.commit()
    connection.close()
    return f"sqlite:///{tmp_path / 'shop.db'}"


def test_a_table_is_ordered_by_its_key(shop: str) -> None:
    assert read_table(shop, query="sales").to_pydict() == {
        "id": [1, 2, 3],
        "the price": [None, 7.0, 1.5],
        "open": [False, None, True],
        "note": ["at 12:30", None, "100 %"],
    }
    assert read_table(shop, query="cheap").num_rows == 2


def test_a_query_is_taken_as_it_is_written(shop: str) -> None:
    query = "select id from sales where note like '1%' or note = 'at 12:30' order by id desc"
    assert read_table(shop, query=query)["id"].to_pylist() == [3, 1]
    assert [b.num_rows for b in read_batches(shop, query=query, rows=1)] == [1, 1]


def test_types_that_differ_between_pieces_are_joined(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table t (a, b)")
    rows = [(i, None) for i in range(60_000)] + [(0.5, "x")]
    connection.executemany("insert into t values (?, ?)", rows)
    connection.commit()
    connection.close()
    table = read_table(f"sqlite:///{tmp_path / 'a.db'}", query="t")
    assert table["a"][-1].as_py() == 0.5
    assert table["b"].null_count == 60_000


def test_nothing_is_written(shop: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="readonly database"):
        read_table(shop, query="delete from sales returning id")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotFoundError, match=r"There is no file other.db") as caught:
        read_table(f"sqlite:///{tmp_path / 'other.db'}", query="sales")
    assert "shop.db" in caught.value.mend
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("query", "what", "mend"),
    [
        (None, "A database needs data.query", "query: cheap"),
        ("sale", "has no table 'sale'", "query: cheap"),
        ("select price from sales", "refuses data.query: no such column: price", "shell"),
        ("select * frm sales", "refuses data.query: near", "shell"),
        ("select id, id from sales", "Two columns have the same name", "a name of its own"),
        ("select * from sales where id > 9", "has no rows", "rows"),
        ("select 1 as a union all select 'x'", "values are of several types: a", "one type"),
    ],
)
def test_a_wrong_query_is_told(shop: str, query: str | None, what: str, mend: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read_table(shop, query=query)
    assert mend in caught.value.mend


@pytest.mark.parametrize(
    ("address", "what", "mend"),
    [
        ("mysql://me:secret@host/shop", "The driver MySQLdb of this", "pip install mysqlclient"),
        ("foo://me:secret@host/shop", "foo is no kind of database", "sqlite:///FILE"),
        ("https://me:secret@host/a.csv", "https is no kind of database", "by its path alone"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/shop", "cannot be opened", "host, port"),
        ("postgresql+psycopg://me:secret@host:x/shop", "is no address of a database", "source:"),
        ("sqlite://", "names no SQLite file", "sqlite:///FILE"),
        ("sqlite:///:memory:", "names no SQLite file", "sqlite:///FILE"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(address: str, what: str, mend: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read_table(address, query="sales")
    assert mend in caught.value.mend
    assert "secret" not in str(caught.value)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all" * 200)
    with pytest.raises(DataError, match="file is not a database"):
        read_table(f"sqlite:///{tmp_path / 'a.db'}", query="sales")


def test_a_query_goes_with_a_database_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"A query goes with a database, which a.csv is not"):
        read_table(tmp_path / "a.csv", query="sales")


def _programs() -> Path | None:
    """Where PostgreSQL's server is, if it is installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "pg_ctl").exists()), None)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server on loopback, stopped afterwards."""
    pytest.importorskip("psycopg")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    folder = tmp_path_factory.mktemp("postgres")
    as_user: list[str] = []
    if os.geteuid() == 0:  # its server refuses to run as root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("there is no user postgres, whom PostgreSQL's server could run as")
        folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    (folder / "password").write_text("secret")
    (folder / "password").chmod(0o644)
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), "-D", str(folder / "data"), *arguments]
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            timeout=120,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert done.returncode == 0, done.stderr

    password = f"--pwfile={folder / 'password'}"
    run("initdb", "-U", "me", "-A", "scram-sha-256", password, "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    log = str(folder / "data" / "log")
    try:
        run("pg_ctl", "start", "-w", "-l", log, "-o", options)
        yield f"postgresql+psycopg://me:secret@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(folder)


def test_postgresql_gives_the_same_table(postgres: str) -> None:
    frame = mixed()
    engine = sql.create_engine(postgres)
    frame.to_sql("sales", engine, index=False, if_exists="replace")
    engine.dispose()
    expected = fingerprint(from_frame(frame))
    assert fingerprint(read_table(postgres, query="sales")) == expected
    assert fingerprint(read_table(postgres, query="public.sales")) == expected
    batches = list(read_batches(postgres, query="select * from sales", rows=12))
    assert [batch.num_rows for batch in batches] == [12, 12, 12, 4]


def test_types_of_postgresql_are_said_in_ours(postgres: str) -> None:
    query = """
        select 0.1::numeric(20, 10) as exact, true as truth, '2026-01-31'::date as day,
            '2026-01-31 10:00+02'::timestamptz as moment, 'x'::varchar as word,
            '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid as id, '{"a": {"b": 1}}'::jsonb as more,
            'a %' as percent, ':b' as colon
    """
    [row] = read_table(postgres, query=query).to_pylist()
    moments = [str(row.pop("moment")), row.pop("day").date()]
    assert moments == ["2026-01-31 08:00:00", date(2026, 1, 31)]
    assert row == {
        "exact": 0.1,
        "truth": True,
        "word": "x",
        "id": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "more.a.b": 1,
        "percent": "a %",
        "colon": ":b",
    }


def test_postgresql_is_read_only(postgres: str) -> None:
    query = "select current_setting('transaction_read_only') as said"
    assert read_table(postgres, query=query)["said"].to_pylist() == ["on"]


def test_postgresql_refuses_a_wrong_password_without_showing_it(postgres: str) -> None:
    wrong = postgres.replace("secret", "wrong%40secret")
    with pytest.raises(DataError, match="password authentication failed") as caught:
        read_table(wrong, query="sales")
    assert "secret" not in str(caught.value)


def test_a_frame_goes_through_pandas_too(shop: str) -> None:
    """What pandas reads of the same query is the same table."""
    engine = sql.create_engine(shop)
    frame = pd.read_sql("select id, note from sales order by id", engine)
    engine.dispose()
    table = read_table(shop, query="select id, note from sales order by id")
    assert fingerprint(from_frame(frame)) == fingerprint(table)
