"""A change that somebody wants, how things stand, and whether the one may follow on the other.

The same rules hold in a database and on a server; only how they are made to hold differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote
from typing import Any
from uuid import uuid4

from assay.errors import ConflictError, InputError, NotFoundError
from assay.registry.audit import Move, next_number
from assay.registry.versions import ARCHIVED
from assay.tracking.mlflow_client import DIGEST

ARCHIVE = "archived"
"""The stage, as the log calls it, of versions that are put away: a tag, for it holds many."""


@dataclass(frozen=True)
class Change:
    """What somebody wants.

    Attributes:
        action: As in `Move`.
        name: The model.
        version: The number of the version that is moved.
        stage: Where to; `ARCHIVE` for all but 'move' and 'rollback'.
        expected: The number of the version that holds the stage now; None if none does.
        by: The user.
        reason: Why.
        verdicts: Of the gates.
        override: Whether gates are overruled.
        digest: The digest that the files of the version must have; None if any.
    """

    action: str
    name: str
    version: int
    stage: str
    expected: int | None
    by: str
    reason: str
    verdicts: Sequence[Mapping[str, Any]] = ()
    override: bool = False
    digest: str | None = None

    @property
    def is_of_alias(self) -> bool:
        """Whether it moves an alias, not the tag of what is put away."""
        return self.stage != ARCHIVE


@dataclass(frozen=True)
class Standing:
    """How things stand with a model at one moment.

    Attributes:
        aliases: Number of the version that each alias means.
        model_tags: Tags of the registered model.
        log: The audit log, oldest entry first.
        tags_of: Tells the tags of a version by its number; None if there is no such version.
    """

    aliases: Mapping[str, int]
    model_tags: Mapping[str, str]
    log: Sequence[Move]
    tags_of: Callable[[int], Mapping[str, str] | None]


def is_done(move: Move, now: Standing) -> bool:
    """Whether things stand as they do after a move."""
    if move.stage != ARCHIVE:
        return now.aliases.get(move.stage) == move.to_version
    version = move.to_version if move.to_version is not None else move.from_version
    tags = now.tags_of(version) if version is not None else None
    return tags is not None and (ARCHIVED in tags) == (move.to_version is not None)


def entry_of(change: Change, now: Standing) -> Move:
    """What the change leaves in the log.

    Raises:
        NotFoundError: There is no such version.
        ConflictError: Another version holds the stage than was expected, or its files are others.
        InputError: It holds the stage already, is archived or being deleted, or is in use and to be
            archived.
    """
    reference = f"{change.name}/{change.version}"
    tags = now.tags_of(change.version)
    if tags is None:
        raise NotFoundError(
            f"There is no version {reference}.", mend=f"assay models {quote(change.name)}"
        )
    _refuse_conflict(change, now)
    if change.digest not in (None, tags.get(DIGEST)):
        raise ConflictError(
            f"{reference} has other files than were thought: it was registered anew.",
            mend=f"look at it, and decide again: assay models {quote(change.name)}",
        )
    is_archived = ARCHIVED in tags
    if change.is_of_alias:
        _refuse_move(change, reference, now, is_archived)
    else:
        _refuse_putting_away(change, reference, now, is_archived)
        _refuse_taking_back(change, reference, now, tags.get(DIGEST, ""))
    is_taken_back = change.action == "restore"
    return Move(
        number=next_number(now.log),
        id=uuid4().hex,
        when=datetime.now(UTC).isoformat(timespec="milliseconds"),
        who=change.by,
        name=change.name,
        action=change.action,
        stage=change.stage,
        from_version=change.version if is_taken_back else change.expected,
        to_version=None if is_taken_back else change.version,
        reason=change.reason,
        override=change.override,
        verdicts=tuple(dict(each) for each in change.verdicts),
        digest=tags.get(DIGEST, ""),
    )


def _refuse_conflict(change: Change, now: Standing) -> None:
    holder = now.aliases.get(change.stage)
    if not change.is_of_alias or holder == change.expected:
        return
    last = next((each for each in reversed(now.log) if each.stage == change.stage), None)
    told = "no entry of the audit log says who moved it: it was done outside Assay"
    if last is not None and last.to_version == holder:
        why = f": {last.reason}" if last.reason else ""
        way = " through a server" if last.through_server else ""
        told = f"moved by {last.who}{way} at {last.when}{why}"
    raise ConflictError(
        f"{change.name}@{change.stage} was to be taken from {_version(change.expected)}, but "
        f"{_version(holder)} holds it now.",
        where=told,
        mend=f"look at what holds it now, and decide again: assay models {quote(change.name)}",
    )


def _refuse_move(change: Change, reference: str, now: Standing, is_archived: bool) -> None:
    if now.aliases.get(change.stage) == change.version:
        raise InputError(
            f"{reference} is in {change.stage} already.", mend=f"assay models {quote(change.name)}"
        )
    if is_archived:
        raise InputError(
            f"{reference} is archived, and cannot be in {change.stage}.",
            mend=f"assay archive {quote(reference)} --undo --reason ..., or move another version",
        )


def _refuse_putting_away(change: Change, reference: str, now: Standing, is_archived: bool) -> None:
    used = sorted(alias for alias, number in now.aliases.items() if number == change.version)
    if used:
        what = "deleted" if change.action == "delete" else "archived"
        raise InputError(
            f"{reference} is in use as {', '.join(used)}, and cannot be {what}.",
            mend=f"move another version there first: assay models {quote(change.name)}",
        )
    if change.action == "delete" or is_archived == (change.action == "restore"):
        return
    said = "is archived already" if is_archived else "is not archived"
    raise InputError(f"{reference} {said}.", mend=f"assay models {quote(change.name)}")


def _refuse_taking_back(change: Change, reference: str, now: Standing, digest: str) -> None:
    """Refuse to restore what somebody is deleting: once restored it could be in use, and go."""
    if change.action != "restore":
        return
    of_it = (
        each
        for each in reversed(now.log)
        if each.stage == ARCHIVE and change.version in (each.from_version, each.to_version)
    )
    last = next(of_it, None)
    if last is not None and last.action == "delete" and last.digest == digest:
        raise InputError(
            f"{reference} is being deleted, and cannot be taken out of the archive.",
            where=f"by {last.who} at {last.when}: {last.reason}",
            mend=f"if that was stopped, finish it: assay unregister {quote(reference)} --reason X",
        )


def _version(number: int | None) -> str:
    return "no version" if number is None else f"version {number}"
