"""Rows alike with other labels in words: what bounds every model, and such rows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.evaluation.details import OppositeLabels
from assay.reports.content import ReportContent
from assay.reports.mistake_table import ShownPicture, ShownText, shown_cells, shown_pictures
from assay.reports.wording import count, counted, share

_MOSTLY = 0.75


@dataclass(frozen=True)
class ShownRow:
    """One row of a pair.

    Attributes:
        row: Its number in the source.
        label: Its label.
        pictures: What is seen of it.
        cells: Of each column its value, None if missing, or its text, and whether the twin has
            another.
    """

    row: int
    label: str
    pictures: Sequence[ShownPicture]
    cells: Sequence[tuple[str | ShownText | None, bool]]


@dataclass(frozen=True)
class OppositeTable:
    """What is shown of rows that are alike with other labels.

    Attributes:
        bound: What no model can get right; empty where that is nothing.
        n: Rows with a copy of another label.
        reading: How many there are and what that may mean; empty where there is none.
        heads: The name of each column, and whether it holds numbers.
        has_pictures: Whether rows hold pictures.
        pairs: Each odd row above its twin.
    """

    bound: str
    n: int
    reading: str
    heads: Sequence[tuple[str, bool]]
    has_pictures: bool
    pairs: Sequence[tuple[ShownRow, ShownRow]]


def opposite_table(content: ReportContent) -> OppositeTable | None:
    """What is shown of them; None where there are no such rows."""
    opposites = content.opposites
    if opposites is None:
        return None
    found = opposites.found
    return OppositeTable(
        bound=_bound(found) if found.beyond else "",
        n=found.n,
        reading=_reading(found, len(opposites.rows) // 2) if found.n else "",
        heads=[(each.name, each.holds_numbers) for each in opposites.columns],
        has_pictures=bool(opposites.pictures),
        pairs=_pairs(content),
    )


def _pairs(content: ReportContent) -> list[tuple[ShownRow, ShownRow]]:
    opposites = content.opposites
    assert opposites is not None
    shown = []
    for at, pair in enumerate(opposites.found.pairs[: len(opposites.rows) // 2]):
        sides = ((pair.row, pair.label, 2 * at), (pair.twin, pair.twin_label, 2 * at + 1))
        one, other = (
            ShownRow(
                row,
                label,
                shown_pictures(opposites.pictures, place, row),
                [
                    (cell, each.name in pair.differ)
                    for each, cell in zip(
                        opposites.columns, shown_cells(opposites.columns, place), strict=True
                    )
                ],
            )
            for row, label, place in sides
        )
        shown.append((one, other))
    return shown


def _bound(found: OppositeLabels) -> str:
    return (
        f"Every model of these features gets at least {count(found.beyond)} of "
        f"{counted(found.of, 'development row')} ({share(found.beyond / found.of)}) wrong: rows of "
        "several classes have the very same features."
    )


def _reading(found: OppositeLabels, n_shown: int) -> str:
    n, listed = found.n, len(found.pairs)
    told = (
        f"{counted(found.twins, 'row')} have a copy, which is the same or nearly so in every "
        f"feature. {share(found.agree)} of the copies have the same label; in "
        f"{'this pair' if n == 1 else f'these {count(n)} pairs'} they differ."
    )
    cause = (
        " Either one of the two labels is wrong, or what tells the rows apart is in no column."
        if found.agree >= _MOSTLY
        else " What tells such rows apart is in no column, or their labels say little."
    )
    if n_shown == n:
        return f"{told}{cause}"
    all_of_them = "all of them" if listed == n else f"the first {count(listed)}"
    few = f" These {n_shown} are the most one-sided; assay report --mistakes writes {all_of_them}."
    return f"{told}{cause}{few}"
