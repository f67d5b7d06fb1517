"""The model by segment: declared ones as dots on one axis, weak ones that were found as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.estimates import Estimate
from assay.reports.content import ReportContent
from assay.reports.dots import DotPlot, row_of, scale_of
from assay.reports.segment_verdicts import beside_the_rest, confirmation, of_training, on_sealed
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
    value,
)
from assay.segments.result import (
    MEASURES,
    MOST_CROSSING,
    Division,
    Gap,
    Segment,
    Segments,
    Weakness,
)

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
        sealed: What the sealed rows say of each, and the tone; empty until they are opened.
        more: How many others there are.
        more_worse: How many of these are worse than the rest.
        readings: A sentence each.
    """

    name: str
    plot: DotPlot
    counts: Sequence[str]
    sealed: Sequence[tuple[str, str]]
    more: int
    more_worse: int
    readings: Sequence[str]


@dataclass(frozen=True)
class SealedWeakness:
    """A weak segment on the sealed rows: how much worse, with its interval, and the verdict."""

    worse: str
    interval: str
    verdict: str
    tone: str


@dataclass(frozen=True)
class WeakRow:
    """A weak segment in words: which rows, how many, the numbers, and what sealed rows say."""

    definition: str
    rows: str
    value: str
    rest: str
    worse: str
    interval: str
    expected: str
    sealed: SealedWeakness | None


@dataclass(frozen=True)
class SegmentPart:
    """The part on segments.

    Attributes:
        reading: The sentence over it.
        sealed: What the sealed rows say, in a sentence; empty until they are opened.
        note: How declared segments are to be read; empty without any.
        shown: By declared column.
        folded: By pairs of them.
        metric: What weak segments are found by, as a heading.
        weak: Weak segments; empty where none was confirmed.
        discovery: How they were looked for, or why not.
        expects: Whether the model says how sure it is.
    """

    reading: str
    sealed: str
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
    sealed = content.test.segments if content.test is not None else None
    divided = [_divided(each, found, sealed) for each in found.divisions]
    alone = sum(len(each.columns) == 1 for each in found.divisions)
    return SegmentPart(
        reading=of_training(found),
        sealed=on_sealed(content.test) if content.test is not None else "",
        note=_note(found, sealed),
        shown=divided[:alone],
        folded=divided[alone:],
        metric=MEASURES[found.measure].capitalize(),
        weak=[
            _weak(each, sealed.weak[n] if sealed is not None else None)
            for n, each in enumerate(found.weak)
        ],
        discovery=_discovery(found),
        expects=any(each.expected is not None for each in found.weak),
    )


def _note(found: Segments, sealed: Segments | None) -> str:
    if not found.divisions:
        return ""
    return (
        f"Dots: {metric_within(found.metric)} on the rows of a segment, worst first. Beside it "
        "how much worse than on all other rows. All intervals hold together at "
        f"{level(found.level)} %, however many segments were looked at{_sealed_level(sealed)}."
        f"{_crossings(found)}"
    )


def _sealed_level(sealed: Segments | None) -> str:
    return "" if sealed is None else f", on the sealed rows at {level(sealed.level)} %"


def _crossings(found: Segments) -> str:
    if all(len(each.columns) == 1 for each in found.divisions):
        return ""
    return f" Where columns cross, at most the {MOST_CROSSING} combinations of most rows are shown."


def _divided(each: Division, found: Segments, sealed: Segments | None) -> DividedRows:
    shown, hidden = each.segments[:_MOST_ROWS], each.segments[_MOST_ROWS:]
    scale = scale_of([segment.estimate for segment in shown])
    rows = []
    for segment in shown:
        note, tone = beside_the_rest(segment)
        row = row_of(_within(segment, each), segment.estimate, scale)
        rows.append(replace(row, note=note, tone=tone, interval=row.interval or "no interval"))
    readings = [*_on_gap("The", each, found), *_on_parity(each), *_on_left_out(each, shown)]
    opened = sealed.divisions if sealed is not None else ()
    for same in (one for one in opened if one.columns == each.columns):
        readings += _on_gap("On the sealed rows the", same, found)
    return DividedRows(
        each.name,
        DotPlot(rows, scale.marks(4)),
        [counted(segment.n, "row") for segment in shown],
        [] if sealed is None else [_on_sealed(segment, sealed) for segment in shown],
        len(hidden),
        sum(segment.is_worse for segment in hidden),
        readings,
    )


def _on_sealed(segment: Segment, sealed: Segments) -> tuple[str, str]:
    """The same segment on the sealed rows, beside the rest of them."""
    every = (each for division in sealed.divisions for each in division.segments)
    found = next((each for each in every if each.definition == segment.definition), None)
    if found is None:
        return "sealed: no rows to compare", "even"
    note, tone = beside_the_rest(found)
    return f"sealed {value(found.estimate)}: {note}", tone


def _within(segment: Segment, each: Division) -> str:
    """The segment: of one column its level is enough under the column's name."""
    alone = len(each.columns) == 1
    return segment.definition.removeprefix(f"{each.name} = ") if alone else segment.definition


def _on_gap(the: str, each: Division, found: Segments) -> list[str]:
    gap = each.gap
    if gap is None:
        return []
    return [
        f"{the} widest gap in {metric_within(found.metric)} is {_apart(gap)}: "
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


def _weak(each: Weakness, sealed: Weakness | None) -> WeakRow:
    inside, rest = numbers(each.value, each.rest)
    worse, between = like(each.difference, each.difference)
    return WeakRow(
        definition=each.definition,
        rows=f"{count(each.n)} ({share(each.share)})",
        value=inside,
        rest=rest,
        worse=worse,
        interval=between,
        expected=number(each.expected) if each.expected is not None else "",
        sealed=None if sealed is None else _sealed(sealed, each),
    )


def _sealed(each: Weakness, of_training: Weakness) -> SealedWeakness:
    worse, between = like(of_training.difference, each.difference)
    verdict, tone = confirmation(each)
    return SealedWeakness(worse, between, verdict, tone)


def _discovery(found: Segments) -> str:
    if found.reason and not found.tried:
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
    if found.reason:
        return f"{text}None could be confirmed: {found.reason}."
    if not found.weak:
        return f"{text}None was confirmed."
    told = f"{text}The numbers are of the confirming rows only; rows are counted in both halves."
    if all(each.expected is None for each in found.weak):
        return told
    return (
        f"{told} Where the model expects to be right less often too, it knows that these rows are "
        "hard."
    )
