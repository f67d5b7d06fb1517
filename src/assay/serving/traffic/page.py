"""The page of a contest: the verdicts, the traffic, how the interval went, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.reports.axis import extent
from assay.reports.page import put, templates, version
from assay.reports.plots import LEFT, RIGHT, Mark, Note, Plot, across, band, line, upwards
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
_SHOWN_WIDTHS = 6.0
"""Times its last width that an interval is shown with: first ones say nothing, and are wide."""


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
    duel = standing.duels[number]
    found, rises = duel.history, standing.contest.measure.rises
    last = float(found.high[-1] - found.low[-1])
    least, most = (
        min(0.0, float(found.low[-1])) - _SHOWN_WIDTHS / 4 * last,
        max(0.0, float(found.high[-1])) + _SHOWN_WIDTHS / 4 * last,
    )
    x = across(0.0, float(found.n[-1]) * 1.02)
    y = upwards(*extent([least, most], 0.0))
    at, low, high, value = (
        x.at(found.n), *(y.at(np.clip(e, y.low, y.high)) for e in (found.low, found.high, found.value))
    )  # fmt: skip
    zero = y.at(np.zeros(2))
    marks = [
        band("band", at, low, high),
        line("reference", np.array([LEFT, RIGHT], dtype=float), zero),
        line("trend", at, value),
        Mark("interval", _edge(at, low) + _edge(at, high)),
    ]
    better = "above" if rises else "below"
    note = Note(f"{better}: {duel.version} is better", RIGHT - 2, float(zero[0]) - 5, "end")
    measure, noun = metric_within(standing.contest.measure.name), unit(standing, duel)
    reading = verdict(standing, duel).text
    return Plot(
        f"history-{number}", duel.version,
        f"Difference of {duel.version} from {standing.contest.champion} with its interval, after "
        f"each {noun} that counted. {reading}",
        f"{'Both answered the same rows. ' if duel.is_shadow else ''}The line is the difference, the "
        "band its interval, which holds at all times together.",
        x, y, f"{noun}s with an outcome", f"difference in {measure}", marks, [note],
    )  # fmt: skip


def _edge(x: np.ndarray, y: np.ndarray) -> str:
    return line("", x, y, step=True).path


def _line(standing: Standing, duel: Duel) -> Line:
    first, second = values(duel)
    n = f"{duel.n[0]:,} and {duel.n[1]:,}" if not duel.is_shadow else f"{duel.n[0]:,}"
    part = "shadow" if duel.is_shadow else "challenger"
    return Line(duel.version, part, first, second, apart(duel), n, verdict(standing, duel))
