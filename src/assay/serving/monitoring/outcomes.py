"""Outcomes: what came true of answered rows, as `/feedback` has kept it beside the traffic."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from assay.errors import TrackingError
from assay.serving.monitoring.hourly import Key
from assay.serving.monitoring.performance import Known
from assay.workspace import Workspace, file_name

_PATIENCE_S = 10.0
_QUERY = """SELECT request_id, row, outcome, at FROM outcomes WHERE at >= ? {but} ORDER BY number"""
_BUT = "AND request_id NOT IN (SELECT request_id FROM repeated)"
"""An id that several requests had belongs to none of them for certain."""
_KEPT = "SELECT count(*) FROM sqlite_master WHERE name = 'repeated'"


def outcomes_path(workspace: Workspace, name: str) -> Path:
    """The database of the traffic of a model name, as `traffic.store.path_of` has it.

    That module needs what only a server has installed.
    """
    return workspace.traffic_folder / f"{file_name(name)}.db"


def outcomes_of(path: Path, since: int) -> dict[Key, Known] | None:
    """The outcomes of a model name.

    Args:
        path: The database of its traffic.
        since: The first hour.

    Returns:
        Outcomes by row, of one that was told twice the last; None where none are kept.

    Raises:
        TrackingError: The database cannot be read.
    """
    if not path.is_file():
        return None
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)
        ) as database:
            knows = database.execute(_KEPT).fetchone()[0]  # files of older servers do not
            query = _QUERY.format(but=_BUT if knows else "")
            found = database.execute(query, (since * 3600.0,)).fetchall()
    except sqlite3.Error as error:
        raise TrackingError(
            f"The outcomes cannot be read ({error}).",
            where=str(path),
            mend="make that file readable, or move it away to do without outcomes",
        ) from None
    return {
        (request_id, row): Known(json.loads(outcome), int(at // 3600))
        for request_id, row, outcome, at in found
    }
