"""What a report says of labels, where a row may have several: each by itself, and all of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from assay.data.profile import Together
from assay.data.schema import Task
from assay.evaluation.details import ClassScores
from assay.reports.content import ReportContent
from assay.reports.dots import DotPlot, DotRow, aligned_texts, row_of, scale_of
from assay.reports.tables import PartOfRows
from assay.reports.wording import count, counted, estimate, number, share

SHOWN = 20
"""Labels that are seen before the others are unfolded: the weakest."""
_NAMED = 6
_TOLD_APART = 6


@dataclass(frozen=True)
class LabelPlot:
    """F1 of each label as dots on one axis, the weakest first.

    Attributes:
        reading: The weakest and the strongest in a sentence.
        shown: The weakest.
        folded: The others; None without any.
        counts: Rows that have it, by label.
    """

    reading: str
    shown: DotPlot
    folded: DotPlot | None
    counts: dict[str, str]


@dataclass(frozen=True)
class LabelsPerRow:
    """How many labels rows have: in a sentence, and rows by their number."""

    reading: str
    parts: Sequence[PartOfRows]


@dataclass(frozen=True)
class LabelsTogether:
    """Labels that rows have together: in a sentence, and the pairs that are unlike chance."""

    reading: str
    pairs: Sequence[Together]


def named(content: ReportContent) -> str:
    """The labels if they are few, else their number; empty where a row has one class."""
    classes = content.schema.classes
    if content.schema.task is not Task.MULTILABEL:
        return ""
    return (
        ", ".join(map(str, classes)) if len(classes) <= _NAMED else counted(len(classes), "label")
    )


def plot(content: ReportContent) -> LabelPlot | None:
    """Each label's F1; None where a row has one class."""
    if content.schema.task is not Task.MULTILABEL or not content.classes:
        return None
    known = sorted((each for each in content.classes if each.f1.n), key=lambda each: each.f1.value)
    unknown = [each for each in content.classes if not each.f1.n]
    scale = scale_of([each.f1 for each in known or content.classes])
    texts = aligned_texts([each.f1 for each in known])
    rows = [
        replace(row_of(each.label, each.f1, scale), value=said, interval=between)
        for each, (said, between) in zip(known, texts, strict=True)
    ]
    rows += [_unknown(each) for each in unknown]
    marks = scale.marks(4)
    return LabelPlot(
        _weakest_and_strongest(known),
        DotPlot(rows[:SHOWN], marks),
        DotPlot(rows[SHOWN:], marks) if len(rows) > SHOWN else None,
        {each.label: counted(each.support, "row") for each in content.classes},
    )


def per_row(content: ReportContent) -> LabelsPerRow | None:
    """How many labels the development rows have; None where that was not recorded."""
    target = content.profile.target if content.profile is not None else None
    if target is None or not target.per_row:
        return None
    rows = target.per_row
    n, held = sum(rows), sum(labels * each for labels, each in enumerate(rows))
    width = max(1, ceil((len(rows) - 1) / _TOLD_APART))
    parts = {"no label": rows[0]}
    for first in range(1, len(rows), width):
        parts[_labels(first, min(first + width, len(rows)) - 1)] = sum(rows[first : first + width])
    none = f"{counted(rows[0], 'row')} ({share(rows[0] / n)}) {'has' if rows[0] == 1 else 'have'}"
    return LabelsPerRow(
        f"A row has {held / n:.2f} labels on average; "
        + (f"{none} none." if rows[0] else "every row has at least one."),
        [PartOfRows(name, each, each / n) for name, each in parts.items() if each],
    )


def together(content: ReportContent) -> LabelsTogether | None:
    """Labels that go together; None where that was not recorded."""
    target = content.profile.target if content.profile is not None else None
    if target is None or not target.together:
        return None
    pairs = [each for each in target.together if each.tells]
    if not pairs:
        return LabelsTogether(
            "No two labels are on the same row more or less often than chance would have it.", []
        )
    first = pairs[0]
    often = "more" if first.n > first.expected else "less"
    return LabelsTogether(
        f"“{first.first}” and “{first.second}” are on the same row {often} often than chance "
        f"would have it: on {counted(first.n, 'row')} instead of about {_about(first.expected)}.",
        pairs,
    )


def _unknown(each: ClassScores) -> DotRow:
    reason = each.f1.reason or ""
    return DotRow(each.label, None, None, None, "none", reason, faint=True)


def _weakest_and_strongest(known: Sequence[ClassScores]) -> str:
    if not known:
        return "No row has any of the labels, and none is given."
    weakest, strongest = known[0], known[-1]
    told = (
        f"Weakest is “{weakest.label}”, on {counted(weakest.support, 'row')}: "
        f"F1 {estimate(weakest.f1)}"
    )
    if len(known) == 1:
        return f"{told}."
    return f"{told}; strongest is “{strongest.label}”: {estimate(strongest.f1)}."


def _labels(first: int, last: int) -> str:
    return counted(first, "label") if first == last else f"{first} to {last} labels"


def _about(n: float) -> str:
    return count(n) if n >= 100 else number(n)
