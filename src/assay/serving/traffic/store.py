"""What traffic leaves: contests, answers, outcomes, and what became of challengers, in SQLite.

One file for each model name, in the workspace. An outcome that was acknowledged is on the disk,
whatever happens to the process or the machine; answers survive the process. Several servers may
write to the same file.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import TrackingError
from assay.predictions import Floats
from assay.serving.traffic.contest import Contest
from assay.workspace import Workspace, file_name

_PATIENCE_S = 10.0
_DAY_S = 86400.0
_TABLES = """
CREATE TABLE IF NOT EXISTS contests (id TEXT PRIMARY KEY, began REAL NOT NULL, said TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    request_id TEXT NOT NULL, row INTEGER NOT NULL, version TEXT NOT NULL, contest TEXT NOT NULL,
    unit TEXT NOT NULL, assigned TEXT NOT NULL, at REAL NOT NULL, answer TEXT NOT NULL, asked TEXT,
    PRIMARY KEY (request_id, row, version)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_contest ON answers (contest, at);
CREATE TABLE IF NOT EXISTS repeated (request_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, row INTEGER NOT NULL,
    outcome TEXT NOT NULL, at REAL NOT NULL, UNIQUE (request_id, row));
CREATE TABLE IF NOT EXISTS losses (
    number INTEGER PRIMARY KEY AUTOINCREMENT, contest TEXT NOT NULL, shadow TEXT NOT NULL,
    unit TEXT NOT NULL, version TEXT NOT NULL, answered REAL NOT NULL, loss REAL NOT NULL,
    beside REAL, UNIQUE (contest, shadow, unit));
CREATE TABLE IF NOT EXISTS calls (
    contest TEXT NOT NULL, version TEXT NOT NULL, n INTEGER NOT NULL, failed INTEGER NOT NULL,
    slow INTEGER NOT NULL, PRIMARY KEY (contest, version));
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, contest TEXT NOT NULL,
    version TEXT NOT NULL, kind TEXT NOT NULL, said TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Given:
    """An answer to one row.

    Attributes:
        request_id: Of the request.
        row: Its place in the request, from 0.
        version: Who answered.
        contest: Id of the contest.
        unit: What was assigned as a whole.
        assigned: To whom; not the one who answered where that one is stopped or a shadow.
        answer: 'prediction' and, of a classifier, 'probabilities'.
        asked: The row itself, where rows are kept.
        at: When, seconds since 1970.
    """

    request_id: str
    row: int
    version: str
    contest: str
    unit: str
    assigned: str
    answer: Mapping[str, Any]
    asked: Mapping[str, Any] | None
    at: float


@dataclass(frozen=True)
class Event:
    """Something that happened to a version: it was stopped, for example.

    Attributes:
        at: When, seconds since 1970.
        contest: Id of the contest.
        version: To whom.
        kind: 'began' or 'stopped'.
        said: In words.
    """

    at: float
    contest: str
    version: str
    kind: str
    said: str


@dataclass(frozen=True)
class Losses:
    """What units lost, in the order in which their outcomes came.

    Attributes:
        numbers: Growing, shape (n,).
        loss: Of whoever answered, shape (n,).
        beside: Of the shadow, shape (n,); not a number elsewhere.
        is_other: Whether the other answered, and not the champion, shape (n,).
    """

    numbers: NDArray[np.int64]
    loss: Floats
    beside: Floats
    is_other: NDArray[np.bool_]


def path_of(workspace: Workspace, name: str) -> Path:
    """The file of a model name."""
    return workspace.traffic_folder / f"{file_name(name)}.db"


class TrafficStore:
    """The file of one model name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connected(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction, which is kept as a whole or not at all.

        Args:
            durable: Whether it must survive the machine, not only the process.

        Raises:
            TrackingError: The file cannot be read or written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_S)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise TrackingError(
                f"What traffic leaves cannot be kept or read ({error}).",
                where=str(self.path),
                mend="make that file and its folder writable, and free some space",
            ) from None

    def prepare(self) -> None:
        """Make the file where there is none."""
        with self.connected(durable=True) as database:
            database.executescript(_TABLES)
        self.path.chmod(0o600)

    def begin(self, contest: Contest) -> bool:
        """Note a contest; whether it is new."""
        said = json.dumps(contest.as_dict())
        with self.connected(durable=True) as database:
            made = database.execute(
                "INSERT OR IGNORE INTO contests VALUES (?, ?, ?)", (contest.id, time.time(), said)
            )
            return made.rowcount == 1

    def contests(self) -> list[tuple[float, Contest]]:
        """Every contest with the time it began, the one that was last answered in last."""
        query = """SELECT began, said FROM contests c ORDER BY
            coalesce((SELECT max(at) FROM answers a WHERE a.contest = c.id), began), began"""
        with self.connected() as database:
            found = database.execute(query).fetchall()
        return [(began, Contest.from_dict(json.loads(said))) for began, said in found]

    def contest(self, identity: str) -> Contest | None:
        """The contest of an id."""
        with self.connected() as database:
            found = database.execute("SELECT said FROM contests WHERE id = ?", (identity,))
            row = found.fetchone()
        return Contest.from_dict(json.loads(row[0])) if row else None

    def keep(
        self,
        requests: Iterable[Sequence[Given]],
        calls: Mapping[tuple[str, str], Sequence[int]],
        repeated: Iterable[str] = (),
    ) -> None:
        """Keep answers, and count calls by contest and version: all, failed and slow ones.

        Of a request id that comes twice the first request stays, and the id is noted as repeated.

        Args:
            requests: All answers to a request each.
            calls: What to add.
            repeated: Ids that several requests had at once.
        """
        counted = [(*key, *counts) for key, counts in calls.items() if any(counts)]
        with self.connected() as database:
            for given in requests:
                _keep(database, given)
            again = [(each,) for each in repeated]
            database.executemany("INSERT OR IGNORE INTO repeated VALUES (?)", again)
            database.executemany(
                "INSERT INTO calls VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "n = n + excluded.n, failed = failed + excluded.failed, "
                "slow = slow + excluded.slow",
                counted,
            )

    def calls(self, contest: str) -> dict[str, tuple[int, int, int]]:
        """Calls by version: all, failed and slow ones."""
        query = "SELECT version, n, failed, slow FROM calls WHERE contest = ?"
        with self.connected() as database:
            return {each[0]: each[1:] for each in database.execute(query, (contest,))}

    def answered(self, contest: str) -> dict[str, tuple[int, int]]:
        """Requests and rows by version that answered them."""
        query = """SELECT version, count(DISTINCT request_id), count(*) FROM answers
            WHERE contest = ? GROUP BY version"""
        with self.connected() as database:
            return {each[0]: each[1:] for each in database.execute(query, (contest,))}

    def known_outcomes(self, contest: str) -> dict[str, int]:
        """Rows whose outcome is known, by version that answered them."""
        query = """SELECT version, count(*) FROM answers JOIN outcomes USING (request_id, row)
            WHERE contest = ? GROUP BY version"""
        with self.connected() as database:
            return dict(database.execute(query, (contest,)).fetchall())

    def units(self, contest: str, until: float) -> dict[str, int]:
        """Distinct units by version they were given to, of answers before a moment."""
        query = """SELECT assigned, count(DISTINCT unit) FROM answers
            WHERE contest = ? AND version = assigned AND at < ? GROUP BY assigned"""
        with self.connected() as database:
            return dict(database.execute(query, (contest, until)).fetchall())

    def counted(self, contest: str, until: float) -> dict[str, int]:
        """Units whose outcome is known, by version that answered, of answers before a moment."""
        query = """SELECT version, count(*) FROM losses
            WHERE contest = ? AND shadow = '' AND answered < ? GROUP BY version"""
        with self.connected() as database:
            return dict(database.execute(query, (contest, until)).fetchall())

    def forget(self, keep_days: int) -> int:
        """Forget answers that are older and have no outcome; how many they were."""
        query = """DELETE FROM answers
            WHERE contest IN (SELECT id FROM contests) AND at < ? AND NOT EXISTS (
                SELECT 1 FROM outcomes o
                WHERE o.request_id = answers.request_id AND o.row = answers.row)"""
        with self.connected() as database:
            return database.execute(query, (time.time() - keep_days * _DAY_S,)).rowcount

    def tell(self, event: Event) -> None:
        """Note an event for ever."""
        with self.connected(durable=True) as database:
            database.execute(
                "INSERT INTO events (at, contest, version, kind, said) VALUES (?, ?, ?, ?, ?)",
                (event.at, event.contest, event.version, event.kind, event.said),
            )

    def events(self, contest: str) -> list[Event]:
        """What happened in a contest, oldest first."""
        query = "SELECT at, contest, version, kind, said FROM events WHERE contest = ?"
        with self.connected() as database:
            found = database.execute(f"{query} ORDER BY number", (contest,)).fetchall()
        return [Event(*each) for each in found]

    def losses(self, contest: Contest, version: str, after: int = 0) -> Losses:
        """What units of a version and of the champion lost, until it was stopped.

        Args:
            contest: The contest.
            version: A challenger or a shadow of it.
            after: Number after which to begin.
        """
        stopped = [each.at for each in self.events(contest.id) if _ends(each, version)]
        query = """SELECT number, loss, beside, version FROM losses WHERE +contest = ?
            AND +shadow = ? AND version IN (?, ?) AND number > ? AND answered < ? ORDER BY number"""
        shadow = version if version in contest.shadows else ""
        until = min(stopped, default=float("inf"))
        wanted = (contest.id, shadow, contest.champion, version, after, until)
        with self.connected() as database:
            found = database.execute(query, wanted).fetchall()
        numbers, loss, beside, who = zip(*found, strict=True) if found else ((), (), (), ())
        return Losses(
            np.array(numbers, dtype=np.int64),
            np.array(loss, dtype=float),
            np.array(beside, dtype=float),
            np.array([each == version for each in who], dtype=bool),
        )


def _keep(database: sqlite3.Connection, given: Sequence[Given]) -> None:
    if not given:
        return
    query, asked = "SELECT 1 FROM answers WHERE request_id = ? LIMIT 1", (given[0].request_id,)
    if database.execute(query, asked).fetchone():
        database.execute("INSERT OR IGNORE INTO repeated VALUES (?)", asked)
        return
    lines = [
        (
            each.request_id, each.row, each.version, each.contest, each.unit, each.assigned,
            each.at, json.dumps(each.answer, default=str),
            json.dumps(each.asked, default=str) if each.asked is not None else None,
        )
        for each in given
    ]  # fmt: skip
    database.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)


def _ends(event: Event, version: str) -> bool:
    return event.kind == "stopped" and event.version == version
