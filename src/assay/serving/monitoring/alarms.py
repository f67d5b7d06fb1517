"""Alarms: looks that cross one after the other are one alarm, with what changed and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assay.checks.counted_shifts import Counts
from assay.inference.reference import LOSS, OTHER, SCORE, Reference, ReferenceColumn
from assay.reports.wording import number, share
from assay.serving.monitoring.drift import (
    GAPS,
    Looks,
    level_of,
    looks_at,
    moved_level,
    since_when,
    typical,
)
from assay.serving.monitoring.hourly import Hourly
from assay.serving.monitoring.refusals import REFUSAL, REFUSED, Refusals, named

QUIET_H = 24
"""Hours without a crossing look after which an alarm has ended."""


@dataclass(frozen=True)
class Alarm:
    """Something that is no longer as in training.

    Attributes:
        name: The column, the score or the loss.
        role: 'feature', 'score', 'loss' or 'refusal'.
        kind: 'numeric', 'text', 'categorical' or, of refused requests, 'share'.
        what: 'values' or 'missing'.
        began: The number of the hour in which it most likely began.
        raised: Of the hour at whose end it was first beyond chance.
        last: Of the last such hour.
        is_open: Whether it goes on.
        window_h: Hours that were held against training when it was last beyond chance.
        n: Rows in them, or requests.
        p: Probability by chance, of one test.
        size: Size, in standard deviations of an equal shift of a normal distribution.
        before: What it was in training: about the median, the share of a level or of gaps; of
            refused requests the share that is usual.
        after: What it is in these hours.
        level: The level whose share changed most, or the problem that most refused requests had;
            None of numbers.
    """

    name: str
    role: str
    kind: str
    what: str
    began: int
    raised: int
    last: int
    is_open: bool
    window_h: int
    n: int
    p: float
    size: float
    before: float
    after: float
    level: str | None

    @property
    def said(self) -> str:
        """What changed, in a sentence."""
        if self.role == REFUSAL:
            most = f", most for {self.level}" if self.level is not None else ""
            told = f"{share(self.after)} of requests are refused{most}"
            return f"{told}; up to {share(self.before)} is usual."
        named = {SCORE: self.name, LOSS: f"the {self.name}"}.get(self.role, f"'{self.name}'")
        if self.what == GAPS:
            told = f"is missing in {share(self.after)} of rows, in training in {share(self.before)}"
        elif self.level is not None:
            of = "another level" if self.level == OTHER else repr(self.level)
            told = f"is {of} in {share(self.after)} of rows, in training in {share(self.before)}"
        else:
            before, after = number(self.before), number(self.after)
            long = " characters long" if self.kind == "text" else ""
            told = f"is typically {after}{long}, in training {before}"
            if before == after:
                told = f"is spread otherwise about the same middle, {after}{long}"
        if self.role == LOSS:
            told += ": predictions are worse"
        return f"{named[:1].upper()}{named[1:]} {told}."

    def as_dict(self) -> dict[str, Any]:
        """For JSON: hours as times, ISO 8601, UTC."""
        moments = {
            "began": moment_of(self.began),
            "raised": moment_of(self.raised + 1),
            "last": moment_of(self.last + 1),
        }
        return {**asdict(self), **moments, "said": self.said}


@dataclass(frozen=True)
class WatchedColumn:
    """A column and what became of it.

    Attributes:
        column: How training was.
        n: Rows in all hours.
        recent: Rows by bin of the last day, those without a value last.
        size: Of the shift of its values in the last week, in standard deviations.
        is_watched: Whether there are enough rows, in training and since, to tell.
    """

    column: ReferenceColumn
    n: int
    recent: Counts
    size: float
    is_watched: bool


@dataclass(frozen=True)
class Watch:
    """All columns held against training.

    Attributes:
        alarms: Open ones first, the latest first.
        columns: In the order of the reference.
        level: Of each test.
    """

    alarms: tuple[Alarm, ...]
    columns: tuple[WatchedColumn, ...]
    level: float


def moment_of(hour: int) -> str:
    """When an hour began.

    >>> moment_of(1)
    '1970-01-01T01:00:00+00:00'
    """
    return datetime.fromtimestamp(hour * 3600, UTC).isoformat(timespec="seconds")


def watch(reference: Reference, hourly: Hourly) -> Watch:
    """Hold every hour against training.

    Args:
        reference: How training was.
        hourly: What came since.
    """
    level = level_of(len(reference.columns) + 1)  # and the requests that were refused
    alarms: list[Alarm] = []
    columns = []
    for column in reference.columns:
        counts = hourly.counts[column.name, column.role]
        looks = looks_at(column, counts, level)
        for each in looks:
            alarms += _alarms(each, counts, hourly)
        watched = any((each.p < 1).any() for each in looks)
        columns.append(
            WatchedColumn(
                column,
                int(counts.sum()),
                counts[-QUIET_H:].sum(axis=0),
                float(looks[0].week[-1]) if hourly.n else 0.0,
                watched,
            )
        )
    if hourly.refusals:
        counts = hourly.counts[REFUSED.name, REFUSED.role]
        for each in looks_at(REFUSED, counts, level):
            alarms += _alarms(each, counts, hourly)
    ranked = sorted(alarms, key=lambda each: (not each.is_open, -each.raised, -each.size))
    return Watch(tuple(ranked), tuple(columns), level)


def _alarms(looks: Looks, counts: Counts, hourly: Hourly) -> list[Alarm]:
    """The runs of looks that cross, with less than a day between them."""
    crossing = np.flatnonzero(looks.crosses)
    if len(crossing) == 0:
        return []
    ends = np.flatnonzero(np.diff(crossing) > QUIET_H)
    runs = np.split(crossing, ends + 1)
    return [_alarm(looks, counts, hourly, int(run[0]), int(run[-1])) for run in runs]


def _alarm(looks: Looks, counts: Counts, hourly: Hourly, raised: int, last: int) -> Alarm:
    column, window = looks.column, int(looks.window_h[last])
    rows = counts[max(0, last + 1 - window) : last + 1].sum(axis=0)
    level = None
    if looks.what == GAPS:
        total = column.n + column.missing
        before, after = column.missing / total, float(rows[-1] / rows.sum())
        if column.role == REFUSAL:
            level = _most(hourly.refusals[max(0, last + 1 - window) : last + 1])
    elif column.has_levels:
        place, before, after = moved_level(column, rows[:-1])
        level = (*column.levels, OTHER)[place]
    else:
        before, after = typical(column, column.counts), typical(column, rows[:-1])
    began = since_when(column, looks.what, counts, raised, int(looks.window_h[raised]))
    return Alarm(
        name=column.name,
        role=column.role,
        kind=column.kind,
        what=looks.what,
        began=hourly.first + began,
        raised=hourly.first + raised,
        last=hourly.first + last,
        is_open=hourly.n - 1 - last < QUIET_H,
        window_h=window,
        n=int(rows.sum()),
        p=float(looks.p[last]),
        size=float(looks.size[last]),
        before=before,
        after=after,
        level=level,
    )


def _most(refusals: Sequence[Refusals]) -> str | None:
    """The problem that most of the refused requests had, in words."""
    problems = Refusals.total(refusals).problems.most_common(1)
    return named(problems[0][0]) if problems else None
