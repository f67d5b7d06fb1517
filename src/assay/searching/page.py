"""The page of a search: what was tried, what came of it, and which settings mattered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.reports.page import put, templates, version
from assay.reports.wording import duration, number, share
from assay.searching.figures import figures
from assay.searching.found import Found
from assay.searching.telling import named, settings, short, told


@dataclass(frozen=True)
class Line:
    """A trial in the table: texts, and whether it is the best."""

    number: int
    state: str
    values: tuple[str, ...]
    took: str
    settings: str
    reason: str
    is_best: bool


def render(found: Found, experiment: str) -> str:
    """The search as one HTML document without links, scripts or anything to be fetched."""
    ranked = sorted(found.importance.items(), key=lambda each: -each[1])
    return (
        templates()
        .get_template("search.html")
        .render(
            found=found,
            experiment=experiment,
            told=told(found),
            plots=figures(found),
            importance=[(short(key), part, share(part)) for key, part in ranked],
            objectives=[named(each) for each in found.objectives],
            lines=_lines(found),
            version=version(),
        )
    )


def write(found: Found, experiment: str, path: Path) -> Path:
    """Write the page of a search and return its path."""
    return put(render(found, experiment), path)


def _lines(found: Found) -> list[Line]:
    """Every trial, the best first, those without a score last."""
    sign = 1.0 if found.directions[0] == "minimize" else -1.0
    ranked = sorted(
        found.trials,
        key=lambda each: (sign * each.values[0] if each.values else float("inf"), each.number),
    )
    return [
        Line(
            number=each.number,
            state=each.state,
            values=tuple(map(number, each.values)) or ("",) * len(found.objectives),
            took=duration(each.seconds),
            settings=settings(each.settings),
            reason=each.reason,
            is_best=each.number == found.best,
        )
        for each in ranked
    ]
