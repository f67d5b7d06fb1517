"""The confusion matrix as a table whose shades are shares of the true class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.data.schema import Task
from assay.evaluation.result import Evaluation
from assay.reports.content import ReportContent
from assay.reports.thresholds import decision
from assay.reports.wording import count, counted, share

LARGE_UP_TO = 6
"""Classes up to which cells are large enough to hold the share as well."""
SHOWN_UP_TO = 30
"""Classes up to which the matrix is drawn; beyond, only the most frequent confusions are."""

_LISTED = 5
_LISTED_WITHOUT_MATRIX = 20
_FAINTEST = 0.06


@dataclass(frozen=True)
class Cell:
    """Rows of one true class that were decided for one class.

    Attributes:
        count: How many; a dot when none.
        share: As a share of the true class.
        shade: 0 to 1, the square root of the share, so that small shares are seen.
        right: Whether it lies on the diagonal.
    """

    count: str
    share: str
    shade: float
    right: bool


@dataclass(frozen=True)
class Mistake:
    """One class taken for another."""

    true: str
    decided: str
    n: int
    of: int

    @property
    def share(self) -> float:
        """As a share of the true class."""
        return self.n / self.of


@dataclass(frozen=True)
class ConfusionTable:
    """What is shown of the confusion matrix.

    Attributes:
        classes: Labels as text.
        lines: Each true class with its cells by decided class; empty for too many classes.
        mistakes: The most frequent confusions, empty for few classes.
        reading: One sentence on what is seen.
        decision: How a binary decision is taken; empty otherwise.
        large: Whether cells hold the share as well.
        upright: Whether the labels over the columns are turned.
    """

    classes: Sequence[str]
    lines: Sequence[tuple[str, Sequence[Cell]]]
    mistakes: Sequence[Mistake]
    reading: str
    decision: str
    large: bool
    upright: bool


def confusion_table(content: ReportContent) -> ConfusionTable:
    """Lay out the confusion matrix of a classification."""
    evaluation = content.evaluation
    classes = list(evaluation.support)
    large = len(classes) <= LARGE_UP_TO
    drawn = len(classes) <= SHOWN_UP_TO
    cells = [_cells(n, row) for n, row in enumerate(evaluation.confusion)]
    mistakes = _mistakes(evaluation)
    listed = 0 if large else _LISTED if drawn else _LISTED_WITHOUT_MATRIX
    return ConfusionTable(
        classes=classes,
        lines=list(zip(classes, cells, strict=True)) if drawn else [],
        mistakes=mistakes[:listed],
        reading=_reading(evaluation, mistakes),
        decision=decision(content),
        large=large,
        upright=not large and max(map(len, classes)) > 2,
    )


def _cells(true: int, row: Sequence[int]) -> list[Cell]:
    total = sum(row)
    shares = [n / total if total else 0.0 for n in row]
    return [
        Cell(
            count(n) if n else "·",
            share(part),
            round(max(part**0.5, _FAINTEST), 3) if n else 0.0,
            true == decided,
        )
        for decided, (n, part) in enumerate(zip(row, shares, strict=True))
    ]


def _mistakes(evaluation: Evaluation) -> list[Mistake]:
    classes = list(evaluation.support)
    found = [
        Mistake(classes[true], classes[decided], n, sum(row))
        for true, row in enumerate(evaluation.confusion)
        for decided, n in enumerate(row)
        if n and true != decided
    ]
    return sorted(found, key=lambda mistake: (-mistake.n, -mistake.share))


def _reading(evaluation: Evaluation, mistakes: Sequence[Mistake]) -> str:
    if evaluation.task is Task.BINARY:
        (_, false_alarms), (missed, hits) = evaluation.confusion
        called, positive = hits + false_alarms, list(evaluation.support)[1]
        found = share(hits / (hits + missed)) if hits + missed else "none"
        right = (
            f"{share(hits / called)} of the rows called so are" if called else "no row is called so"
        )
        return f"{found} of the rows that are “{positive}” are found, and {right}."
    if not mistakes:
        return "No row was taken for another class."
    worst = mistakes[0]
    wrong = sum(mistake.n for mistake in mistakes)
    return (
        f"{share(wrong / evaluation.n)} of the rows are taken for another class, most often "
        f"“{worst.true}” for “{worst.decided}”: {count(worst.n)} of {counted(worst.of, 'row')} "
        f"({share(worst.share)})."
    )
