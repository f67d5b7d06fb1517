"""Counting: what an outcome adds to the comparisons of its contest, one entry for each unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from assay.serving.traffic.contest import Contest


@dataclass(frozen=True)
class Entry:
    """What a unit lost.

    Attributes:
        contest: Id of the contest.
        shadow: The shadow that is compared on it; empty where the traffic is shared.
        unit: What counts once.
        version: The challenger or the champion; the shadow where there is one.
        answered: When the answer was given, seconds since 1970.
        loss: Of the one that answered, 0 to 1.
        beside: Of the shadow; None where there is none.
    """

    contest: str
    shadow: str
    unit: str
    version: str
    answered: float
    loss: float
    beside: float | None


def entries(
    contest: Contest,
    unit: str,
    assigned: str,
    answered: float,
    row: int,
    losses: Mapping[str, float],
) -> Iterator[Entry]:
    """What an outcome of one row says of the models.

    Of a unit whose challenger was stopped nothing: the champion's own units were given to it by the
    draw, that one was not. A shadow's unit is the row, if there are no keys.

    Args:
        contest: The contest.
        unit: What was assigned as a whole.
        assigned: To whom.
        answered: When, seconds since 1970.
        row: Place of the row in its request.
        losses: By version that answered it.
    """
    if assigned not in losses:
        return
    own = losses[assigned]
    if contest.shares:
        yield Entry(contest.id, "", unit, assigned, answered, own, None)
    whole = unit if unit.startswith("key ") else f"{unit} row {row}"
    for shadow in contest.shadows:
        if shadow in losses and assigned == contest.champion:
            yield Entry(contest.id, shadow, whole, shadow, answered, own, losses[shadow])


def merged(given: Iterable[Entry]) -> list[Entry]:
    """One entry for each unit: the mean of what came together, as early as the first answer."""
    together: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for each in given:
        together[each.contest, each.shadow, each.unit].append(each)
    return [
        replace(
            first,
            answered=min(each.answered for each in (first, *rest)),
            loss=fmean(each.loss for each in (first, *rest)),
            beside=None
            if first.beside is None
            else fmean(each.beside or 0.0 for each in (first, *rest)),
        )
        for first, *rest in together.values()
    ]
