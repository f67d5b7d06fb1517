"""Delta tables, as they are now or as they were at a version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.data.sources.address import DELTA, shown
from assay.data.sources.refusals import UNREADABLE, no_package, reason_of
from assay.errors import DataError, NotFoundError


def read(address: str) -> pa.Table:
    """The whole table.

    Raises:
        NotFoundError: There is no such folder.
        DataError: It is no Delta table, has no such version, or deltalake is not installed.
    """
    with _told(address) as path:
        return _opened(address, path).to_pyarrow_table()


def pinned(address: str) -> str:
    """The address with the version that it means now: the latest, if it names none.

    Raises:
        NotFoundError: As `read` does.
        DataError: As `read` does.
    """
    with _told(address) as path:
        return f"delta://{path}@{_opened(address, path).version()}"


def version_of(address: str) -> int | None:
    """The version that an address names."""
    found = DELTA.fullmatch(address)
    return int(found["version"]) if found and found["version"] else None


def _opened(address: str, path: str) -> Any:
    from deltalake import DeltaTable

    version, table = version_of(address), DeltaTable(path)
    if version is None or version == table.version():
        return table
    if version > table.version():
        raise DataError(
            f"{shown(address)} has no version {version}.",
            where=f"versions: 0 to {table.version()}",
            mend=f"source: delta://{path}@{table.version()}",
        )
    return DeltaTable(path, version=version)


@contextmanager
def _told(address: str) -> Iterator[str]:
    """The path of the table, if there can be one; what goes wrong with it becomes our error."""
    found = DELTA.fullmatch(address)
    if found is None:
        raise DataError(
            f"{shown(address)} names no Delta table.",
            where="data.source",
            mend="source: delta://FOLDER, or delta://FOLDER@VERSION",
        )
    path = found["path"]
    try:
        from deltalake.exceptions import DeltaError, TableNotFoundError
    except ImportError:
        raise no_package("A Delta table", "delta", shown(address)) from None
    if "://" not in path and not Path(path).is_dir():
        raise NotFoundError(
            f"There is no folder {Path(path).name}.",
            where=path,
            mend="source: delta://FOLDER, relative to the experiment file",
        )
    try:
        yield path
    except TableNotFoundError:
        raise DataError(
            f"{shown(address)} is no Delta table: it has no log.",
            where=path,
            mend="for a folder of Parquet files give its path without delta://",
        ) from None
    except (DeltaError, *UNREADABLE) as error:
        raise DataError(
            f"{shown(address)} is not a readable Delta table: {reason_of(error)}.",
            where=path,
            mend="give another version, or write the table again",
        ) from None
