"""Vault and ledger: sealed rows come out whole or not at all, and looks are for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from assay.data.ledger import Ledger, Look
from assay.data.schema import Task
from assay.data.vault import Vault
from assay.errors import VaultError
from tests.tables import prepared

LOOK = Look("run", "boosting", "/somewhere", "curiosity")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", Ledger(tmp_path / "ledger.db"))


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


def test_rows_of_another_workspace_are_not_here(vault: Vault) -> None:
    with pytest.raises(VaultError, match="not in this workspace"):
        vault.open("0" * 64, LOOK)
    assert vault.looks("0" * 64) == 0


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
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(statement)
    database.close()
    [(digest, look)] = vault.ledger.looks()
    assert (digest, look) == (data.sealed.digest, LOOK)


def test_a_test_set_inherits_the_looks_of_a_twentieth_of_its_rows(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    rows = np.arange(100, dtype=np.uint64)
    ledger.record(LOOK, "first", rows)
    ledger.record(LOOK, "first", rows)
    fresh = np.arange(1000, 1100, dtype=np.uint64)
    assert ledger.looks_at(fresh) == 0
    assert ledger.looks_at(np.concatenate([rows[:5], fresh[:95]])) == 2
    assert ledger.looks_at(np.concatenate([rows[:4], fresh[:96]])) == 0
