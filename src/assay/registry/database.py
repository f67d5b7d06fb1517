"""A store that is a database of our own to write: one transaction at a time, or none at all.

MLflow's client moves an alias in one transaction of its own, and whoever is last wins. Here what is
checked, what is moved and what is logged are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from assay.tracking.mlflow_client import database_of
from assay.tracking.mlflow_experiments import one_at_a_time

_PATIENCE_S = 60
_OURS = 0x61737361  # 'assa': with a name's hash, a lock of PostgreSQL's that no other program takes


def is_owned(uri: str) -> bool:
    """Whether the store is a database that can be written in one transaction, not a server."""
    return database_of(uri) is not None or uri.startswith("postgresql")


@contextmanager
def transaction(uri: str) -> Iterator[Any]:
    """A connection whose work is done whole when the block ends, and not at all if it fails."""
    with _engine(uri, writes=True).begin() as connection:
        yield connection


@contextmanager
def reading(uri: str) -> Iterator[Any]:
    """A connection that only reads, and keeps nobody from writing."""
    with _engine(uri, writes=False).connect() as connection:
        yield connection


@contextmanager
def alone(uri: str, name: str) -> Iterator[None]:
    """Nobody else of ours is in such a block for this name; a server is not held up.

    Other than in a `transaction`, MLflow's client can write meanwhile.
    """
    if not uri.startswith("postgresql"):
        with one_at_a_time(uri):
            yield
        return
    import sqlalchemy

    with reading(uri) as connection:
        asked = sqlalchemy.text("SELECT pg_advisory_xact_lock(:ours, hashtext(:name))")
        connection.execute(asked, {"ours": _OURS, "name": name})
        yield


@lru_cache(maxsize=16)
def _engine(uri: str, *, writes: bool) -> Any:
    import sqlalchemy

    if database_of(uri) is None:
        return sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    engine = sqlalchemy.create_engine(
        uri, poolclass=sqlalchemy.NullPool, connect_args={"timeout": _PATIENCE_S}
    )
    if writes:
        # Python's driver begins a transaction at the first write: too late for who reads first
        sqlalchemy.event.listen(engine, "connect", _begin_nothing)
        sqlalchemy.event.listen(engine, "begin", _lock)
    return engine


def _begin_nothing(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _lock(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
