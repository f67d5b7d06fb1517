"""Snapshots: what is read back is what was kept, and nothing else is ever read."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.data import snapshot
from assay.data.fingerprint import fingerprint
from assay.data.sources import from_frame, read_table
from assay.errors import DataError
from assay.workspace import Workspace

COLUMNS = {
    "dates": [datetime(2026, 1, 1), None, datetime(1969, 12, 31, 23, 59, 59, 1)],
    "zoned": [datetime(2026, 1, 1, tzinfo=UTC), None, datetime(2026, 6, 1, tzinfo=UTC)],
    "text": ["a", "", "Zoë\n\0\u2028 🙂"],
    "categories": pd.Categorical(["red", None, "blue"], ["blue", "red", "unused"]),
    "leading zeros": ["007", "0", None],
    "truths": pd.array([True, None, False], "boolean"),
    "whole": [0, -1, 2**62],
    "beyond floats": pd.array([2**53 + 1, None, -(2**63)], "Int64"),
    "numbers": [0.1, -0.0, 5e-324],
    "not all there": [np.nan, np.inf, -np.inf],
    "nothing": [None, None, None],
    "times of day": [time(1), None, time(2)],
    "spans": [timedelta(days=1), None, timedelta(microseconds=1)],
    "bytes": [b"\0", None, b""],
    "lists": [[1], None, []],
}


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace").ensure()


def kept(table: pa.Table, here: Workspace) -> Path:
    path = snapshot.keep(table, fingerprint(table), here)
    assert path is not None
    return path


@pytest.mark.parametrize("name", [*COLUMNS, "all of them"])
def test_every_kind_of_column_comes_back(name: str, here: Workspace) -> None:
    names = list(COLUMNS) if name == "all of them" else [name]
    table = from_frame(pd.DataFrame({each: COLUMNS[each] for each in names}))
    path = kept(table, here)
    again = snapshot.read(path)
    assert fingerprint(again) == fingerprint(table) == path.stem
    assert again.equals(table)
    assert again.schema.equals(table.schema, check_metadata=True)


def test_what_a_source_says_of_its_columns_comes_back(here: Workspace, tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "files" / label).mkdir(parents=True)
        (tmp_path / "files" / label / "1.txt").write_text(f"a {label}")
    table = read_table(tmp_path / "files")
    again = snapshot.read(kept(table, here))
    assert again.schema.equals(table.schema, check_metadata=True)
    assert any(field.metadata for field in again.schema)


def test_a_table_is_written_once_and_seen_by_its_owner_only(here: Workspace) -> None:
    table = from_frame(pd.DataFrame({"a": [1, 2]}))
    path = kept(table, here)
    before = path.stat()
    assert kept(table, here) == path == snapshot.find(here, fingerprint(table))
    assert path.stat() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert snapshot.find(here, "0" * 64) is None


def test_small_is_what_the_limit_says() -> None:
    table = from_frame(pd.DataFrame({"a": np.arange(1 << 17)}))  # 1 MiB
    limits = {0: False, 0.5: False, 1: True, 64: True}
    assert {limit: snapshot.fits(table, limit) for limit in limits} == limits


def test_a_type_that_no_file_holds_is_not_kept(here: Workspace) -> None:
    table = pa.table({"a": pa.array([pa.MonthDayNano([1, 2, 3])])})
    assert snapshot.keep(table, "0" * 64, here) is None
    assert list(here.snapshots_folder.iterdir()) == []


def test_a_changed_or_broken_snapshot_is_refused(here: Workspace) -> None:
    one, other = (kept(from_frame(pd.DataFrame({"a": [n]})), here) for n in (1, 2))
    one.write_bytes(other.read_bytes())
    with pytest.raises(DataError, match="snapshot of the data was changed after it was") as caught:
        snapshot.read(one)
    assert caught.value.where == str(one)
    assert caught.value.mend == "delete it, and train again from the source of the data"
    one.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="snapshot of the data cannot be read"):
        snapshot.read(one)
