"""Leases: a lock that a worker holds while it lives, so that others can tell when it is dead.

What holds a lock is the kernel (of a file) or the database (of a session), and either lets it go
whatever kills the worker: no heartbeat has to be written, and none can be late. A worker that is
alive but stopped keeps what it works on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from filelock import FileLock, Timeout

_KEEPALIVES = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


class Leases(Protocol):
    """Who works on a study."""

    def worker(self) -> str:
        """Begin to be a worker; its name is not given twice. The lease lasts as long as we do."""
        ...

    def is_alive(self, worker: str) -> bool:
        """Whether a worker still lives."""
        ...

    def alone(self) -> Any:
        """A context in which no other worker of the study takes or gives back a trial."""
        ...

    def close(self) -> None:
        """Give the lease back."""
        ...


class FileLeases:
    """Locks on files of a folder, for workers of one machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._own: dict[str, FileLock] = {}
        self._alone = FileLock(folder / "study.lock")

    def worker(self) -> str:
        name = uuid4().hex
        lock = FileLock(self._path(name))
        lock.acquire()
        self._own[name] = lock
        return name

    def is_alive(self, worker: str) -> bool:
        if worker in self._own:
            return True
        path = self._path(worker)
        if not path.exists():
            return False
        try:
            with FileLock(path, blocking=False):
                path.unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._alone:
            yield

    def close(self) -> None:
        for name, lock in self._own.items():
            self._path(name).unlink(missing_ok=True)
            lock.release()
        self._own = {}

    def _path(self, worker: str) -> Path:
        return self._folder / f"{worker}.lock"


class PostgresLeases:
    """Advisory locks of a session, for workers on any machine.

    A machine that is gone without a word loses its locks once the server has missed it for about a
    minute.
    """

    def __init__(self, url: str, study: str) -> None:
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        self._text = text
        self._study = _number(f"study {study}")
        self._connection = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"options": _KEEPALIVES},
        ).connect()

    def worker(self) -> str:
        name = uuid4().hex
        self._ask("pg_advisory_lock", _number(name))
        return name

    def is_alive(self, worker: str) -> bool:
        """Whether any session, this one included, holds the worker's lock."""
        number = _number(worker)
        found = self._connection.execute(
            self._text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                "AND (classid::bigint << 32) | objid::bigint = :number"
            ),
            {"number": number},
        ).scalar_one()
        return bool(found)

    @contextmanager
    def alone(self) -> Iterator[None]:
        self._ask("pg_advisory_lock", self._study)
        try:
            yield
        finally:
            self._ask("pg_advisory_unlock", self._study)

    def close(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _ask(self, function: str, number: int) -> None:
        self._connection.execute(self._text(f"SELECT {function}(:number)"), {"number": number})


@contextmanager
def making_tables(url: str) -> Iterator[None]:
    """Within it nobody else makes tables of ours: of two who make one at once, one would fail."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:number)"), {"number": _number("tables")}
        )
        yield


def _number(name: str) -> int:
    """A name as a positive whole number of 63 bits, which is what locks go by."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") >> 1
