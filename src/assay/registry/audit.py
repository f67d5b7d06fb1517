"""The audit log of a model: every move of its versions, by whom, when and why. Only appended to.

Where the store is a database of ours, the log is a table that refuses to be changed. Everywhere it
is also tags of the registered model, which plain MLflow shows, and a server keeps nothing else. A
tag can be written by anybody: one that is in no table is told as such, and trusted with nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from assay.errors import InputError
from assay.registry import audit_table
from assay.registry.database import is_owned, reading
from assay.registry.versions import registered_model
from assay.tracking.mlflow_client import told

ENTRY = "assay.move."
"""How the tags of a registered model begin that are entries of the log."""
_LONGEST_TAG = 4_000  # MLflow's column for tags of a registered model holds 5,000
_HIGHEST = 10**9  # fits the databases' INTEGER; nobody gets that far by moving
_LARGEST_GAP = 100  # entries of a server in a row that somebody may have deleted
_TEXTS = ("id", "when", "who", "name", "action", "stage", "reason", "digest")


@dataclass(frozen=True)
class Move:
    """One entry of the audit log.

    Attributes:
        number: Counted from one, without gaps, in the log of one model.
        id: What no other entry of any model is called.
        when: ISO 8601, UTC.
        who: The user.
        name: The model.
        action: 'move', 'rollback', 'archive', 'restore' or 'delete'.
        stage: The stage that changed hands; 'archived' for the last three actions.
        from_version: The version that held it before; None if none did.
        to_version: The version that holds it since; None if none does.
        reason: In the user's words.
        override: Whether gates were overruled.
        verdicts: Of the gates, as they were at that moment.
        digest: Of the files of the version that was moved.
        through_server: Whether only a tag tells of it, though the database has a table: it was made
            through a server over that database, or somebody wrote the tag.
    """

    number: int
    id: str
    when: str
    who: str
    name: str
    action: str
    stage: str
    from_version: int | None
    to_version: int | None
    reason: str
    override: bool
    verdicts: tuple[Mapping[str, Any], ...]
    digest: str
    through_server: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "verdicts": [dict(each) for each in self.verdicts]}

    def record(self) -> dict[str, Any]:
        """What is kept of it; where it was found is told by the place."""
        kept = self.as_dict()
        del kept["through_server"]
        return kept

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Move:
        """Read back what `record` gave."""
        return cls(**{**record, "verdicts": tuple(record["verdicts"])})


def history(tracking_uri: str, name: str) -> list[Move]:
    """The audit log of a model, oldest entry first; empty of one that was never moved."""
    model = registered_model(tracking_uri, name)
    return logs_of(tracking_uri, {name: {} if model is None else model.tags})[name]


def logs_of(tracking_uri: str, tags: Mapping[str, Mapping[str, str]]) -> dict[str, list[Move]]:
    """The audit logs of models.

    Args:
        tracking_uri: The store.
        tags: Of each registered model, by its name.
    """
    if not is_owned(tracking_uri):
        return {name: from_tags(of, ENTRY) for name, of in tags.items()}
    with told(tracking_uri), reading(tracking_uri) as connection:
        return {name: joined(audit_table.read(connection, name), of) for name, of in tags.items()}


def names_of(tracking_uri: str) -> list[str]:
    """The models of which a table of ours tells, also those that are not there any more."""
    if not is_owned(tracking_uri):
        return []
    with told(tracking_uri), reading(tracking_uri) as connection:
        return audit_table.names(connection)


def joined(rows: Iterable[Mapping[str, Any]], tags: Mapping[str, str]) -> list[Move]:
    """The log from both: what was moved through a server over the same database is in tags only."""
    kept = [Move.from_record(each) for each in rows]
    known = {each.id for each in kept}
    others = [
        replace(each, through_server=True)
        for each in from_tags(tags, ENTRY)
        if each.id not in known
    ]
    return sorted([*kept, *others], key=lambda each: (each.number, each.when))


def next_number(log: Sequence[Move]) -> int:
    """The number of the next entry, which in a database no tag that somebody wrote drives up far.

    Raises:
        InputError: There is none left, for on a server somebody wrote an entry with the last.
    """
    number = max((each.number for each in log if not each.through_server), default=0)
    for each in log:
        if number < each.number <= number + _LARGEST_GAP:
            number = each.number
    if number + 1 == _HIGHEST:
        raise InputError(
            f"The audit log of {log[-1].name} has an entry {number}, which Assay has not made.",
            mend=f"delete its tags from the registered model: {ENTRY}{number}...",
        )
    return number + 1


def as_tags(move: Move, prefix: str) -> dict[str, str]:
    """An entry as tags, in as many parts as it needs."""
    text = json.dumps(move.record())
    parts = [text[at : at + _LONGEST_TAG] for at in range(0, len(text), _LONGEST_TAG)]
    stem = f"{prefix}{move.number:06d}.{move.id}"
    return {f"{stem}.{i}of{len(parts)}": part for i, part in enumerate(parts, 1)}


def from_tags(tags: Mapping[str, str], prefix: str) -> list[Move]:
    """The entries among tags, by number; what is not whole, or not as its key says, is none."""
    parts: dict[tuple[str, int], dict[int, str]] = {}
    for key, text in tags.items():
        match = re.fullmatch(rf"{re.escape(prefix)}(\d+\.\w+)\.(\d+)of(\d+)", key)
        if match:
            parts.setdefault((match[1], int(match[3])), {})[int(match[2])] = text
    found = []
    for (stem, n), texts in parts.items():
        try:
            record = json.loads("".join(texts[i] for i in range(1, n + 1)))
            _refuse_malformed(record, stem)
            found.append(Move.from_record(record))
        except (KeyError, TypeError, ValueError, RecursionError):  # written by others, or in part
            continue
    return sorted(found, key=lambda each: (each.number, each.when))


def _refuse_malformed(record: Mapping[str, Any], stem: str) -> None:
    """Raise ValueError of what no entry can be, or not one under this key."""
    numbers = [record["number"]]
    numbers += [each for each in (record["from_version"], record["to_version"]) if each is not None]
    datetime.fromisoformat(record["when"])
    is_entry = (
        all(type(each) is int and 0 < each < _HIGHEST for each in numbers)
        and all(isinstance(record[each], str) for each in _TEXTS)
        and isinstance(record["override"], bool)
        and isinstance(record["verdicts"], list)
        and all(isinstance(each, dict) for each in record["verdicts"])
        and "through_server" not in record
    )
    if not is_entry or f"{record['number']:06d}.{record['id']}" != stem:
        raise ValueError(stem)
