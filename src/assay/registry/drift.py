"""Drift: where stages stand otherwise than the audit log says, for MLflow was called directly.

Plain MLflow lets anybody move or delete an alias, and forgets who did. It cannot be kept from it,
but it does not go unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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
        model: As MLflow knows it; None if it knows none, and only the log tells of one.
        versions: Those that are there.
        log: The audit log, oldest entry first.
    """
    if model is None:
        gone = "the model was deleted or renamed outside Assay, with all its versions"
        return [Drift("", None, None, gone), *missing(log), *doubled(log)]
    aliases = {alias: int(number) for alias, number in model.aliases.items()}
    digests = {each.version: each.digest for each in versions}
    halfway = [
        Drift(each.stage, each.from_version, each.to_version, _halfway(each))
        for each in from_tags(model.tags, CLAIM)
    ]
    of_log = [*deleted(log, digests), *missing(log), *doubled(log)]
    return [*moved(log, aliases, digests), *of_log, *halfway]


def moved(
    log: Sequence[Move], aliases: Mapping[str, int], digests: Mapping[int, str]
) -> list[Drift]:
    """Stages that another version holds than was last entered, or the same with other files.

    Args:
        log: The audit log, oldest entry first.
        aliases: Number of the version that each alias means.
        digests: Of the files of the versions that are there, by number.
    """
    found = []
    for stage in STAGES:
        last = next((each for each in reversed(log) if each.stage == stage), None)
        logged, holds = last.to_version if last is not None else None, aliases.get(stage)
        digest = last.digest if last is not None else ""
        if holds == logged and (holds is None or digests.get(holds) == digest):
            continue
        if holds is None:
            gone = "its alias was deleted" if logged in digests else f"version {logged} was deleted"
            said = f"{stage} was emptied outside Assay: {gone}"
        elif holds not in digests:
            said = f"{stage} means version {holds}, which is not there"
        elif holds == logged:
            said = f"version {holds} in {stage} has another digest than what was moved there"
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
    told_of = {number for each in log for number in (each.from_version, each.to_version) if number}
    through_us = {each.to_version for each in log if each.action == "delete" and each.to_version}
    highest = max({*numbers, *told_of}, default=0)
    return [
        Drift("", first, None, f"{_span('version', 'versions', first, last)} deleted outside Assay")
        for first, last in _gaps({*numbers, *through_us, highest + 1})
    ]


def missing(log: Sequence[Move]) -> list[Drift]:
    """Entries that the log has lost: on a server they are tags, which anybody can delete."""
    said = [
        _span("entry", "entries", *gap, "of the audit log")
        for gap in _gaps({each.number for each in log})
    ]
    return [Drift("", None, None, f"{each} deleted outside Assay") for each in said]


def doubled(log: Sequence[Move]) -> list[Drift]:
    """Entries of one number: of those who go through Assay no two make the same."""
    found = []
    for before, each in pairwise(log):
        if before.number != each.number:
            continue
        first, second = (
            f"{one.who}{' (through a server)' if one.through_server else ''}"
            for one in (before, each)
        )
        said = f"entry {each.number} of the audit log is there twice, by {first} and by {second}"
        found.append(Drift("", None, None, said))
    return found


def _gaps(numbers: Collection[int]) -> list[tuple[int, int]]:
    """What is missing between one and the highest, each as its first and its last number.

    >>> _gaps({2, 3, 6})
    [(1, 1), (4, 5)]
    """
    counted = [0, *sorted(numbers)]
    return [(low + 1, high - 1) for low, high in pairwise(counted) if high - low > 1]


def _span(one: str, many: str, first: int, last: int, of: str = "") -> str:
    words = [one, first, of, "was"] if first == last else [many, first, "to", last, of, "were"]
    return " ".join(str(each) for each in words if each)


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
