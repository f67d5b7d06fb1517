"""The page of a comparison: every run beside the first, drawn so that right is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.estimates import Estimate
from assay.evaluation.contrast import Comparison, Contrast
from assay.evaluation.result import Difference
from assay.reports.axis import Scale
from assay.reports.contrasts import TONES, basis, beside, values, verdict, word
from assay.reports.dots import DotPlot, DotRow, row_of, scale_of
from assay.reports.page import put, templates, version
from assay.reports.verdicts import Verdict
from assay.reports.wording import metric, share

_SIDES = (4.0, 96.0)
"""Between what an interval lies on a scale of its own, in per cent: zero is in the middle."""


@dataclass(frozen=True)
class Section:
    """One run beside the first, as it is shown.

    Attributes:
        contrast: The run.
        verdict: In words.
        lines: All metrics, the primary one first: both values, and the difference drawn.
        beside: What McNemar's test, folds and seeds say.
        shares: Rows by who decides them right; empty where that says nothing.
    """

    contrast: Contrast
    verdict: Verdict
    lines: Sequence[tuple[str, str, DotRow]]
    beside: Sequence[str]
    shares: Sequence[tuple[str, int, str]]


def render(comparison: Comparison) -> str:
    """The comparison as one HTML document without links, scripts or anything to be fetched."""
    return (
        templates()
        .get_template("comparison.html")
        .render(
            comparison=comparison,
            sections=[section(comparison, each) for each in comparison.contrasts],
            plot=primary_plot(comparison),
            basis=basis(comparison),
            right=_right(comparison),
            version=version(),
        )
    )


def write(comparison: Comparison, path: Path) -> Path:
    """Write the page of a comparison and return its path."""
    return put(render(comparison), path)


def primary_plot(comparison: Comparison) -> DotPlot:
    """The difference of every run from the first in the primary metric, on one axis."""
    found = [(each.name, each.verdict) for each in comparison.contrasts]
    scale = scale_of([*(each.estimate for _, each in found), Estimate(0.0, None, None, n=0)])
    rows = [_told(row_of(name, each.estimate, scale), each) for name, each in found]
    return DotPlot(rows, scale.marks(4), zero=round(float(scale.at(0.0)), 2))


def section(comparison: Comparison, contrast: Contrast) -> Section:
    """One run beside the first."""
    return Section(
        contrast,
        verdict(comparison, contrast),
        [(*values(each), _drawn(comparison, each)) for each in contrast.differences],
        beside(comparison, contrast),
        _parted(comparison, contrast),
    )


def _drawn(comparison: Comparison, each: Difference) -> DotRow:
    """The difference on a scale of its own: zero in the middle, better to the right."""
    found = each.estimate
    ends = [end for end in (found.low, found.value, found.high) if end is not None]
    reach = max((abs(end) for end in ends if math.isfinite(end)), default=0.0) or 1.0
    sides = _SIDES[::-1] if each.metric in comparison.falling else _SIDES
    row = row_of(metric(each.metric), found, Scale(-reach, reach, *sides))
    why = row.interval or f"no interval: {found.reason}"
    return _told(replace(row, interval=why), each)


def _told(row: DotRow, each: Difference) -> DotRow:
    """A row with what is said of the difference; faint unless it is decided."""
    decided = each.better is not None
    return replace(row, note=word(each), tone=TONES[each.better], strong=decided, faint=not decided)


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
