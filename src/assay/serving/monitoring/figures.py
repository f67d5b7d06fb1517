"""The figures of monitoring: a column in training and now, and how it went over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.checks.counted_shifts import Counts
from assay.inference.reference import OTHER, ReferenceColumn
from assay.predictions import Floats
from assay.reports.axis import Scale, extent
from assay.reports.plots import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Mark,
    Note,
    Plot,
    across,
    band,
    bars,
    dots,
    line,
    uprights,
    upwards,
)
from assay.reports.wording import duration, estimate, metric, number, share
from assay.serving.monitoring.alarms import Alarm, moment_of
from assay.serving.monitoring.drift import GAPS, typical
from assay.serving.monitoring.hourly import Hourly
from assay.serving.monitoring.performance import Performance
from assay.serving.monitoring.refusals import REFUSAL, Refusals

_BINS = 20
_MOST_LEVELS = 8
_POINTS = 60
_CENTRAL = (0.005, 0.995)
_FEWEST = 5
_MOST_CHARACTERS = 5
"""Of a number on an axis, where its label stands beside it."""
_LEGEND = "Grey: training. Line: since the alarm began."


def spread(alarm: Alarm, column: ReferenceColumn, hourly: Hourly, key: str) -> Plot | None:
    """How a column lay in training, and how since the alarm began; None of gaps, a mere share."""
    if alarm.what == GAPS:
        return None
    counts = hourly.counts[column.name, column.role]
    begin = alarm.began - hourly.first
    now = counts[begin : alarm.last + 1 - hourly.first].sum(axis=0)
    if column.has_levels:
        return _levels(column.name, [*column.levels, OTHER], column.counts, now[:-1], key)
    return _numbers(column, now[:-1], key)


def over_time(alarm: Alarm, column: ReferenceColumn, hourly: Hourly, key: str) -> Plot:
    """What the alarm is about, from the first hour to the last; a line marks where it began."""
    counts = hourly.counts[column.name, column.role]
    width = -(-hourly.n // _POINTS)
    starts = np.arange(0, hourly.n, width)
    summed = np.add.reduceat(counts, starts, axis=0)
    values, wanted, label = _followed(alarm, column, summed)
    enough = (summed.sum(axis=1) >= _FEWEST) & np.isfinite(values)
    days = (starts + width / 2) / 24
    x = across(0.0, hourly.n / 24)
    y = upwards(*extent([*values[enough], wanted], 0.1))
    began = float(x.at((alarm.began - hourly.first) / 24))
    level = float(y.at(wanted))
    when = moment_of(alarm.began)[:16].replace("T", " ")
    ends = began > (LEFT + RIGHT) / 2
    reading = f"Began most likely at {when} UTC; told from chance {_later(alarm)} later."
    return Plot(
        key=key,
        title=f"{label} over time",
        description=f"{label} by {duration(3600 * width)}; dashed what is expected. {reading}",
        reading=reading,
        x=x,
        y=y,
        x_label=f"days since {moment_of(hourly.first)[:10]}",
        y_label=_beside(y, label),
        marks=[
            Mark("reference", f"M{LEFT} {level:.1f}H{RIGHT}"),
            dots("point small", x.at(days[enough]), y.at(values[enough])),
            Mark("trend", f"M{began:.1f} {TOP}V{BOTTOM}"),
        ],
        notes=[
            Note("usual" if alarm.role == REFUSAL else "training", RIGHT - 2, level - 5, "end"),
            Note("began", began + (-5 if ends else 5), TOP + 10, "end" if ends else "start"),
        ],
    )


def performance(found: Performance, key: str = "performance") -> Plot | None:
    """The metric by period with its interval, beside that of training; None without outcomes."""
    periods = [each for each in found.periods if np.isfinite(each.estimate.value)]
    if not periods or found.overall is None:
        return None
    first = periods[0].first
    x = across(0.0, (periods[-1].last + 1 - first) / 24)
    values = [found.training, *(each.estimate for each in periods)]
    ends = [end for each in values for end in (each.value, each.low, each.high) if end is not None]
    y = upwards(*extent(ends, 0.1))
    middles = x.at(np.array([(each.first + each.last + 1) / 2 - first for each in periods]) / 24)
    marks = []
    level = float(y.at(found.training.value))
    if found.training.low is not None and found.training.high is not None:
        low, high = (y.at(np.full(2, end)) for end in (found.training.low, found.training.high))
        marks.append(band("band", np.array([LEFT, RIGHT], dtype=float), low, high))
    marks.append(Mark("reference", f"M{LEFT} {level:.1f}H{RIGHT}"))
    for at, each in zip(middles, periods, strict=True):
        if each.estimate.low is not None and each.estimate.high is not None:
            low, high = (y.at(np.array([end])) for end in (each.estimate.low, each.estimate.high))
            marks.append(uprights("interval", np.array([at]), low, high))
    marks.append(dots("point", middles, y.at(np.array([each.estimate.value for each in periods]))))
    name = metric(found.metric)
    reading = f"{name} {estimate(found.overall)}; in training {estimate(found.training)}."
    return Plot(
        key, f"{name} over time", f"{name} by period with its interval. {reading}", reading,
        x, y, f"days since {moment_of(first)[:10]}", _beside(y, name), marks,
        [Note("training", RIGHT - 2, level - 5, "end")],
        ["Bars are the intervals of each period, the band is that of training."],
    )  # fmt: skip


def refused(refusals: Sequence[Refusals], first: int, key: str = "refused") -> Plot | None:
    """The share of requests that were refused, by hour; None where none was.

    Args:
        refusals: Of each hour.
        first: The number of the first hour.
        key: Of the figure.
    """
    shares = np.array([each.share for each in refusals])
    came = np.isfinite(shares)
    if not (shares[came] > 0).any():
        return None
    x, y = across(0.0, len(shares) / 24), upwards(0.0, float(shares[came].max()) * 1.08)
    days = (np.arange(len(shares)) + 0.5) / 24
    most = int(np.nanargmax(shares))
    when = moment_of(first + most)[:16].replace("T", " ")
    reading = f"At most {share(float(shares[most]))}, in the hour from {when} UTC."
    return Plot(
        key, "Share refused by hour", f"Share of requests that were refused, by hour. {reading}",
        reading, x, y, f"days since {moment_of(first)[:10]}", "share refused",
        [dots("point small", x.at(days[came]), y.at(shares[came]))],
    )  # fmt: skip


def _beside(y: Scale, label: str) -> str:
    """The label of an axis; none where its numbers need the room, since the title says it too."""
    return label if max(len(text) for _, text in y.marks()) <= _MOST_CHARACTERS else ""


def _followed(alarm: Alarm, column: ReferenceColumn, summed: Counts) -> tuple[Floats, float, str]:
    """What is drawn over time: its values, its value in training, and what it is."""
    rows = np.maximum(summed.sum(axis=1), 1)
    if alarm.what == GAPS:
        what = "share refused" if alarm.role == REFUSAL else "share missing"
        return summed[:, -1] / rows, alarm.before, what
    if column.has_levels:
        place = [*column.levels, OTHER].index(str(alarm.level))
        known = np.maximum(summed[:, :-1].sum(axis=1), 1)
        return summed[:, place] / known, alarm.before, f"share of {alarm.level}"
    values = np.array([typical(column, each[:-1]) for each in summed])
    return values, typical(column, column.counts), f"typical {column.name}"


def _numbers(column: ReferenceColumn, now: Counts, key: str) -> Plot:
    ours = np.array(column.counts, dtype=np.float64)
    cuts = np.array(column.cuts)
    low, high = _ends(cuts, ours)
    edges = np.linspace(low, high, _BINS + 1)
    before, after = (_rebinned(cuts, each, edges) for each in (ours, now))
    x, y = across(*extent(edges, 0.02)), upwards(0.0, float(max(before.max(), after.max())) * 1.08)
    reading = (
        f"Typically {number(typical(column, column.counts))} in training, "
        f"{number(typical(column, now))} since."
    )
    beyond = [share(float(now[0] / now.sum())), share(float(now[-1] / now.sum()))]
    more = [f"Below all of training {beyond[0]}, above it {beyond[1]}."]
    return Plot(
        key, column.name, f"Share of rows by value, in training and since. {reading}", reading,
        x, y, "characters" if column.kind == "text" else column.name, "share of rows",
        [
            bars("said", x.at(edges), y.at(before)),
            line("trend", x.at(np.repeat(edges, 2)[1:-1]), y.at(np.repeat(after, 2))),
        ],
        more=[_LEGEND, *(more if now[[0, -1]].any() else [])],
    )  # fmt: skip


def _ends(cuts: Floats, ours: Counts) -> tuple[float, float]:
    """Where nearly all of training lies."""
    total = ours.cumsum() / ours.sum()
    first, last = (min(int(np.searchsorted(total, end)), len(cuts) - 1) for end in _CENTRAL)
    return extent([cuts[max(first - 1, 0)], cuts[last]], 0.0)


def _rebinned(cuts: Floats, counts: Counts, edges: Floats) -> Floats:
    """Shares by bins of equal width, rows of a bin taken to lie evenly in it."""
    inside = counts[:-1]  # those above the last cut are beyond training
    return np.diff(np.interp(edges, cuts, inside.cumsum())) / max(1.0, float(counts.sum()))


def _levels(
    name: str, levels: Sequence[str], ours: Sequence[float], theirs: Sequence[float], key: str
) -> Plot:
    """Shares of the levels that matter most, and of the others together."""
    before, after = (np.array(each, dtype=np.float64) for each in (ours, theirs))
    before, after = before / max(1.0, before.sum()), after / max(1.0, after.sum())
    shown = np.sort(np.argsort(-np.maximum(before, after), kind="stable")[:_MOST_LEVELS])
    edges = np.arange(len(shown) + 1, dtype=np.float64) + 0.5
    x = across(0.5, len(shown) + 0.5)
    y = upwards(0.0, float(max(before[shown].max(), after[shown].max())) * 1.08)
    listed = ", ".join(f"{place + 1}: {levels[each]}" for place, each in enumerate(shown))
    most = int(np.argmax(np.abs(after - before)))
    reading = f"{levels[most]}: {share(before[most])} in training, {share(after[most])} since."
    halves = edges[:-1] + 0.5
    return Plot(
        key, name, f"Share of rows by level, in training and since. {reading}", reading,
        x, y, "level", "share of rows",
        [
            bars("said", x.at(edges), y.at(before[shown]), gap=6),
            *[line("trend", x.at(np.array([place - 0.42, place + 0.42])), y.at(np.full(2, height)))
              for place, height in zip(halves, after[shown], strict=True)],
        ],
        more=[_LEGEND, f"{listed}."],
    )  # fmt: skip


def _later(alarm: Alarm) -> str:
    hours = alarm.raised + 1 - alarm.began
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
