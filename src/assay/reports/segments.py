"""The model by segment: declared ones as dots on one axis, weak ones that were found as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.estimates import Estimate
from assay.reports.content import ReportContent
from assay.reports.dots import DotPlot, row_of, scale_of
from assay.reports.wording import (
    count,
    counted,
    estimate,
    level,
    like,
    listed,
    metric_within,
    number,
    numbers,
    share,
)
from assay.segments.result import MOST_CROSSING, Division, Gap, Segment, Segments, Weakness

_MOST_ROWS = 12
_RATES = {
    "selection_rate": "selection rate",
    "recall": "recall",
    "false_positive_rate": "false-positive rate",
}


@dataclass(frozen=True)
class DividedRows:
    """The segments of one column, or of two that cross.

    Attributes:
        name: The columns.
        plot: A row for each of the worst segments.
        counts: How many rows each has.
        more: How many others there are.
        more_worse: How many of these are worse than the rest.
        readings: A sentence each.
    """

    name: str
    plot: DotPlot
    counts: Sequence[str]
    more: int
    more_worse: int
    readings: Sequence[str]


@dataclass(frozen=True)
class WeakRow:
    """A weak segment in words: which rows, how many, and the numbers."""

    definition: str
    rows: str
    value: str
    rest: str
    worse: str
    interval: str
    expected: str


@dataclass(frozen=True)
class SegmentPart:
    """The part on segments.

    Attributes:
        reading: The sentence over it.
        note: How declared segments are to be read; empty without any.
        shown: By declared column.
        folded: By pairs of them.
        metric: What weak segments are found by, as a heading.
        weak: Weak segments; empty where none was confirmed.
        discovery: How they were looked for, or why not.
        expects: Whether the model says how sure it is.
    """

    reading: str
    note: str
    shown: Sequence[DividedRows]
    folded: Sequence[DividedRows]
    metric: str
    weak: Sequence[WeakRow]
    discovery: str
    expects: bool


def segment_part(content: ReportContent) -> SegmentPart | None:
    """What is said of segments; None where the run was recorded without them."""
    found = content.segments
    if found is None:
        return None
    divided = [_divided(each, found) for each in found.divisions]
    alone = sum(len(each.columns) == 1 for each in found.divisions)
    return SegmentPart(
        reading=_reading(found),
        note=_note(found),
        shown=divided[:alone],
        folded=divided[alone:],
        metric="Accuracy" if found.measure == "accuracy" else "Mean absolute error",
        weak=[_weak(each) for each in found.weak],
        discovery=_discovery(found),
        expects=any(each.expected is not None for each in found.weak),
    )


def _reading(found: Segments) -> str:
    worse = [each for one in found.divisions for each in one.segments if each.is_worse]
    sentences = []
    if found.divisions:
        n = counted(found.n_declared, "declared segment")
        if worse:
            first = max(worse, key=lambda each: each.difference.low or 0.0)
            are, most = ("is", "") if len(worse) == 1 else ("are", " most of all")
            sentences.append(
                f"{len(worse)} of {n} {are} worse than the rest beyond chance,{most} "
                f"{first.definition}: by {estimate(first.difference)} in "
                f"{metric_within(found.metric)}."
            )
        else:
            sentences.append(f"None of {n} can be told to be worse than the rest.")
    if found.weak:
        sentences.append(
            f"{counted(len(found.weak), 'weak segment')} that nobody declared "
            f"{'was' if len(found.weak) == 1 else 'were'} found and confirmed on other rows."
        )
    elif not found.reason:
        sentences.append("No weak segment was found among the features.")
    else:
        sentences.append(f"Weak segments were not looked for: {found.reason}.")
    return " ".join(sentences)


def _note(found: Segments) -> str:
    if not found.divisions:
        return ""
    return (
        f"Dots: {metric_within(found.metric)} on the rows of a segment, worst first. Beside it "
        "how much worse than on all other rows. All intervals hold together at "
        f"{level(found.level)} %, however many segments were looked at.{_crossings(found)}"
    )


def _crossings(found: Segments) -> str:
    if all(len(each.columns) == 1 for each in found.divisions):
        return ""
    return f" Where columns cross, at most the {MOST_CROSSING} combinations of most rows are shown."


def _divided(each: Division, found: Segments) -> DividedRows:
    shown, hidden = each.segments[:_MOST_ROWS], each.segments[_MOST_ROWS:]
    scale = scale_of([segment.estimate for segment in shown])
    rows = []
    for segment in shown:
        note, tone = _beside(segment)
        row = row_of(_within(segment, each), segment.estimate, scale)
        rows.append(replace(row, note=note, tone=tone, interval=row.interval or "no interval"))
    readings = [*_on_gap(each, found), *_on_parity(each), *_on_left_out(each, shown)]
    return DividedRows(
        each.name,
        DotPlot(rows, scale.marks(4)),
        [counted(segment.n, "row") for segment in shown],
        len(hidden),
        sum(segment.is_worse for segment in hidden),
        readings,
    )


def _within(segment: Segment, each: Division) -> str:
    """The segment: of one column its level is enough under the column's name."""
    alone = len(each.columns) == 1
    return segment.definition.removeprefix(f"{each.name} = ") if alone else segment.definition


def _beside(segment: Segment) -> tuple[str, str]:
    apart = segment.difference
    if not apart.has_interval:
        return segment.estimate.reason or apart.reason or "", "even"
    if segment.is_worse:
        return f"worse by {estimate(apart)}", "bad"
    assert apart.high is not None
    if apart.high < 0:
        return "better than the rest", "good"
    return "within noise of the rest", "even"


def _on_gap(each: Division, found: Segments) -> list[str]:
    gap = each.gap
    if gap is None:
        return []
    return [
        f"The widest gap in {metric_within(found.metric)} is {_apart(gap)}: "
        f"{gap.high} lies above {gap.low}{_noise(gap.estimate)}."
    ]


def _on_parity(each: Division) -> list[str]:
    parity = each.parity
    if parity is None:
        return []
    alike = parity.demographic
    told = [
        f"Demographic parity: selection rates differ by {_apart(alike)} at most, {alike.high} "
        f"above {alike.low}{_noise(alike.estimate)}; lowest over highest is "
        f"{number(parity.demographic_ratio)}."
    ]
    odds = parity.odds
    if odds is not None and parity.odds_ratio is not None:
        told.append(
            f"Equalised odds: recall or false-positive rate differs by {_apart(odds)} at most "
            f"(the {_RATES[odds.metric]}, {odds.high} above {odds.low}){_noise(odds.estimate)}; "
            f"the lower of their ratios is {number(parity.odds_ratio)}."
        )
    return told


def _on_left_out(each: Division, shown: Sequence[Segment]) -> list[str]:
    few = [segment.definition for segment in shown if not segment.estimate.has_interval]
    told = [f"Without an interval: {listed(few, 4)}."] if few else []
    if each.left_out:
        told.append(f"{counted(each.left_out, 'row')} of rarer combinations are not shown.")
    return told


def _apart(gap: Gap) -> str:
    return estimate(gap.estimate)


def _noise(each: Estimate) -> str:
    if not each.has_interval:
        return ", which may be chance"
    return "" if each.excludes_zero else ", within noise"


def _weak(each: Weakness) -> WeakRow:
    value, rest = numbers(each.value, each.rest)
    worse, between = like(each.difference, each.difference)
    return WeakRow(
        definition=each.definition,
        rows=f"{count(each.n)} ({share(each.share)})",
        value=value,
        rest=rest,
        worse=worse,
        interval=between,
        expected=number(each.expected) if each.expected is not None else "",
    )


def _discovery(found: Segments) -> str:
    if found.reason:
        return ""
    if found.tried == 0:
        return (
            "Ranges, levels and gaps of the features, alone and in pairs, were searched on either "
            "half of the rows: none stood out enough to be tried on the other."
        )
    text = (
        f"{counted(found.tried, 'slice')} of one or two features stood out in one half of the "
        "rows and "
        f"{'was' if found.tried == 1 else 'were'} tried on the other, at a level that allows for "
        "their number. "
    )
    if not found.weak:
        return f"{text}None was confirmed."
    return (
        f"{text}The numbers are of the confirming rows only; rows are counted in both halves. "
        "Where the model expects to be right less often too, it knows that these rows are hard."
    )
