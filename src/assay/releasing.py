"""Releasing: which versions of a model are there, what holds which stage, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.errors import NotFoundError
from assay.place import Place
from assay.provenance import user
from assay.registry import stages
from assay.registry.audit import Move, logs_of
from assay.registry.drift import Drift, between, drift_of
from assay.registry.versions import (
    Version,
    catalogue,
    no_model,
    registered_model,
    versions_of,
)


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
        NotFoundError: There is no such model.
    """
    uri = Place.to_find().uri
    model = registered_model(uri, name)
    if model is None:
        raise no_model(uri, name)
    return _story(model, versions_of(uri, name), logs_of(uri, {name: model.tags}))


def stories() -> list[Story]:
    """As `story`, of every model that is registered, by name."""
    uri = Place.to_find().uri
    found = catalogue(uri)
    logs = logs_of(uri, {model.name: model.tags for model, _ in found})
    return [_story(model, versions, logs) for model, versions in found]


def _story(model: Any, versions: Sequence[Version], logs: Mapping[str, Sequence[Move]]) -> Story:
    log = logs[model.name]
    return Story(model.name, versions, log, drift_of(model, versions, log))


def rollback(name: str, to: str = "production", *, reason: str) -> Move:
    """Give a stage back to the version that held it before; once more goes one further back.

    Args:
        name: The model.
        to: The stage.
        reason: Why, which is kept for ever.

    Raises:
        NotFoundError: There is no such model, or no version that held the stage before.
        ConflictError: Somebody moved it in this very moment.
        InputError: There is no such stage, or no reason.
    """
    uri = Place.to_find().uri
    if not versions_of(uri, name):
        raise no_model(uri, name)
    return stages.rollback(uri, name, to, by=user(), reason=reason)


def archive(reference: str, *, reason: str, undo: bool = False) -> Move:
    """Put a version away, so that it can be in no stage, or take it out again.

    Args:
        reference: NAME/VERSION.
        reason: Why.
        undo: Whether to take it out.

    Raises:
        NotFoundError: There is no such version.
        InputError: It is in use, or archived already; or it is not, and is to be taken out.
    """
    name, number = _parted(reference)
    act = stages.restore if undo else stages.archive
    return act(Place.to_find().uri, name, number, by=user(), reason=reason)


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
    return stages.delete(Place.to_find().uri, name, number, by=user(), reason=reason)


def _parted(reference: str) -> tuple[str, int]:
    """Name and number of NAME/VERSION."""
    name, _, number = reference.rpartition("/")
    if not (name and number.isdecimal()):
        raise NotFoundError(f"{reference!r} names no version.", mend="NAME/VERSION, as in income/3")
    return name, int(number)
