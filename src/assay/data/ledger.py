"""The ledger of looks: who opened which test rows, when and why. It is only ever appended to.

It belongs to the user, not to a workspace, and knows rows by what is in them: neither another seed,
name or workspace nor a column that is added, renamed or rounded resets it (law 2). A test set has
had as many looks as any 5 % of its rows had.
"""

from __future__ import annotations

import getpass
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from platformdirs import user_data_path

from assay.data.aspects import INHERITING_SHARE, Aspect, Cells, Mask, aspects_of
from assay.data.fingerprint import Hashes, among
from assay.errors import VaultError

LEDGER_VARIABLE = "ASSAY_LEDGER"
_PATIENCE_S = 30
_TABLES = """
CREATE TABLE IF NOT EXISTS test_sets (digest TEXT PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL REFERENCES test_sets,
    at TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL, run_id TEXT NOT NULL,
    run_name TEXT NOT NULL, workspace TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aspects (
    digest TEXT NOT NULL REFERENCES test_sets, number INTEGER NOT NULL, columns BLOB NOT NULL,
    twins REAL NOT NULL, repeats REAL NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (digest, number));
CREATE TRIGGER IF NOT EXISTS looks_stay BEFORE DELETE ON looks
    BEGIN SELECT RAISE(ABORT, 'looks are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS looks_stand BEFORE UPDATE ON looks
    BEGIN SELECT RAISE(ABORT, 'looks are never changed'); END;
CREATE TRIGGER IF NOT EXISTS sets_stay BEFORE DELETE ON test_sets
    BEGIN SELECT RAISE(ABORT, 'test sets are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS sets_stand BEFORE UPDATE ON test_sets
    BEGIN SELECT RAISE(ABORT, 'test sets are never changed'); END;
CREATE TRIGGER IF NOT EXISTS aspects_stay BEFORE DELETE ON aspects
    BEGIN SELECT RAISE(ABORT, 'test sets are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS aspects_stand BEFORE UPDATE ON aspects
    BEGIN SELECT RAISE(ABORT, 'test sets are never changed'); END;
"""


@dataclass(frozen=True)
class Look:
    """One opening of a test set.

    Attributes:
        run_id: The run it was opened for.
        run_name: Its name.
        workspace: Folder of the workspace.
        reason: Why, in the user's or the command's words.
        at: When, ISO 8601, UTC.
        user: Who.
        host: On which machine.
    """

    run_id: str
    run_name: str
    workspace: str
    reason: str
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    user: str = field(default_factory=lambda: _user())  # noqa: PLW0108 - defined below
    host: str = field(default_factory=socket.gethostname)


class Ledger:
    """The ledger in one SQLite file; a team points `ASSAY_LEDGER` at a shared one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_user(cls) -> Ledger:
        """The ledger that `ASSAY_LEDGER` names, else the user's own."""
        named = os.environ.get(LEDGER_VARIABLE)
        return cls(Path(named) if named else user_data_path("assay", appauthor=False) / "ledger.db")

    def record(self, look: Look, digest: str, hashes: Hashes, cells: Cells) -> int:
        """Append a look and return how many these rows have had, this one included.

        Args:
            look: The look.
            digest: Of the test set.
            hashes: One hash per row of it, shape (n,).
            cells: Its cells.

        Raises:
            VaultError: The ledger cannot be written; then nobody may look.
        """
        aspects = aspects_of(cells)
        with self._written() as database:
            database.execute(
                "INSERT OR IGNORE INTO test_sets VALUES (?, ?)", (digest, _bytes(np.sort(hashes)))
            )
            database.executemany(
                "INSERT OR IGNORE INTO aspects VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (digest, n, _bytes(a.columns), a.twins, a.repeats, _bytes(a.hashes))
                    for n, a in enumerate(aspects)
                ],
            )
            database.execute(
                "INSERT INTO looks (digest, at, user, host, run_id, run_name, workspace, reason) "
                "VALUES (:digest, :at, :user, :host, :run_id, :run_name, :workspace, :reason)",
                asdict(look) | {"digest": digest},
            )
        return self.looks_at(hashes, cells)

    def know_by(self, digest: str, aspect: Aspect) -> None:
        """Know the rows of a test set that was looked at by one more aspect of them.

        Raises:
            VaultError: The ledger cannot be written.
        """
        kept = (_bytes(aspect.columns), aspect.twins, aspect.repeats, _bytes(aspect.hashes))
        with self._written() as database:
            known, last = database.execute(
                "SELECT sum(columns = ? AND hashes = ?), max(number) FROM aspects WHERE digest = ?",
                (kept[0], kept[3], digest),
            ).fetchone()
            if not known:
                number = 0 if last is None else last + 1
                database.execute(
                    "INSERT INTO aspects VALUES (?, ?, ?, ?, ?, ?)", (digest, number, *kept)
                )

    def looks_at(self, hashes: Hashes, cells: Cells) -> int:
        """The most looks that any 5 % of these rows have had.

        Raises:
            VaultError: The ledger cannot be read.
        """
        if not self.path.exists() or len(hashes) == 0:
            return 0
        counts = np.zeros(len(hashes), dtype=np.int64)
        with self._read() as database:
            looked_at = database.execute("SELECT digest, count(*) FROM looks GROUP BY digest")
            for digest, looks in looked_at.fetchall():
                counts += looks * _seen(database, digest, hashes, cells)
        share = max(1, int(np.ceil(INHERITING_SHARE * len(hashes))))
        return int(np.sort(counts)[-share])

    def looks(self) -> list[tuple[str, Look]]:
        """Every look with the digest of its test set, oldest first.

        Raises:
            VaultError: The ledger cannot be read.
        """
        if not self.path.exists():
            return []
        columns = "digest, run_id, run_name, workspace, reason, at, user, host"
        with self._read() as database:
            rows = database.execute(f"SELECT {columns} FROM looks ORDER BY number").fetchall()
        return [(digest, Look(*rest)) for digest, *rest in rows]

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_S)) as database, database:
                database.execute("PRAGMA synchronous = FULL")
                database.executescript(_TABLES)
                database.execute("BEGIN IMMEDIATE")
                yield database
        except (OSError, sqlite3.Error) as error:
            raise VaultError(
                f"The ledger of looks cannot be written ({error}), so the test stays sealed.",
                where=str(self.path),
                mend=f"make that file writable, or name another: {LEDGER_VARIABLE}=PATH",
            ) from None

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, timeout=_PATIENCE_S, uri=True)) as database:
                yield database
        except sqlite3.Error as error:
            raise VaultError(
                f"The ledger of looks cannot be read ({error}).",
                where=str(self.path),
                mend=f"make that file readable, or name another: {LEDGER_VARIABLE}=PATH",
            ) from None


def _seen(database: sqlite3.Connection, digest: str, hashes: Hashes, cells: Cells) -> Mask:
    """Which rows are of a test set that was looked at: by their hash, else by an aspect."""
    query = "SELECT hashes FROM test_sets WHERE digest = ?"
    [blob] = database.execute(query, (digest,)).fetchone()
    seen = among(hashes, _hashes(blob))
    if seen.all() or not _knows_aspects(database):
        return seen
    query = "SELECT columns, twins, repeats, hashes FROM aspects WHERE digest = ? ORDER BY number"
    for columns, twins, repeats, blob in database.execute(query, (digest,)):
        aspect = Aspect(_hashes(columns).reshape(-1, 4), twins, repeats, _hashes(blob))
        seen |= aspect.seen_among(cells)
        if seen.all():
            break
    return seen


def _knows_aspects(database: sqlite3.Connection) -> bool:
    """Whether the ledger was written since there are aspects; older ones know row hashes only."""
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'aspects'"
    return bool(database.execute(query).fetchone()[0])


def _bytes(hashes: Hashes) -> bytes:
    return hashes.astype("<u8").tobytes()


def _hashes(blob: bytes) -> Hashes:
    return np.frombuffer(blob, dtype="<u8").astype(np.uint64)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
