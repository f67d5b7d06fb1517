"""Releasing: which versions of a model are there, what holds which stage, and how it came about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

from assay.errors import InputError, NotFoundError
from assay.place import Place
from assay.provenance import account
from assay.registry import stages
from assay.registry.audit import Move, history, logs_of, names_of
from assay.registry.drift import Drift, between, drift_of
from assay.registry.versions import (
    Version,
    catalogue,
    no_model,
    registered_model,
    versions_of,
)

_MOST_DIGITS = 9


@dataclass(frozen=True)
class Story:
    """All that the registry knows of a model.

    Attributes:
        name: The model.
        versions: The newest first.
        log: The audit log, oldest entry first.
        drift: What stands otherwise than the log says.
    """

    name: str
    versions: Sequence[Version]
    log: Sequence[Move]
    drift: Sequence[Drift]

    def as_dict(self) -> dict[str, Any]:
        """As `--json` gives it."""
        outside = between(self.log)
        return {
            "name": self.name,
            "versions": [each.as_dict() for each in self.versions],
            "log": [
                {**each.as_dict(), "outside_before": outside.get(each.number)} for each in self.log
            ],
            "drift": [vars(each) for each in self.drift],
        }


def story(name: str) -> Story:
    """Everything about a model: its versions, the audit log, and what was done outside Assay.

    Raises:
        NotFoundError: There is no such model, and never was one with an audit log.
        InputError: It names a version.
    """
    _refuse_version(name, "models")
    uri = Place.to_find().uri
    told = _read(uri, name)
    if told is None:
        raise no_model(uri, name)
    return _settled(uri, told)


def stories() -> list[Story]:
    """As `story`, of every model that is registered or has an audit log, by name."""
    uri = Place.to_find().uri
    found = catalogue(uri)
    tags = {model.name: model.tags for model, _ in found}
    logs = logs_of(uri, {**{name: {} for name in names_of(uri)}, **tags})
    told = [_story(model.name, model, versions, logs[model.name]) for model, versions in found]
    told += [_story(name, None, [], logs[name]) for name in logs if name not in tags]
    return sorted((_settled(uri, each) for each in told), key=lambda each: each.name)


def _read(uri: str, name: str) -> Story | None:
    """A model's story at this moment; None if there never was one with an audit log."""
    model = registered_model(uri, name)
    if model is None:
        log = history(uri, name)
        return _story(name, None, [], log) if log else None
    return _story(name, model, versions_of(uri, name), logs_of(uri, {name: model.tags})[name])


def _settled(uri: str, told: Story) -> Story:
    """The story with such drift only as is still there when it is read again.

    Model, versions and log are read one after the other, and somebody may move a version between.
    """
    again = _read(uri, told.name) if told.drift else told
    if again is None:
        return told
    return replace(again, drift=[each for each in again.drift if each in told.drift])


def _story(name: str, model: Any, versions: Sequence[Version], log: Sequence[Move]) -> Story:
    return Story(name, versions, log, drift_of(model, versions, log))


def rollback(name: str, to: str = "production", *, reason: str) -> Move:
    """Give a stage back to the version that held it before; once more goes one further back.

    Args:
        name: The model.
        to: The stage.
        reason: Why, which is kept for ever.

    Raises:
        NotFoundError: There is no such model, or no version that held the stage before.
        ConflictError: Somebody moved it in this very moment.
        InputError: There is no such stage, or no reason; or it names a version.
    """
    _refuse_version(name, "rollback")
    uri = Place.to_find().uri
    if not versions_of(uri, name):
        raise no_model(uri, name)
    return stages.rollback(uri, name, to, by=account(), reason=reason)


def archive(reference: str, *, reason: str, undo: bool = False) -> Move:
    """Put a version away, so that it can be in no stage, or take it out again.

    Args:
        reference: NAME/VERSION.
        reason: Why, which is kept for ever.
        undo: Whether to take it out.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is in use, or archived already; or it is not, or is being deleted, and is to
            be taken out; or there is no reason.
    """
    name, number = _parted(reference)
    act = stages.restore if undo else stages.archive
    return act(Place.to_find().uri, name, number, by=account(), reason=reason)


def unregister(reference: str, *, reason: str) -> Move:
    """Delete a version that no stage or alias holds; the audit log goes on telling of it.

    Args:
        reference: NAME/VERSION.
        reason: Why, which is kept for ever.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is in use, or there is no reason.
    """
    name, number = _parted(reference)
    return stages.delete(Place.to_find().uri, name, number, by=account(), reason=reason)


def _parted(reference: str) -> tuple[str, int]:
    """Name and number of NAME/VERSION."""
    name, _, number = reference.rpartition("/")
    if not (name and number.isdecimal()):
        raise NotFoundError(f"{reference!r} names no version.", mend="NAME/VERSION, as in income/3")
    if len(number) > _MOST_DIGITS:  # more than a database can be asked for
        raise NotFoundError(f"There is no version {reference}.", mend=f"assay models {quote(name)}")
    return name, int(number)


def _refuse_version(name: str, verb: str) -> None:
    """Refuse NAME/VERSION and the like where a whole model is meant."""
    model = re.split(r"[/:@]", name.removeprefix("models:/"))[0]
    if re.search(r"[/:]", name):
        raise InputError(
            f"{name!r} is no name of a model: a name alone is asked for, without a version.",
            mend=f"assay {verb} {quote(model or 'NAME')}",
        )
