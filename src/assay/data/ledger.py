"""The ledger of looks: who opened which test rows, when and why. It is only ever appended to.

It belongs to the user, not to a workspace, and knows rows by their hashes: another seed, name or
workspace does not reset it (law 2). A test set has had as many looks as any 5 % of its rows had.
"""

from __future__ import annotations

import getpass
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from platformdirs import user_data_path

from assay.data.fingerprint import Hashes
from assay.errors import VaultError

LEDGER_VARIABLE = "ASSAY_LEDGER"
INHERITING_SHARE = 0.05
_TABLES = """
CREATE TABLE IF NOT EXISTS test_sets (digest TEXT PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL REFERENCES test_sets,
    at TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL, run_id TEXT NOT NULL,
    run_name TEXT NOT NULL, workspace TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS looks_stay BEFORE DELETE ON looks
    BEGIN SELECT RAISE(ABORT, 'looks are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS looks_stand BEFORE UPDATE ON looks
    BEGIN SELECT RAISE(ABORT, 'looks are never changed'); END;
CREATE TRIGGER IF NOT EXISTS sets_stay BEFORE DELETE ON test_sets
    BEGIN SELECT RAISE(ABORT, 'test sets are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS sets_stand BEFORE UPDATE ON test_sets
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

    def record(self, look: Look, digest: str, hashes: Hashes) -> int:
        """Append a look and return how many these rows have had, this one included.

        Raises:
            VaultError: The ledger cannot be written; then nobody may look.
        """
        with self._opened() as database:
            database.execute(
                "INSERT OR IGNORE INTO test_sets VALUES (?, ?)",
                (digest, np.sort(hashes).astype("<u8").tobytes()),
            )
            database.execute(
                "INSERT INTO looks (digest, at, user, host, run_id, run_name, workspace, reason) "
                "VALUES (:digest, :at, :user, :host, :run_id, :run_name, :workspace, :reason)",
                asdict(look) | {"digest": digest},
            )
        return self.looks_at(hashes)

    def looks_at(self, hashes: Hashes) -> int:
        """The most looks that any 5 % of these rows have had."""
        if not self.path.exists() or len(hashes) == 0:
            return 0
        counts = np.zeros(len(hashes), dtype=np.int64)
        with self._opened() as database:
            query = (
                "SELECT hashes, count(*) FROM looks JOIN test_sets USING (digest) GROUP BY digest"
            )
            for blob, looks in database.execute(query):
                counts += looks * np.isin(hashes, np.frombuffer(blob, dtype="<u8"))
        share = max(1, int(np.ceil(INHERITING_SHARE * len(hashes))))
        return int(np.sort(counts)[-share])

    def looks(self) -> list[tuple[str, Look]]:
        """Every look with the digest of its test set, oldest first."""
        if not self.path.exists():
            return []
        columns = "digest, run_id, run_name, workspace, reason, at, user, host"
        with self._opened() as database:
            rows = database.execute(f"SELECT {columns} FROM looks ORDER BY number").fetchall()
        return [(digest, Look(*rest)) for digest, *rest in rows]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = sqlite3.connect(self.path, timeout=30)
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from None
        try:
            with database:
                database.execute("PRAGMA synchronous = FULL")
                database.executescript(_TABLES)
                database.execute("BEGIN IMMEDIATE")
                yield database
        except sqlite3.Error as error:
            raise self._unwritable(error) from None
        finally:
            database.close()

    def _unwritable(self, error: Exception) -> VaultError:
        return VaultError(
            f"The ledger of looks cannot be written ({error}), so the test stays sealed.",
            where=str(self.path),
            mend=f"make that file writable, or name another: {LEDGER_VARIABLE}=PATH",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
