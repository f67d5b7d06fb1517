"""Feedback: outcomes that come later are joined with the answers they belong to.

An outcome that was acknowledged is on the disk. The same one may be sent again, as a client does
that has heard no answer; another one for the same row is refused, since the first was counted. A
unit counts once, with the outcomes that came first: what comes later for the same key is kept, but
who was counted once has had their say, and counting on would take one customer for many.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from assay.serving.refusal import Problem, Refusal, shown
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.counting import Entry, entries, merged
from assay.serving.traffic.measures import outcome_of
from assay.serving.traffic.store import TrafficStore

MOST_AT_ONCE = 10_000
_MOST_PROBLEMS = 1_000
_PAUSE_S = 0.05
_PAUSES = 20
_FORM = '[{"request_id": "...", "row": 0, "outcome": "..."}]'
_REPEATED = "several requests had this id, so that nobody knows which one it belongs to"
_KNOWN = {"request_id", "row", "outcome"}


@dataclass(frozen=True)
class Outcome:
    """What became of a row.

    Attributes:
        request_id: Of the request that asked for it.
        row: Its place in that request, from 0.
        outcome: The class, the list of labels, or the number, as it came out of JSON.
    """

    request_id: str
    row: int
    outcome: Any


@dataclass(frozen=True)
class Untaken:
    """An outcome that was not taken, and why."""

    request_id: str
    row: int
    reason: str


@dataclass
class Taken:
    """What became of a batch of outcomes.

    Attributes:
        taken: How many were new.
        known: How many were here already, the same.
        refused: The others.
    """

    taken: int = 0
    known: int = 0
    refused: list[Untaken] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        refused = [vars(each) for each in self.refused]
        return {"taken": self.taken, "known": self.known, "refused": refused}


def outcomes_in(document: Any) -> list[Outcome]:
    """The outcomes in a body: one of them, or a list.

    Raises:
        Refusal: It holds something else (422); every problem of it is named.
    """
    items = document if isinstance(document, list) else [document]
    if not items or len(items) > MOST_AT_ONCE:
        raise Refusal(
            413 if items else 422,
            f"There are {len(items):,} outcomes in the body.",
            f"send 1 to {MOST_AT_ONCE:,} at a time: {_FORM}",
        )
    problems = [each for number, item in enumerate(items) for each in _problems(number, item)]
    if problems:
        raise Refusal(
            422,
            "The body holds something else than outcomes.",
            f"send {_FORM}",
            problems=problems[:_MOST_PROBLEMS],
            n_problems=len(problems),
        )
    return [Outcome(each["request_id"], each.get("row", 0), each["outcome"]) for each in items]


def _problems(number: int, item: Any) -> list[Problem]:
    if not isinstance(item, dict):
        return [Problem(number, None, "is no object", f"send {_FORM}", shown(item))]
    found = [
        Problem(number, name, "is not known here", "leave it out")
        for name in sorted(set(item) - _KNOWN)
    ]
    if not isinstance(item.get("request_id"), str) or not item["request_id"]:
        found.append(Problem(number, "request_id", "is no text", "send the X-Request-ID"))
    row = item.get("row", 0)
    if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < 2**31:
        mend = "count the rows of the request from 0"
        found.append(Problem(number, "row", "is no whole number from 0 on", mend, shown(row)))
    if item.get("outcome") is None:
        found.append(Problem(number, "outcome", "is missing", "send what came true"))
    return found


class Feedback:
    """Takes outcomes.

    Args:
        store: Where answers are, and where outcomes go.
        flush: Writes the answers that still wait to be written.
        is_expected: Whether the answer of a request is on its way to be written.
    """

    def __init__(
        self, store: TrafficStore, flush: Callable[[], None], is_expected: Callable[[str], bool]
    ) -> None:
        self._store = store
        self._flush = flush
        self._is_expected = is_expected
        self._contests: dict[str, Contest] = {}

    def take(self, outcomes: Sequence[Outcome]) -> Taken:
        """Take what belongs to known answers; once this returns it is on the disk.

        Raises:
            TrackingError: It cannot be written; nothing of it was.
        """
        for _ in range(_PAUSES):  # an outcome may be faster than the note of its answer
            if not any(self._is_expected(each.request_id) for each in outcomes):
                break
            time.sleep(_PAUSE_S)
        self._flush()
        told = Taken()
        with self._store.connected(durable=True) as database:
            database.execute("BEGIN IMMEDIATE")
            found: list[Entry] = []
            for each in outcomes:
                kept = self._kept(database, each, told)
                if kept is not None:
                    found += self._entries(database, each, kept)
            # a unit that was counted has had its say
            database.executemany(
                "INSERT OR IGNORE INTO losses (contest, shadow, unit, version, answered, loss, "
                "beside) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [astuple(each) for each in merged(found)],
            )
        return told

    def _kept(self, database: sqlite3.Connection, given: Outcome, told: Taken) -> Any:
        """The outcome as it was kept; None if it was here already or cannot be taken."""
        asked = (given.request_id, given.row)
        again = "SELECT 1 FROM repeated WHERE request_id = ?"
        if database.execute(again, (given.request_id,)).fetchone():
            told.refused.append(Untaken(*asked, _REPEATED))
            return None
        found = database.execute(
            "SELECT contest FROM answers WHERE request_id = ? AND row = ? LIMIT 1", asked
        ).fetchone()
        if found is None:
            told.refused.append(Untaken(*asked, "no answer of this id and row is known here"))
            return None
        contest = self._contest(found[0])
        outcome = outcome_of(given.outcome, contest.task, contest.classes)
        if outcome is None:
            told.refused.append(
                Untaken(*asked, f"it cannot be the outcome of a {contest.task} row")
            )
            return None
        text = json.dumps(outcome)
        before = database.execute(
            "SELECT outcome FROM outcomes WHERE request_id = ? AND row = ?", asked
        ).fetchone()
        if before is None:
            database.execute(
                "INSERT INTO outcomes (request_id, row, outcome, at) VALUES (?, ?, ?, ?)",
                (*asked, text, time.time()),
            )
            told.taken += 1
            return outcome
        if before[0] == text:
            told.known += 1
        else:
            told.refused.append(Untaken(*asked, "another outcome was taken before"))
        return None

    def _entries(self, database: sqlite3.Connection, given: Outcome, kept: Any) -> Iterator[Entry]:
        """What an outcome adds to the comparisons of its contest."""
        found = database.execute(
            "SELECT version, contest, unit, assigned, at, answer FROM answers "
            "WHERE request_id = ? AND row = ?",
            (given.request_id, given.row),
        ).fetchall()
        _, identity, unit, assigned, at, _ = found[0]
        contest = self._contest(identity)
        losses = {
            version: contest.measure.loss(json.loads(answer), kept) for version, *_, answer in found
        }
        return entries(contest, unit, assigned, at, given.row, losses)

    def _contest(self, identity: str) -> Contest:
        if identity not in self._contests:
            found = self._store.contest(identity)
            assert found is not None, "an answer is kept after its contest"
            self._contests[identity] = found
        return self._contests[identity]
