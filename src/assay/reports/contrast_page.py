"""The page of a comparison: every run beside the first, drawn so that right is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.estimates import Estimate
from assay.evaluation.contrast import Change, Comparison, Contrast
from assay.evaluation.result import Difference
from assay.reports.contrasts import TONES, basis, beside, values, verdict, word
from assay.reports.dots import DotPlot, DotRow, row_of, scale_of
from assay.reports.page import environment, put, version
from assay.reports.verdicts import Verdict
from assay.reports.wording import interval, metric, share, value

_MIDDLE, _REACH = 50.0, 46.0
"""Where zero lies, and how far an interval may go to either side of it, in per cent."""


@dataclass(frozen=True)
class MetricLine:
    """A metric of two runs, with its difference drawn so that right is better.

    Attributes:
        name: Of the metric.
        first: Its value for the first run.
        second: For the other.
        apart: The difference in words.
        interval: Its interval in words, or why there is none.
        row: Where the difference lies on a scale of its own, zero in the middle.
        word: 'better', 'worse', 'within noise', 'no difference' or 'cannot be said'.
        tone: 'good', 'bad' or 'even'.
        strong: Whether it is the primary one.
    """

    name: str
    first: str
    second: str
    apart: str
    interval: str
    row: DotRow
    word: str
    tone: str
    strong: bool


@dataclass(frozen=True)
class Section:
    """One run beside the first, as it is shown.

    Attributes:
        key: Its anchor.
        name: Of the run.
        run_id: Its id.
        verdict: In words.
        lines: All metrics, the primary one first.
        beside: What McNemar's test, folds and seeds say.
        shares: Rows by who decides them right; empty where that says nothing.
        whose: Whether the difference can be laid to one thing.
        changes: What differs.
    """

    key: str
    name: str
    run_id: str
    verdict: Verdict
    lines: Sequence[MetricLine]
    beside: Sequence[str]
    shares: Sequence[tuple[str, int, str]]
    whose: str
    changes: Sequence[Change]


def primary_plot(comparison: Comparison) -> DotPlot:
    """The difference of every run from the first in the primary metric, on one axis."""
    found = [(each.name, each.verdict) for each in comparison.contrasts]
    zero = Estimate(0.0, None, None, n=0)
    scale = scale_of([*(each.estimate for _, each in found), zero])
    lines = []
    for name, each in found:
        drawn = row_of(name, each.estimate, scale)
        told = replace(drawn, note=word(each), tone=TONES[each.better])
        lines.append(replace(told, strong=each.better is not None, faint=each.better is None))
    return DotPlot(lines, scale.marks(4), zero=round(float(scale.at(0.0)), 2))


def section(comparison: Comparison, contrast: Contrast, number: int) -> Section:
    """One run beside the first."""
    return Section(
        key=f"run-{number}",
        name=contrast.name,
        run_id=contrast.run_id,
        verdict=verdict(comparison, contrast),
        lines=[_line(comparison, each) for each in contrast.differences],
        beside=beside(comparison, contrast),
        shares=_parted(comparison, contrast),
        whose=contrast.whose,
        changes=contrast.changes,
    )


def render(comparison: Comparison) -> str:
    """The comparison as one HTML document without links, scripts or anything to be fetched."""
    sections = [
        section(comparison, each, number) for number, each in enumerate(comparison.contrasts, 1)
    ]
    return (
        environment()
        .get_template("comparison.html")
        .render(
            comparison=comparison,
            sections=sections,
            plot=primary_plot(comparison),
            basis=basis(comparison),
            right=_right(comparison),
            version=version(),
        )
    )


def write(comparison: Comparison, path: Path) -> Path:
    """Write the page of a comparison and return its path."""
    return put(render(comparison), path)


def _line(comparison: Comparison, each: Difference) -> MetricLine:
    first, second = values(each)
    found = each.estimate
    why = interval(found) if found.has_interval else f"no interval: {found.reason}"
    return MetricLine(
        name=metric(each.metric),
        first=first,
        second=second,
        apart=value(found),
        interval=why,
        row=_drawn(each, -1 if each.metric in comparison.falling else 1),
        word=word(each),
        tone=TONES[each.better],
        strong=each.metric == comparison.verdict.metric,
    )


def _drawn(each: Difference, sign: int) -> DotRow:
    """The difference on a scale of its own: zero in the middle, better to the right."""
    found = each.estimate
    ends = [end for end in (found.low, found.high) if end is not None]
    largest = max((abs(end) for end in (*ends, found.value)), default=0.0) or 1.0

    def at(number: float) -> float:
        return round(_MIDDLE + sign * _REACH * number / largest, 2)

    low, high = sorted(map(at, ends)) if len(ends) == 2 else (None, None)
    shown = at(found.value) if math.isfinite(found.value) else None
    decided = each.better is not None
    return DotRow("", shown, low, high, "", "", strong=decided, faint=not decided)


def _parted(comparison: Comparison, contrast: Contrast) -> list[tuple[str, int, str]]:
    found = contrast.decisions
    if found is None:
        return []
    parts = {
        "both": found.both,
        f"only {comparison.first}": found.only_first,
        f"only {contrast.name}": found.only_second,
        "neither": found.neither,
    }
    total = sum(parts.values()) or 1
    return [(name, n, share(n / total)) for name, n in parts.items()]


def _right(comparison: Comparison) -> str:
    """Which way better lies on the axis of the primary metric."""
    side = "left" if comparison.verdict.metric in comparison.falling else "right"
    return f"{side} of the line: better than {comparison.first}"
