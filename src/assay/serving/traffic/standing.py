"""How a contest stands: what was asked and seen of the traffic, and who is better so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from assay.errors import NotFoundError
from assay.estimates import Estimate
from assay.predictions import Floats
from assay.serving.traffic.comparison import Design, Steps, Sums
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.evidence import mismatch_p_value
from assay.serving.traffic.measures import Measure
from assay.serving.traffic.store import Event, Losses, TrafficStore

MISMATCH = 0.01
"""p-value below which shares are not those that were asked for."""
_POINTS = 60
_METHOD = "confidence sequence"
Better = Literal["champion", "other"]


@dataclass(frozen=True)
class VersionTraffic:
    """What one version got of the traffic.

    Attributes:
        version: NAME/VERSION.
        part: 'champion', 'challenger' or 'shadow'.
        asked: Its share as it was asked for; None of a shadow.
        seen: Its share of the units while all took part; None of a shadow, and of none.
        requests: That it answered.
        rows: That it answered.
        units: Distinct keys, or requests, that were given to it.
        outcomes: Rows whose outcome is known.
        calls: All, failed and slow ones.
    """

    version: str
    part: str
    asked: float | None
    seen: float | None
    requests: int
    rows: int
    units: int
    outcomes: int
    calls: tuple[int, int, int]

    @property
    def coverage(self) -> float:
        """Share of its rows whose outcome is known."""
        return self.outcomes / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class History:
    """How the interval went, in the measure's units, other minus champion.

    Attributes:
        n: Units that counted, shape (k,).
        value: The difference, shape (k,).
        low: Lower end, shape (k,).
        high: Upper end, shape (k,).
    """

    n: Floats
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Duel:
    """One version beside the champion.

    Attributes:
        version: Whose.
        is_shadow: Whether both answered the same rows.
        values: What the champion and it are worth, in the measure's units; None without outcomes.
        difference: It minus the champion, with an interval that holds at any time; None likewise.
        better: Which is better; None where that cannot be told yet.
        needed: How many more units would tell, if they differ as much as they seem to; None where
            that is told, or cannot be said.
        n: Units that counted, of the champion and of it.
        history: How the interval went.
        stopped: Why it was stopped; empty if it was not.
    """

    version: str
    is_shadow: bool
    values: tuple[float, float] | None
    difference: Estimate | None
    better: Better | None
    needed: int | None
    n: tuple[int, int]
    history: History
    stopped: str


@dataclass(frozen=True)
class Standing:
    """How a contest stands.

    Attributes:
        contest: The contest.
        began: When, ISO 8601, UTC.
        traffic: Of each version, the champion first.
        mismatch: p-value of the shares being those that were asked for, valid at any time; None
            where traffic is not shared.
        coverage_mismatch: The same of the units whose outcome is known.
        duels: Each other version beside the champion.
        events: What happened, oldest first.
        others: Ids of the other contests of this model, the latest last.
    """

    contest: Contest
    began: str
    traffic: tuple[VersionTraffic, ...]
    mismatch: float | None
    coverage_mismatch: float | None
    duels: tuple[Duel, ...]
    events: tuple[Event, ...]
    others: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values; of the history all points that a page draws."""
        return {
            "contest": self.contest.id,
            "began": self.began,
            "measure": self.contest.measure.name,
            "key": self.contest.key,
            "traffic": [{**vars(each), "coverage": each.coverage} for each in self.traffic],
            "mismatch_p_value": self.mismatch,
            "coverage_mismatch_p_value": self.coverage_mismatch,
            "duels": [_plain(each) for each in self.duels],
            "events": [{**vars(each), "at": moment(each.at)} for each in self.events],
            "other_contests": list(self.others),
        }


def standing(store: TrafficStore, name: str, identity: str | None = None) -> Standing:
    """How a contest stands.

    Args:
        store: Of the model.
        name: What the model is called, for errors.
        identity: Id of the contest; the one that was last answered in when None.

    Raises:
        NotFoundError: There is none.
    """
    found = store.contests() if store.path.exists() else []
    chosen = [each for each in found if identity in (None, each[1].id)]
    if not found:
        raise NotFoundError(
            f"No traffic of {name} was shared here.",
            where=str(store.path),
            mend=f"assay serve {name}@production --challenger {name}@staging=0.1",
        )
    if not chosen:
        known = ", ".join(each.id for _, each in found)
        raise NotFoundError(
            f"{name} has no contest {identity!r}.",
            where=f"contests: {known}",
            mend=f"--contest {found[-1][1].id}",
        )
    began, contest = chosen[-1]
    events = store.events(contest.id)
    traffic = _traffic(store, contest, events)
    return Standing(
        contest,
        moment(began),
        traffic,
        *_mismatches(store, contest, events),
        tuple(_duel(store, contest, each, events) for each in contest.others),
        tuple(events),
        tuple(each.id for _, each in found if each.id != contest.id),
    )


def moment(at: float) -> str:
    """A time as ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _traffic(
    store: TrafficStore, contest: Contest, events: Sequence[Event]
) -> tuple[VersionTraffic, ...]:
    counts, outcomes = store.answered(contest.id), store.known_outcomes(contest.id)
    calls, units = store.calls(contest.id), store.units(contest.id, _until(events))
    total = sum(units.values())
    return tuple(
        VersionTraffic(
            version,
            part,
            asked,
            units.get(version, 0) / total if total and asked is not None else None,
            *counts.get(version, (0, 0)),
            units.get(version, 0),
            outcomes.get(version, 0),
            calls.get(version, (0, 0, 0)),
        )
        for version, part, asked in _parts(contest)
    )


def _parts(contest: Contest) -> list[tuple[str, str, float | None]]:
    return [
        (contest.champion, "champion", contest.champion_share if contest.shares else None),
        *((version, "challenger", share) for version, share in contest.shares.items()),
        *((version, "shadow", None) for version in contest.shadows),
    ]


def _mismatches(
    store: TrafficStore, contest: Contest, events: Sequence[Event]
) -> tuple[float | None, float | None]:
    """Of the units that were given, and of those that counted; while nobody was stopped."""
    if not contest.shares:
        return None, None
    until = _until(events)
    asked = {contest.champion: contest.champion_share, **contest.shares}

    def p_value(counts: Mapping[str, int]) -> float:
        return mismatch_p_value([counts.get(each, 0) for each in asked], list(asked.values()))

    return p_value(store.units(contest.id, until)), p_value(store.counted(contest.id, until))


def _until(events: Sequence[Event]) -> float:
    """When the first one was stopped: from then on units are not dealt out as asked."""
    return min((each.at for each in events if each.kind == "stopped"), default=float("inf"))


def _duel(store: TrafficStore, contest: Contest, version: str, events: Sequence[Event]) -> Duel:
    design, measure = contest.design(version), contest.measure
    found = store.losses(contest, version)
    steps = _steps(design, found)
    last, is_shadow = steps.last, design.share is None
    stopped = [e.said for e in events if e.kind == "stopped" and e.version == version]
    values, difference, needed = None, None, None
    better: Better | None = None
    if min(last.n):
        n = design.n_guesses(last)
        middle, low, high = (float(e) for e in design.interval(n, last.values, last.squares))
        better = "champion" if low > 0 else "other" if high < 0 else None
        needed = design.needed(last) if better is None else None
        means = [loss / count for loss, count in zip(last.losses, last.n, strict=True)]
        values = (measure.value(means[0]), measure.value(means[1]))
        first, second = sorted(measure.difference(each) for each in (low, high))
        difference = Estimate(
            measure.difference(middle), first, second, n=n, level=design.level, method=_METHOD
        )
    return Duel(
        version, is_shadow, values, difference, better, needed, last.n,
        _history(design, measure, steps), stopped[0] if stopped else "",
    )  # fmt: skip


def _steps(design: Design, found: Losses) -> Steps:
    if design.share is None:
        return design.of_pairs(found.loss, found.beside, Sums())
    return design.of_units(found.loss, found.is_other, Sums())


def _history(design: Design, measure: Measure, steps: Steps) -> History:
    n = len(steps.n)
    if not n:
        nothing = np.zeros(0)
        return History(nothing, nothing, nothing, nothing)
    shown = [np.geomspace(1, n, _POINTS), np.linspace(1, n, _POINTS)]
    at = np.unique(np.concatenate(shown).round().astype(int)) - 1
    found = design.interval(steps.n[at].astype(float), steps.values[at], steps.squares[at])
    middle, first, second = (np.array([measure.difference(e) for e in each]) for each in found)
    return History(
        steps.n[at].astype(float), middle, np.minimum(first, second), np.maximum(first, second)
    )


def _plain(duel: Duel) -> dict[str, Any]:
    history = {name: each.tolist() for name, each in vars(duel.history).items()}
    difference = duel.difference.as_dict() if duel.difference is not None else None
    return {**vars(duel), "difference": difference, "history": history}
