"""Moving a version on a server, whose every call is a transaction of its own: claimed, then done.

`claims` says why no two who come through Assay move at once. Who calls MLflow directly claims
nothing: a move of theirs that falls between is seen when ours is read again, and reported.
"""

from __future__ import annotations

import time
from dataclasses import replace
from shlex import quote
from typing import Any

from assay.errors import ConflictError
from assay.registry.audit import ENTRY, Move, as_tags, from_tags
from assay.registry.changes import Change, Standing, entry_of, is_done
from assay.registry.claims import CLAIM, HOLDS_S, Watch, left_behind
from assay.registry.versions import ARCHIVED, registered_model
from assay.tracking.mlflow_client import client, told


def apply(tracking_uri: str, change: Change) -> Move:
    """Make the change, or leave everything as it was.

    Raises:
        ConflictError: As `entry_of`; or somebody else has moved it directly at the same time.
        InputError: As `entry_of`.
        TrackingError: The server refuses, or cannot be reached.
    """
    watch = Watch(change.name)
    with told(tracking_uri):
        while True:
            now = _standing(tracking_uri, change.name)
            entry = entry_of(change, now)  # who is too late learns it before he claims anything
            if not watch.open(now.model_tags):
                moved = _attempted(tracking_uri, change, entry, watch)
                if moved is not None:
                    return moved
            watch.pause()


def _attempted(tracking_uri: str, change: Change, entry: Move, watch: Watch) -> Move | None:
    """The entry of a move that was made; None where another's claim stood in the way."""
    asked, name = client(tracking_uri), change.name
    claim = as_tags(entry, CLAIM)
    claimed_at = time.monotonic()
    try:
        for key, text in claim.items():
            asked.set_registered_model_tag(name, key, text)
        entered = _entry_of_claim(tracking_uri, change, entry, watch)
        if entered is None or time.monotonic() - claimed_at > HOLDS_S:
            _forget(asked, name, list(claim))
            return None
    except BaseException:
        _forget(asked, name, list(claim))
        raise
    # From here on the claim stays if anything fails: whoever comes next tells the log for us.
    _change(asked, change, entered)
    _log(asked, entered)
    after = _standing(tracking_uri, name)
    _forget(asked, name, list(claim))
    if not is_done(entered, after) or not set(claim) <= set(after.model_tags):
        raise ConflictError(
            f"{name}/{change.version} was moved to {change.stage}, and somebody else moved "
            "something at the same time.",
            where=f"entry {entered.number} of the audit log",
            mend=f"look at how things stand now, and decide again: assay models {quote(name)}",
        )
    return entered


def _entry_of_claim(tracking_uri: str, change: Change, entry: Move, watch: Watch) -> Move | None:
    """What to enter, now that the claim stands; None if another's does too."""
    asked, name = client(tracking_uri), change.name
    if watch.open(_standing(tracking_uri, name).model_tags, own=entry.id):
        return None
    # Read once more: nobody else can act from here on, but before the first reading somebody could.
    now = _standing(tracking_uri, name)
    missing, keys = left_behind(now, own=entry.id)
    for each in missing:
        _log(asked, each)
    _forget(asked, name, keys)
    entered = entry_of(change, replace(now, log=[*now.log, *missing]))
    return replace(entered, id=entry.id)


def _standing(tracking_uri: str, name: str) -> Standing:
    from mlflow.exceptions import MlflowException

    def tags_of(version: int) -> dict[str, str] | None:
        try:
            return dict(client(tracking_uri).get_model_version(name, str(version)).tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    model = registered_model(tracking_uri, name)
    tags = {} if model is None else dict(model.tags)
    aliases = {} if model is None else model.aliases
    return Standing(
        aliases={alias: int(version) for alias, version in aliases.items()},
        model_tags=tags,
        log=from_tags(tags, ENTRY),
        tags_of=tags_of,
    )


def _change(asked: Any, change: Change, entry: Move) -> None:
    version = str(change.version)
    if change.is_of_alias:
        asked.set_registered_model_alias(change.name, change.stage, version)
    elif change.action == "restore":
        asked.delete_model_version_tag(change.name, version, ARCHIVED)
    else:
        asked.set_model_version_tag(change.name, version, ARCHIVED, entry.when)


def _log(asked: Any, entry: Move) -> None:
    for key, text in as_tags(entry, ENTRY).items():
        asked.set_registered_model_tag(entry.name, key, text)


def _forget(asked: Any, name: str, keys: list[str]) -> None:
    for key in keys:
        asked.delete_registered_model_tag(name, key)
