"""The audit log of a model: every move of its versions, by whom, when and why. Only appended to.

Where the store is a database of ours, the log is a table that refuses to be changed. Everywhere it
is also tags of the registered model, which plain MLflow shows, and a server keeps nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assay.registry import audit_table
from assay.registry.database import is_owned, reading
from assay.registry.versions import registered_model
from assay.tracking.mlflow_client import told

ENTRY = "assay.move."
"""How the tags of a registered model begin that are entries of the log."""
_LONGEST_TAG = 4_000  # MLflow's column for tags of a registered model holds 5,000


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

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "verdicts": [dict(each) for each in self.verdicts]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Move:
        """Read back what `as_dict` wrote."""
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


def joined(rows: Iterable[Mapping[str, Any]], tags: Mapping[str, str]) -> list[Move]:
    """The log from both: what was moved through a server over the same database is in tags only."""
    kept = [Move.from_dict(each) for each in rows]
    known = {each.id for each in kept}
    through_server = [each for each in from_tags(tags, ENTRY) if each.id not in known]
    return sorted([*kept, *through_server], key=lambda each: (each.number, each.when))


def as_tags(move: Move, prefix: str) -> dict[str, str]:
    """An entry as tags, in as many parts as it needs."""
    text = json.dumps(move.as_dict())
    parts = [text[at : at + _LONGEST_TAG] for at in range(0, len(text), _LONGEST_TAG)]
    stem = f"{prefix}{move.number:06d}.{move.id}"
    return {f"{stem}.{i}of{len(parts)}": part for i, part in enumerate(parts, 1)}


def from_tags(tags: Mapping[str, str], prefix: str) -> list[Move]:
    """The entries among tags, by number; one of which a part is missing is none."""
    parts: dict[tuple[str, int], dict[int, str]] = {}
    for key, text in tags.items():
        match = re.fullmatch(rf"{re.escape(prefix)}(\d+\.\w+)\.(\d+)of(\d+)", key)
        if match:
            parts.setdefault((match[1], int(match[3])), {})[int(match[2])] = text
    found = []
    for (_, n), texts in parts.items():
        try:
            found.append(Move.from_dict(json.loads("".join(texts[i] for i in range(1, n + 1)))))
        except (KeyError, TypeError, ValueError):  # somebody else wrote it, or not all of it
            continue
    return sorted(found, key=lambda each: (each.number, each.when))
