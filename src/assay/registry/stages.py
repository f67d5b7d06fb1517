"""Stages of a model: one version each, moved by who knows who holds it, and told in the audit log.

A stage is an alias of MLflow's, so that plain MLflow finds `models:/NAME@production` as well. That
a version is archived is a tag: many can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from assay.errors import InputError, NotFoundError
from assay.registry import owned, remote
from assay.registry.audit import Move, history
from assay.registry.changes import ARCHIVE, Change
from assay.registry.database import is_owned
from assay.registry.versions import Version, registered_model, version_of, versions_of
from assay.tracking.mlflow_client import client, told

STAGES = ("staging", "production")


def holder(tracking_uri: str, name: str, stage: str) -> Version | None:
    """The version that holds a stage; None if none does, or one that is not there any more.

    Raises:
        InputError: There is no such stage.
    """
    return standing(tracking_uri, name, stage)[1]


def standing(tracking_uri: str, name: str, stage: str) -> tuple[int | None, Version | None]:
    """The number that a stage means, and that version; None in the place of what is not there.

    Raises:
        InputError: There is no such stage.
    """
    _refuse_stage(stage)
    number = _holds(tracking_uri, name, stage)
    try:
        return number, None if number is None else version_of(tracking_uri, name, number)
    except NotFoundError:  # the alias was left behind by who deleted the version
        return number, None


def move(
    tracking_uri: str,
    name: str,
    version: int,
    stage: str,
    *,
    expected: int | None,
    by: str,
    reason: str,
    verdicts: Sequence[Mapping[str, Any]],
    override: bool = False,
) -> Move:
    """Move a version to a stage, if the stage is still held by whom it was decided against.

    Args:
        tracking_uri: The store.
        name: The model.
        version: Number of the version.
        stage: One of `STAGES`.
        expected: Number of the version that holds the stage now; None if none does.
        by: The user.
        reason: Why; it may be empty unless gates are overruled.
        verdicts: Of the gates, fit for JSON.
        override: Whether gates are overruled.

    Returns:
        The entry of the audit log.

    Raises:
        ConflictError: Another version holds the stage by now.
        NotFoundError: There is no such version.
        InputError: It holds the stage already, or is archived.
    """
    _refuse_stage(stage)
    refuse_reason(reason, is_needed=override)
    change = Change(
        "move", name, version, stage, expected, by=by, reason=reason, verdicts=verdicts,
        override=override,
    )  # fmt: skip
    return _apply(tracking_uri, change)


def rollback(
    tracking_uri: str, name: str, stage: str = "production", *, by: str, reason: str
) -> Move:
    """Give a stage back to the version that held it before, as the audit log tells it.

    Once more goes one further back. Versions that were deleted or archived since are passed over;
    so is what has other files than those that were moved there, and what was put there outside
    Assay, for no gate has seen it.

    Raises:
        NotFoundError: No version held it before.
        ConflictError: Somebody moved it in this very moment.
        InputError: There is no such stage, or no reason.
    """
    _refuse_stage(stage)
    refuse_reason(reason)
    current = _holds(tracking_uri, name, stage)
    usable = {
        (each.version, each.digest)
        for each in versions_of(tracking_uri, name)
        if each.digest and not each.is_archived
    }
    before = [each for each in _held(history(tracking_uri, name), stage) if each in usable]
    while before and before[-1][0] == current:
        before.pop()
    if not before:
        raise NotFoundError(
            f"Nothing that could be gone back to held {name}@{stage} before.",
            mend=f"assay models {quote(name)} lists its versions: promote one",
        )
    number, digest = before[-1]
    change = Change("rollback", name, number, stage, current, by, reason, digest=digest)
    return _apply(tracking_uri, change)


def archive(tracking_uri: str, name: str, version: int, *, by: str, reason: str) -> Move:
    """Put a version away: it stays, but holds no stage from now on.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is in use, or archived already, or there is no reason.
    """
    refuse_reason(reason)
    return _apply(tracking_uri, Change("archive", name, version, ARCHIVE, None, by, reason))


def restore(tracking_uri: str, name: str, version: int, *, by: str, reason: str) -> Move:
    """Take a version out of the archive.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is not archived, or being deleted, or there is no reason.
    """
    refuse_reason(reason)
    return _apply(tracking_uri, Change("restore", name, version, ARCHIVE, None, by, reason))


def delete(tracking_uri: str, name: str, version: int, *, by: str, reason: str) -> Move:
    """Delete a version that is not in use; the audit log goes on telling of it.

    It is put away first, in the same step in which it is known that nobody uses it, and from then
    on nobody can. Whoever is killed before it is gone deletes it again.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is in use, or there is no reason.
    """
    refuse_reason(reason)
    entry = _apply(tracking_uri, Change("delete", name, version, ARCHIVE, None, by, reason))
    with told(tracking_uri):
        client(tracking_uri).delete_model_version(name, str(version))
    return entry


def _apply(tracking_uri: str, change: Change) -> Move:
    return (owned if is_owned(tracking_uri) else remote).apply(tracking_uri, change)


def _holds(tracking_uri: str, name: str, stage: str) -> int | None:
    """Number of the version that a stage is, whether or not that is there any more."""
    found = registered_model(tracking_uri, name)
    number = found.aliases.get(stage) if found is not None else None
    return None if number is None else int(number)


def _held(log: Sequence[Move], stage: str) -> list[tuple[int, str]]:
    """Who was moved to a stage, the last one last, with the digests of their files.

    What was rolled back does not count any more. An entry of which only a tag tells can take away
    from this, and add nothing.
    """
    held: list[tuple[int, str]] = []
    for entry in log:
        if entry.stage != stage or entry.to_version is None:
            continue
        moved = (entry.to_version, entry.digest)
        if entry.action == "rollback":
            while held and held[-1] != moved:
                held.pop()
        if held[-1:] != [moved] and not entry.through_server:
            held.append(moved)
    return held


def _refuse_stage(stage: str) -> None:
    if stage not in STAGES:
        raise InputError(
            f"There is no stage {stage!r}.", where=f"stages: {', '.join(STAGES)}", mend=STAGES[-1]
        )


def refuse_reason(reason: str, *, is_needed: bool = True) -> None:
    """Refuse a reason that says nothing where one is needed, or that no database can keep."""
    if is_needed and not reason.strip():
        raise InputError(
            "This needs a reason, which is kept for ever.", mend="--reason 'why it has to be'"
        )
    if "\0" in reason or any("\ud800" <= each <= "\udfff" for each in reason):
        raise InputError(
            "The reason cannot be kept: it is no text in UTF-8.",
            mend="--reason, in letters that this terminal writes as UTF-8",
        )
