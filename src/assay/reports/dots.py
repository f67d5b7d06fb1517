"""Rows of dots with intervals on one axis: model and baselines, importance, seeds.

Positions are percentages of the width, so that the rows fit any screen and their words keep
their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.estimates import Estimate
from assay.evaluation.result import Difference, Importance
from assay.reports.axis import Scale, extent
from assay.reports.content import ReportContent
from assay.reports.wording import (
    counted,
    estimate,
    interval,
    like,
    magnitude,
    metric_within,
    numbers,
    value,
)

MOST_FEATURES = 20


@dataclass(frozen=True)
class DotRow:
    """One row: a name, where its dot and interval lie, and the numbers in words.

    Attributes:
        name: What the row is about.
        at: Position of the dot, in per cent of the width; None for a value without one.
        low: Where the interval starts; None when there is none.
        high: Where it ends; None likewise.
        value: The number.
        interval: The interval in words; empty when there is none.
        strong: Whether this is the row that the others are compared with.
        faint: Whether it is within noise.
        note: What is said beside it.
        tone: 'good', 'bad' or 'even' for the note.
    """

    name: str
    at: float | None
    low: float | None
    high: float | None
    value: str
    interval: str
    strong: bool = False
    faint: bool = False
    note: str = ""
    tone: str = "even"


@dataclass(frozen=True)
class DotPlot:
    """Rows on one axis; `marks` are position (per cent) and label; `zero` a position, or None."""

    rows: Sequence[DotRow]
    marks: Sequence[tuple[float, str]]
    zero: float | None = None


def against_baselines(content: ReportContent) -> DotPlot:
    """The model and the baselines on the primary metric, the model first, then the strongest."""
    headline = content.evaluation.headline
    estimates = [each.evaluation.headline for each in content.baselines]
    scale = scale_of([headline, *estimates])
    rows = [replace(row_of(content.learner, headline, scale), strong=True)]
    for baseline, each in reversed(list(zip(content.baselines, estimates, strict=True))):
        note, tone = gain(baseline.gain)
        said, between = like(headline, each)
        row = row_of(baseline.name, each, scale)
        rows.append(replace(row, value=said, interval=between, note=note, tone=tone))
    return DotPlot(rows, scale.marks(4))


def gain(difference: Difference) -> tuple[str, str]:
    """What the model (the second) gains over a baseline (the first), in words, and its tone."""
    if not difference.estimate.has_interval:
        return f"differs by {magnitude(difference.estimate)}", "even"
    if difference.better is None:
        return "within noise", "even"
    better = difference.better == "second"
    word, tone = ("gain", "good") if better else ("loss", "bad")
    return f"{word} {magnitude(difference.estimate)}", tone


def importances(content: ReportContent) -> DotPlot:
    """The most important features, at most 20, all with the same decimals."""
    shown = content.importance[:MOST_FEATURES]
    scale = scale_of([*(each.drop for each in shown), Estimate(0.0, None, None, n=0)])
    texts = aligned_texts([each.drop for each in shown])
    rows = [
        replace(
            row_of(each.feature, each.drop, scale),
            value=said,
            interval=between,
            faint=not _is_useful(each),
        )
        for each, (said, between) in zip(shown, texts, strict=True)
    ]
    return DotPlot(rows, scale.marks(4), zero=round(float(scale.at(0.0)), 2))


def seeds(content: ReportContent) -> DotPlot:
    """The values over seeds as one strip of dots; the first is the one logged."""
    values = [float(each) for each in content.seeds.values]
    scale = Scale(*extent(values, 0.08), 2.0, 98.0)
    rows = [
        DotRow(f"seed {n}", round(float(scale.at(each)), 2), None, None, text, "", strong=n == 1)
        for n, (each, text) in enumerate(zip(values, numbers(*values), strict=True), start=1)
    ]
    return DotPlot(rows, scale.marks(4))


def importance_reading(content: ReportContent) -> str:
    """The sentence over the importance plot."""
    first, n = content.importance[0], len(content.importance)
    in_noise = sum(not _is_useful(each) for each in content.importance)
    if in_noise == n:
        return "No feature can be told from one without effect."
    rest = (
        f"{in_noise} of {counted(n, 'feature')} cannot be told from one without effect"
        if in_noise
        else "every feature is worth more than noise"
    )
    return (
        f"Shuffling “{first.feature}” makes {metric_within(content.evaluation.primary)} worse by "
        f"{estimate(first.drop)}, more than any other; {rest}."
    )


def _is_useful(importance: Importance) -> bool:
    return importance.drop.low is not None and importance.drop.low > 0


def row_of(name: str, each: Estimate, scale: Scale) -> DotRow:
    """An estimate on a scale."""

    def at(number: float | None) -> float | None:
        if number is None or not math.isfinite(number):
            return None
        return round(float(scale.at(number)), 2)

    ends = (at(each.low), at(each.high)) if each.has_interval else (None, None)
    return DotRow(name, at(each.value), *ends, value(each), interval(each))


def aligned_texts(estimates: Sequence[Estimate]) -> list[tuple[str, str]]:
    """Value and interval of each in words, with the decimals that fit the largest of them all."""
    ends = [(each.value, each.low, each.high) for each in estimates]
    known = [number for three in ends for number in three if number is not None]
    written = dict(zip(known, numbers(*known), strict=True))
    return [
        (written[at], "" if low is None or high is None else f"{written[low]} to {written[high]}")
        for at, low, high in ends
    ]


def scale_of(estimates: Sequence[Estimate]) -> Scale:
    """A scale that all of the estimates fit on."""
    ends = [end for each in estimates for end in (each.value, each.low, each.high)]
    return Scale(*extent([end for end in ends if end is not None], 0.03), 2.0, 98.0)
