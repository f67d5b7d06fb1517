"""The page of a contest: the verdicts, the traffic, how the interval went, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.predictions import Floats
from assay.reports.axis import extent
from assay.reports.page import put, templates, version
from assay.reports.plots import LEFT, RIGHT, TOP, Note, Plot, across, band, line, upwards
from assay.reports.verdicts import Verdict
from assay.reports.wording import metric_within
from assay.serving.traffic.standing import Duel, Standing, moment
from assay.serving.traffic.telling import (
    apart,
    basis,
    oddities,
    shared,
    traffic_cells,
    unit,
    values,
    verdict,
)

_FEWEST_POINTS = 2
_MORE = 1.5
"""Widths of the last interval that are shown beyond it, on either side."""
_SHARES = ("accuracy", "hamming")
"""Measures whose differences are told in points."""


@dataclass(frozen=True)
class Line:
    """One other version beside the champion, in the table."""

    version: str
    part: str
    first: str
    second: str
    apart: str
    n: str
    verdict: Verdict


def render(standing: Standing) -> str:
    """The contest as one HTML document without links, scripts or anything to be fetched."""
    return (
        templates()
        .get_template("traffic.html")
        .render(
            standing=standing,
            shared=shared(standing),
            basis=basis(standing),
            oddities=oddities(standing),
            lines=[_line(standing, each) for each in standing.duels],
            traffic=[(each.version, each.part, traffic_cells(each)) for each in standing.traffic],
            unit=unit(standing),
            plots=[
                history(standing, number)
                for number, each in enumerate(standing.duels)
                if len(each.history.n) >= _FEWEST_POINTS
            ],
            events=[
                (moment(each.at), each.version, each.kind, each.said) for each in standing.events
            ],
            version=version(),
        )
    )


def write(standing: Standing, path: Path) -> Path:
    """Write the page of a contest and return its path."""
    return put(render(standing), path)


def history(standing: Standing, number: int) -> Plot:
    """How the interval of one duel went, over the units that counted."""
    duel, measure = standing.duels[number], standing.contest.measure
    times, scale = (100.0, "points") if measure.name in _SHARES else (1.0, "")
    found = duel.history
    low, value, high = times * found.low, times * found.value, times * found.high
    x, y = (
        across(0.0, float(duel.history.n[-1]) * 1.02),
        upwards(*_shown(low, high, times * abs(measure.difference(1.0)))),
    )
    at = x.at(duel.history.n)
    drawn = [y.at(np.clip(each, y.low, y.high)) for each in (low, value, high)]
    zero = y.at(np.zeros(2))
    marks = [
        band("band", at, drawn[0], drawn[2]),
        line("reference solid", np.array([LEFT, RIGHT], dtype=float), zero),
        line("interval", at, drawn[0], step=True),
        line("interval", at, drawn[2], step=True),
        line("trend", at, drawn[1]),
    ]
    noun, named = unit(standing, duel), metric_within(measure.name)
    better = "up" if measure.rises else "down"
    note = Note(f"{better}: {duel.version} is better", RIGHT - 2, TOP + 12, "end")
    pairs = "Both answered the same rows. " if duel.is_shadow else ""
    return Plot(
        f"history-{number}", duel.version,
        f"Difference of {duel.version} from {standing.contest.champion} with its interval, after "
        f"each {noun} that counted. {verdict(standing, duel).text}",
        f"{pairs}The line is the difference, the band its interval, which holds at all times "
        "together.",
        x, y, f"{noun}s with an outcome", f"{named}, {scale}".removesuffix(", "), marks,
        [note],
    )  # fmt: skip


def _shown(low: Floats, high: Floats, most: float) -> tuple[float, float]:
    """What the axis shows: first intervals say nothing and are wide; none differ more than `most`.

    Args:
        low: Lower ends, shape (n,).
        high: Upper ends, shape (n,).
        most: The largest difference that there can be.
    """
    more = _MORE * float(high[-1] - low[-1])
    ends = [min(0.0, float(low[-1])) - more, max(0.0, float(high[-1])) + more]
    return extent(np.clip(ends, -most, most), 0.0)


def _line(standing: Standing, duel: Duel) -> Line:
    first, second = values(duel)
    n = f"{duel.n[0]:,} and {duel.n[1]:,}" if not duel.is_shadow else f"{duel.n[0]:,}"
    part = "shadow" if duel.is_shadow else "challenger"
    return Line(duel.version, part, first, second, apart(duel), n, verdict(standing, duel))
