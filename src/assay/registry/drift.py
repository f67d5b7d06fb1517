"""Drift: where stages stand otherwise than the audit log says, for MLflow was called directly.

Plain MLflow lets anybody move or delete an alias, and forgets who did. It cannot be kept from it,
but it does not go unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.registry.audit import Move, from_tags
from assay.registry.claims import CLAIM
from assay.registry.stages import STAGES
from assay.registry.versions import Version


@dataclass(frozen=True)
class Drift:
    """Something that was done outside Assay, or stopped halfway.

    Attributes:
        stage: The stage; empty where it concerns none.
        logged: Number of the version that the audit log tells of; None if of none.
        found: Number of the version that is there; None if none is.
        said: The same in words.
    """

    stage: str
    logged: int | None
    found: int | None
    said: str


def drift_of(model: Any, versions: Sequence[Version], log: Sequence[Move]) -> list[Drift]:
    """What of a model stands otherwise than its audit log says.

    Args:
        model: As MLflow knows it.
        versions: Those that are there.
        log: The audit log, oldest entry first.
    """
    aliases = {alias: int(number) for alias, number in model.aliases.items()}
    numbers = {each.version for each in versions}
    halfway = [
        Drift(each.stage, each.from_version, each.to_version, _halfway(each))
        for each in from_tags(model.tags, CLAIM)
    ]
    return [*moved(log, aliases, numbers), *deleted(log, numbers), *missing(log), *halfway]


def moved(log: Sequence[Move], aliases: Mapping[str, int], numbers: Collection[int]) -> list[Drift]:
    """Stages that another version holds than was last entered.

    Args:
        log: The audit log, oldest entry first.
        aliases: Number of the version that each alias means.
        numbers: Of the versions that are there.
    """
    found = []
    for stage in STAGES:
        last = next((each for each in reversed(log) if each.stage == stage), None)
        logged, holds = last.to_version if last is not None else None, aliases.get(stage)
        if holds == logged and (holds is None or holds in numbers):
            continue
        if holds is None:
            gone = "its alias was deleted" if logged in numbers else f"version {logged} was deleted"
            said = f"{stage} was emptied outside Assay: {gone}"
        elif holds not in numbers:
            said = f"{stage} means version {holds}, which is not there"
        elif logged is None:
            said = f"version {holds} was put in {stage} outside Assay"
        else:
            said = f"{stage} was moved outside Assay from version {logged} to version {holds}"
        found.append(Drift(stage, logged, holds, said))
    return found


def deleted(log: Sequence[Move], numbers: Collection[int]) -> list[Drift]:
    """Versions that are not there, and that nobody deleted through Assay.

    MLflow never gives a number twice, so that each below the highest was there once.
    """
    there = set(numbers)
    told_of = {number for each in log for number in (each.from_version, each.to_version) if number}
    through_us = {each.to_version for each in log if each.action == "delete"}
    highest = max(there | told_of, default=0)
    return [
        Drift("", number, None, f"version {number} was deleted outside Assay")
        for number in range(1, highest + 1)
        if number not in there | through_us
    ]


def missing(log: Sequence[Move]) -> list[Drift]:
    """Entries that the log has lost: on a server they are tags, which anybody can delete."""
    numbers = {each.number for each in log}
    return [
        Drift("", None, None, f"entry {number} of the audit log was deleted outside Assay")
        for number in range(1, max(numbers, default=0) + 1)
        if number not in numbers
    ]


def between(log: Sequence[Move]) -> dict[int, str]:
    """What was done outside Assay before an entry was made, by the number of that entry."""
    last: dict[str, int | None] = {}
    found = {}
    for each in log:
        if each.stage not in STAGES:
            continue
        if each.from_version != last.get(each.stage):
            before, after = (
                f"version {number}" if number is not None else "no version"
                for number in (last.get(each.stage), each.from_version)
            )
            found[each.number] = f"{each.stage} was moved outside Assay from {before} to {after}"
        last[each.stage] = each.to_version
    return found


def _halfway(claim: Move) -> str:
    version = claim.to_version or claim.from_version
    return (
        f"{claim.who} began at {claim.when} to move version {version} ({claim.action}, "
        f"{claim.stage}) and has not finished yet, or was stopped"
    )
