"""Vault and ledger: sealed rows come out whole or not at all, and looks are for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.aspects import Cells
from assay.data.fingerprint import row_hashes, rows_digest
from assay.data.ledger import Ledger, Look
from assay.data.schema import Task
from assay.data.sources import from_frame
from assay.data.vault import Vault
from assay.errors import VaultError
from tests.tables import prepared, table

LOOK = Look("run", "boosting", "/somewhere", "curiosity")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def vault(tmp_path: Path, ledger: Ledger) -> Vault:
    return Vault(tmp_path / "vault", ledger)


def record(ledger: Ledger, frame: pd.DataFrame) -> int:
    """Look at a table."""
    rows = from_frame(frame)
    hashes = row_hashes(rows)
    return ledger.record(LOOK, rows_digest(hashes), hashes, Cells(rows))


def looks_at(ledger: Ledger, frame: pd.DataFrame) -> int:
    """How often a table was looked at."""
    rows = from_frame(frame)
    return ledger.looks_at(row_hashes(rows), Cells(rows))


def test_what_is_sealed_comes_out_whole(vault: Vault) -> None:
    data = prepared(Task.BINARY)
    vault.seal(data.sealed)
    opened = vault.open(data.sealed.digest, LOOK)
    np.testing.assert_array_equal(opened.rows, data.split.test)
    assert opened.table.drop_columns(["y"]).equals(data.raw_test)
    assert (opened.looks, vault.looks(data.sealed.digest)) == (1, 1)


def test_sealed_rows_do_not_show_themselves() -> None:
    sealed = prepared(Task.BINARY).sealed
    assert "yes" not in repr(sealed)
    assert "48 rows" in repr(sealed)


def test_the_vault_is_its_owners(vault: Vault) -> None:
    data = prepared(Task.BINARY)
    vault.seal(data.sealed)
    [path] = vault.folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert vault.folder.stat().st_mode & 0o077 == 0


def test_changed_rows_are_refused_and_cost_no_look(vault: Vault) -> None:
    data, other = prepared(Task.BINARY), prepared(Task.BINARY, seed=1)
    vault.seal(data.sealed)
    vault.seal(other.sealed)
    path = vault.folder / f"{data.sealed.digest}.parquet"
    (vault.folder / f"{other.sealed.digest}.parquet").replace(path)
    with pytest.raises(VaultError, match="changed after they were sealed"):
        vault.open(data.sealed.digest, LOOK)
    assert vault.ledger.looks() == []


@pytest.mark.parametrize("harm", [b"", b"PAR1 and no more", None], ids=["empty", "cut", "changed"])
def test_what_was_harmed_is_sealed_anew(vault: Vault, harm: bytes | None) -> None:
    data, other = prepared(Task.BINARY), prepared(Task.BINARY, seed=1)
    vault.seal(data.sealed)
    path = vault.folder / f"{data.sealed.digest}.parquet"
    if harm is None:
        vault.seal(other.sealed)
        harm = (vault.folder / f"{other.sealed.digest}.parquet").read_bytes()
    path.write_bytes(harm)
    with pytest.raises(VaultError, match="The sealed test rows") as caught:
        vault.open(data.sealed.digest, LOOK)
    assert "train again" in caught.value.mend
    vault.seal(data.sealed)
    assert vault.open(data.sealed.digest, LOOK).looks == 1


def test_what_is_whole_is_not_written_again(vault: Vault) -> None:
    sealed = prepared(Task.BINARY).sealed
    vault.seal(sealed)
    [path] = vault.folder.iterdir()
    before = path.stat().st_ino
    vault.seal(sealed)
    assert path.stat().st_ino == before


def test_features_come_without_the_target_and_cost_no_look(vault: Vault) -> None:
    data = prepared(Task.BINARY)
    vault.seal(data.sealed)
    assert vault.features(data.sealed.digest, "y").equals(data.raw_test)
    assert vault.ledger.looks() == []


def test_rows_of_another_workspace_are_not_here(vault: Vault) -> None:
    with pytest.raises(VaultError, match="not in this workspace"):
        vault.open("0" * 64, LOOK)
    assert vault.looks("0" * 64) == 0, "nobody has looked at anything"
    data = prepared(Task.BINARY)
    vault.seal(data.sealed)
    vault.open(data.sealed.digest, LOOK)
    with pytest.raises(VaultError, match="not in this workspace"):
        vault.looks("0" * 64)


def test_a_look_can_neither_be_changed_nor_deleted(vault: Vault) -> None:
    data = prepared(Task.BINARY)
    vault.seal(data.sealed)
    vault.open(data.sealed.digest, LOOK)
    with sqlite3.connect(vault.ledger.path) as database:
        for statement in (
            "DELETE FROM looks",
            "UPDATE looks SET run_id = 'x'",
            "DELETE FROM test_sets",
            "UPDATE test_sets SET hashes = x''",
            "DELETE FROM aspects",
            "UPDATE aspects SET twins = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(statement)
    database.close()
    [(digest, look)] = vault.ledger.looks()
    assert (digest, look) == (data.sealed.digest, LOOK)


def test_a_test_set_inherits_the_looks_of_a_twentieth_of_its_rows(ledger: Ledger) -> None:
    frame = table(Task.REGRESSION, n=100)
    for _ in range(2):
        record(ledger, frame)
    fresh = table(Task.REGRESSION, n=100, seed=1)
    assert looks_at(ledger, fresh) == 0
    assert looks_at(ledger, pd.concat([frame.head(5), fresh.head(95)])) == 2
    assert looks_at(ledger, pd.concat([frame.head(4), fresh.head(96)])) == 0


def test_looks_at_several_test_sets_add_up_by_row(ledger: Ledger) -> None:
    frame = table(Task.REGRESSION, n=100)
    record(ledger, frame.head(60))
    record(ledger, frame.tail(60).assign(constant=1))
    assert looks_at(ledger, frame) == 2
    assert looks_at(ledger, frame.head(40)) == looks_at(ledger, frame.tail(40)) == 1


def test_counting_writes_nothing(ledger: Ledger) -> None:
    frame = table(Task.REGRESSION, n=100)
    assert looks_at(ledger, frame) == 0
    assert not ledger.path.exists()
    record(ledger, frame)
    before = ledger.path.read_bytes(), sorted(ledger.path.parent.iterdir())
    with sqlite3.connect(ledger.path) as writing:
        writing.execute("BEGIN IMMEDIATE")
        assert looks_at(ledger, frame) == 1, "even while another process writes"
    writing.close()
    assert (ledger.path.read_bytes(), sorted(ledger.path.parent.iterdir())) == before


def test_a_broken_ledger_is_said(ledger: Ledger) -> None:
    ledger.path.write_bytes(b"this is no database, however long it may be" * 100)
    with pytest.raises(VaultError, match="cannot be read") as caught:
        looks_at(ledger, table(Task.REGRESSION, n=100))
    assert "ASSAY_LEDGER" in caught.value.mend
    with pytest.raises(VaultError, match="cannot be written"):
        record(ledger, table(Task.REGRESSION, n=100))


OLD_LEDGER = """
CREATE TABLE test_sets (digest TEXT PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL REFERENCES test_sets,
    at TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL, run_id TEXT NOT NULL,
    run_name TEXT NOT NULL, workspace TEXT NOT NULL, reason TEXT NOT NULL);
"""


def test_a_ledger_from_before_there_were_aspects_counts_on(ledger: Ledger) -> None:
    frame = table(Task.REGRESSION, n=100)
    hashes = row_hashes(from_frame(frame))
    with sqlite3.connect(ledger.path) as database:
        database.executescript(OLD_LEDGER)
        old = (rows_digest(hashes), np.sort(hashes).astype("<u8").tobytes())
        database.execute("INSERT INTO test_sets VALUES (?, ?)", old)
        look = (old[0], "2026-11-01T12:00:00+00:00", "me", "here", "r", "boosting", "/w", "why")
        database.execute("INSERT INTO looks VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", look)
    database.close()
    assert looks_at(ledger, frame) == 1
    assert looks_at(ledger, frame.assign(constant=1)) == 0, "it knows whole rows only"
    assert record(ledger, frame) == 2
    assert looks_at(ledger, frame.assign(constant=1)) == 2, "now it knows them better"


def test_a_cell_is_the_same_whatever_stands_beside_it() -> None:
    small = row_hashes(from_frame(pd.DataFrame({"a": [1, 2]})))
    large = row_hashes(from_frame(pd.DataFrame({"a": [1, 2**60, 2**60 + 1]})))
    assert small[0] == large[0]
    assert len(set(large.tolist())) == 3
    assert row_hashes(from_frame(pd.DataFrame({"a": [1.0, 2.5]})))[0] == small[0]
