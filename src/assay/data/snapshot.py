"""Snapshots: small tables as training read them, each kept once in the workspace.

A source may change or vanish; what a run was trained on must not. A snapshot is named by the
fingerprint of its content and read back only if it still has that one.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from assay.data.fingerprint import fingerprint
from assay.errors import DataError
from assay.workspace import Workspace, written_aside

MIB = 1 << 20


def fits(table: pa.Table, limit_mib: float) -> bool:
    """Whether a table is small enough to be kept; with a limit of 0 none is."""
    return 0 < table.nbytes <= limit_mib * MIB


def keep(table: pa.Table, content: str, workspace: Workspace) -> Path | None:
    """Keep a whole settled table; one that is here already is left alone.

    Args:
        table: As training read it.
        content: Its fingerprint.
        workspace: Where to.

    Returns:
        The file; None if the table holds a type that no file can hold.
    """
    path = _path(workspace, content)
    if path.exists():
        return path
    try:
        with written_aside(path, mode=0o600) as aside:
            pyarrow.parquet.write_table(
                table, aside, compression="zstd", use_compliant_nested_type=False
            )
    except pa.ArrowNotImplementedError:
        return None
    return path


def find(workspace: Workspace, content: str) -> Path | None:
    """The snapshot of the table that has this fingerprint; None if there is none."""
    path = _path(workspace, content)
    return path if path.is_file() else None


def read(path: Path) -> pa.Table:
    """The table as training read it, types and all.

    Raises:
        DataError: The file is broken, or holds another table than it is named by.
    """
    try:
        table = pyarrow.parquet.read_table(path, memory_map=False).combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise _broken(f"cannot be read: {str(error).splitlines()[0].rstrip('.')}", path) from None
    if fingerprint(table) != path.stem:
        raise _broken("was changed after it was kept", path)
    return table


def _path(workspace: Workspace, content: str) -> Path:
    return workspace.snapshots_folder / f"{content}.parquet"


def _broken(how: str, path: Path) -> DataError:
    return DataError(
        f"The snapshot of the data {how}.",
        where=str(path),
        mend="delete it, and train again from the source of the data",
    )
