"""The page of monitoring: what the alarms are, with pictures, and what became of every column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.inference.reference import LOSS, OTHER, SCORE
from assay.reports.page import put, templates, version
from assay.reports.plots import Plot
from assay.reports.wording import number, share
from assay.serving.monitoring import figures
from assay.serving.monitoring.alarms import Alarm, WatchedColumn, moment_of
from assay.serving.monitoring.drift import FALSE_ALARMS_A_MONTH, typical
from assay.serving.monitoring.monitored import Monitored
from assay.serving.monitoring.refusals import REFUSED, USUAL, named

_MOST_DRAWN = 12
_MOST_HOURS = 24
_MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Drawn:
    """An alarm with its pictures."""

    alarm: Alarm
    when: str
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class Line:
    """A column in the table: texts, and whether it has an alarm."""

    name: str
    role: str
    before: str
    after: str
    size: str
    rows: int
    state: str
    has_alarm: bool


@dataclass(frozen=True)
class RefusedLine:
    """Refused requests in a table: of a problem or an hour, and how many of how many."""

    name: str
    refused: int
    of: int
    share: str


def render(found: Monitored) -> str:
    """What was found as one HTML document without links, scripts or anything to be fetched."""
    return (
        templates()
        .get_template("monitoring.html")
        .render(
            found=found,
            since=_minute(found.hourly.first),
            until=_minute(found.until),
            drawn=[_drawn(found, each, place) for place, each in enumerate(found.alarms)],
            lines=[_line(found, each) for each in found.columns],
            refused=figures.refused(found.hourly.refusals, found.hourly.first),
            refused_problems=_refused_problems(found),
            refused_hours=[
                RefusedLine(
                    _minute(hour), each.refused, each.answered + each.refused, share(each.share)
                )
                for hour, each in found.hours_refused[:_MOST_HOURS]
            ],
            usual=USUAL,
            performance=figures.performance(found.performance),
            false_alarms=FALSE_ALARMS_A_MONTH,
            version=version(),
        )
    )


def write(found: Monitored, path: Path) -> Path:
    """Write the page and return its path."""
    return put(render(found), path)


def _drawn(found: Monitored, alarm: Alarm, place: int) -> Drawn:
    state = "goes on" if alarm.is_open else f"ended {_minute(alarm.last + 1)}"
    when = f"Began most likely {_minute(alarm.began)}, found {_minute(alarm.raised + 1)}; {state}."
    if place >= _MOST_DRAWN:
        return Drawn(alarm, when, ())
    column = next(
        each
        for each in (*(watched.column for watched in found.columns), REFUSED)
        if (each.name, each.role) == (alarm.name, alarm.role)
    )
    plots = (
        figures.spread(alarm, column, found.hourly, f"spread-{place}"),
        figures.over_time(alarm, column, found.hourly, f"time-{place}"),
    )
    return Drawn(alarm, when, tuple(each for each in plots if each is not None))


def _refused_problems(found: Monitored) -> list[RefusedLine]:
    """Of all refused requests how many had which problem, those of most first."""
    total = found.refusals
    return [
        RefusedLine(named(problem), n, total.refused, share(n / total.refused))
        for problem, n in total.problems.most_common(_MOST_PROBLEMS)
    ]


def _line(found: Monitored, watched: WatchedColumn) -> Line:
    column = watched.column
    known = watched.recent[:-1]
    if column.has_levels:
        before, after = "", ""
        if known.sum():
            first = (*column.levels, OTHER)[0]
            before = f"{first} {share(column.counts[0] / max(1, column.n))}"
            after = f"{first} {share(float(known[0] / known.sum()))}"
    else:
        before = number(typical(column, column.counts))
        after = number(typical(column, known)) if known.sum() else ""
    alarms = [
        each for each in found.open_alarms if (each.name, each.role) == (column.name, column.role)
    ]
    state = "alarm" if alarms else "as in training" if watched.is_watched else "too few rows"
    if column.role == LOSS and not watched.n:
        state = "no outcomes"
    return Line(
        name=column.name,
        role={SCORE: "score", LOSS: "loss"}.get(column.role, column.kind),
        before=before,
        after=after,
        size=number(watched.size) if watched.is_watched else "",
        rows=watched.n,
        state=state,
        has_alarm=bool(alarms),
    )


def _minute(hour: int) -> str:
    return f"{moment_of(hour)[:16].replace('T', ' ')} UTC"
