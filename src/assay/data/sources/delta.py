"""Delta tables, as they are now or as they were at a version."""

from __future__ import annotations

from pathlib import Path

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
    found = DELTA.fullmatch(address)
    if found is None:
        raise DataError(
            f"{shown(address)} names no Delta table.",
            where="data.source",
            mend="source: delta://FOLDER, or delta://FOLDER@VERSION",
        )
    path, version = found["path"], found["version"]
    try:
        from deltalake import DeltaTable
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
        latest = DeltaTable(path).version()
        if version is not None and int(version) > latest:
            raise DataError(
                f"{shown(address)} has no version {version}.",
                where=f"versions: 0 to {latest}",
                mend=f"source: delta://{path}@{latest}",
            )
        table = DeltaTable(path, version=None if version is None else int(version))
        return table.to_pyarrow_table()
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
