"""Files of sampled predictions: a row per prediction, features as they were given.

A file is named by its hour and by the process that wrote it, and says in its metadata of which
version it is and up to which rank it is complete. It is written aside, synced and renamed.
An hour in which all was refused has one without rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.serving.monitoring.refusals import Refusals
from assay.serving.rows import Answer, Row
from assay.workspace import written_aside

LONGEST_TEXT = 4000
"""Characters of a cell that are kept."""
MOST_COLUMNS = 2000
_HOUR = "%Y-%m-%dT%H"
_NAME = re.compile(r"(?P<hour>\d{4}-\d\d-\d\dT\d\d)-(?P<token>[0-9a-f]{12})(-(?P<part>\d+))?\Z")
_ABOUT = "assay."


@dataclass(frozen=True)
class SampledRow:
    """One row that was predicted.

    Attributes:
        rank: Drawn by chance, from 0 to 1: the lowest are kept.
        time: When it was answered, seconds since 1970.
        request_id: Of its request.
        place: Which of the rows of the request it was.
        row: As it was given.
        answer: As it was answered.
    """

    rank: float
    time: float
    request_id: str
    place: int
    row: Row
    answer: Answer


@dataclass(frozen=True)
class SampleFile:
    """A file, and what it says of itself.

    Attributes:
        path: Where it is.
        hour: When its rows were answered: the number of the hour since 1970.
        token: Of the process that wrote it.
        version: The model that answered.
        limit: Rows below this rank are in it, all of those that its process answered until then.
        n_seen: How many that process answered in this hour until then.
        refusals: Its requests in this hour until then.
    """

    path: Path
    hour: int
    token: str
    version: str
    limit: float
    n_seen: int
    refusals: Refusals


def hour_name(number: int) -> str:
    """How files of an hour begin.

    >>> hour_name(0)
    '1970-01-01T00'
    """
    return datetime.fromtimestamp(number * 3600, UTC).strftime(_HOUR)


def write_rows(
    rows: Sequence[SampledRow], folder: Path, name: str, about: Mapping[str, str]
) -> None:
    """Write rows as a file.

    Raises:
        OSError: There is no room for it, or the folder cannot be written.
    """
    columns = {
        "time": pa.array([round(each.time * 1e6) for each in rows], pa.timestamp("us", "UTC")),
        "request_id": pa.array([each.request_id[:LONGEST_TEXT] for each in rows]),
        "row": pa.array([each.place for each in rows], pa.int32()),
        "rank": pa.array([each.rank for each in rows], pa.float64()),
        "features": _struct([each.row for each in rows]),
        "prediction": _column([each.answer["prediction"] for each in rows]),
    }
    probabilities = [each.answer.get("probabilities") for each in rows]
    if any(probabilities):
        columns["probabilities"] = _struct([each or {} for each in probabilities])
    _put(pa.table({name: each for name, each in columns.items() if each is not None}),
         folder / f"{name}.parquet", about)  # fmt: skip


def merge(folder: Path, name: str, about: Mapping[str, str]) -> None:
    """Make one file of all that a process wrote in an hour, with what the hour keeps of them."""
    parts = sorted(folder.glob(f"{name}-*.parquet"))
    limit = float(about["limit"])
    tables = [pq.read_table(each, filters=[("rank", "<", limit)]) for each in parts]
    if not tables:  # none of them could be written
        return
    tables = [each for each in tables if each.num_rows] or tables[:1]
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
    ):  # a column is of numbers in one, of text in another
        whole = _joined(tables)
    _put(whole, folder / f"{name}.parquet", about)
    for each in parts:
        each.unlink(missing_ok=True)


def forget_old(folder: Path, oldest: str, most_bytes: int) -> None:
    """Remove files from before an hour, and the oldest of too many; also what kills have left.

    Other processes may do the same at the same time.
    """
    left = 0
    for path in sorted(folder.iterdir(), key=lambda each: each.name.lstrip("."), reverse=True):
        if path.suffix == ".json":  # which remembers what was told
            continue
        with suppress(FileNotFoundError):
            left += path.stat().st_size
            if path.name.lstrip(".") < oldest or left > most_bytes:
                path.unlink()


def sample_files(folder: Path, version: str, since: int) -> list[SampleFile]:
    """The files of a version, of this hour and later, in order.

    Parts of which a whole was made, just before a process was killed, are left out.
    """
    named = [(path, _NAME.match(path.stem)) for path in sorted(folder.glob("*.parquet"))]
    known = [(path, match) for path, match in named if match is not None]
    whole = {(match["hour"], match["token"]) for _, match in known if match["part"] is None}
    found = []
    for path, match in known:
        hour = int(datetime.strptime(f"{match['hour']}+0000", f"{_HOUR}%z").timestamp()) // 3600
        if hour < since or (match["part"] and (match["hour"], match["token"]) in whole):
            continue
        with suppress(FileNotFoundError):  # it was merged or forgotten just now
            about = _about(path)
            if about["version"] == version:
                limit, seen = float(about["limit"]), int(about["seen"])
                refusals = Refusals.of(about)
                found.append(SampleFile(path, hour, match["token"], version, limit, seen, refusals))
    return found


def versions_sampled(folder: Path) -> list[str]:
    """The versions of which there are samples."""
    return sorted({_about(path)["version"] for path in folder.glob("*.parquet")})


def _about(path: Path) -> dict[str, str]:
    written = pq.read_schema(path).metadata or {}
    return {key.decode().removeprefix(_ABOUT): value.decode() for key, value in written.items()}


def _put(table: pa.Table, path: Path, about: Mapping[str, str]) -> None:
    table = table.replace_schema_metadata({f"{_ABOUT}{key}": each for key, each in about.items()})
    with written_aside(path, mode=0o600) as aside:
        pq.write_table(table, aside, compression="zstd")


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables whose features are of different types, as text where they are."""
    features = [row for each in tables for row in each["features"].to_pylist()]
    others = [each.drop_columns("features") for each in tables]
    whole = pa.concat_tables(others, promote_options="permissive")
    return whole.append_column("features", _struct(features))


def _struct(rows: Sequence[Mapping[str, Any]]) -> pa.Array | None:
    """A column of columns; None where there are none."""
    names = list(dict.fromkeys(name for row in rows for name in row))[:MOST_COLUMNS]
    columns = [_column([_cell(row.get(name)) for row in rows]) for name in names]
    return pa.StructArray.from_arrays(columns, names=list(map(_text, names))) if names else None


def _cell(value: Any) -> Any:
    """A value as it is kept: texts are cut, nested ones are text, and images are not kept."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, default=str)
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


def _column(cells: Sequence[Any]) -> pa.Array:
    """Values in the type that they have in common, else as text."""
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError):
        return pa.array([None if each is None else _text(str(each)) for each in cells], pa.string())


def _text(value: str) -> str:
    """A text that UTF-8 can say: JSON may hold halves of characters."""
    return value.encode(errors="replace").decode()
