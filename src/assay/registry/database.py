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

_PATIENCE_S = 60


def is_owned(uri: str) -> bool:
    """Whether the store is a database that can be written in one transaction, not a server."""
    return database_of(uri) is not None or uri.startswith("postgresql")


@contextmanager
def transaction(uri: str) -> Iterator[Any]:
    """A connection whose work is done whole when the block ends, and not at all if it fails."""
    with _engine(uri).begin() as connection:
        yield connection


@lru_cache(maxsize=8)
def _engine(uri: str) -> Any:
    import sqlalchemy

    if database_of(uri) is None:
        return sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    engine = sqlalchemy.create_engine(
        uri, poolclass=sqlalchemy.NullPool, connect_args={"timeout": _PATIENCE_S}
    )

    # Python's driver begins a transaction when it is first written in: too late for who reads first
    @sqlalchemy.event.listens_for(engine, "connect")
    def _leave_transactions_alone(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
