"""Rows alike with other labels in words: what bounds every model, and such rows side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from assay.evaluation.details import OppositeLabels
from assay.reports.content import ReportContent
from assay.reports.mistake_table import ShownPicture, ShownText, shown_cells, shown_pictures
from assay.reports.wording import count, counted, share

_MOSTLY = 0.75

Pieces = Sequence[tuple[str, bool]]
"""A text in pieces, and whether the other text has something else there."""


@dataclass(frozen=True)
class MarkedText:
    """A text beside another: its beginning, and what is unfolded; both empty where there is none.

    Attributes:
        beginning: What is seen at once.
        rest: What is unfolded.
        n_more: Characters of that.
    """

    beginning: Pieces
    rest: Pieces
    n_more: int


@dataclass(frozen=True)
class ShownRow:
    """One row of a pair.

    Attributes:
        row: Its number in the source.
        label: Its label.
        pictures: What is seen of it.
        cells: Of each column its value, None if missing, or its text with what differs, and
            whether the twin has another.
    """

    row: int
    label: str
    pictures: Sequence[ShownPicture]
    cells: Sequence[tuple[str | MarkedText | None, bool]]


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
        cells = [shown_cells(opposites.columns, place) for _, _, place in sides]
        differ = [each.name in pair.differ for each in opposites.columns]
        one, other = (
            ShownRow(
                row,
                label,
                shown_pictures(opposites.pictures, place, row),
                list(zip(map(_marked, mine, theirs, differ), differ, strict=True)),
            )
            for (row, label, place), mine, theirs in zip(sides, cells, cells[::-1], strict=True)
        )
        shown.append((one, other))
    return shown


def _marked(
    cell: str | ShownText | None, beside: str | ShownText | None, differs: bool
) -> str | MarkedText | None:
    """A cell, a text with those words marked that the text beside it has not there."""
    if not isinstance(cell, ShownText):
        return cell
    assert isinstance(beside, ShownText), "a column holds texts or none"
    beginning, rest = _words(cell.beginning), _words(cell.rest)
    is_marked = [False] * len(beginning + rest)
    if differs:
        others = _words(beside.beginning) + _words(beside.rest)
        is_marked = _different(beginning + rest, others)
    return MarkedText(
        tuple(_joined(beginning, is_marked[: len(beginning)])),
        tuple(_joined(rest, is_marked[len(beginning) :])),
        len(cell.rest),
    )


def _words(text: str) -> list[str]:
    """The words of a text, each with the white space behind it."""
    return re.findall(r"\S+\s*", text)


def _different(words: Sequence[str], others: Sequence[str]) -> list[bool]:
    """Which words are not among the others in the same order; all, if no word differs."""
    mine, theirs = ([each.strip() for each in every] for every in (words, others))
    if mine == theirs:
        return [True] * len(words)
    is_other = [True] * len(words)
    for at, _, size in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        is_other[at : at + size] = [False] * size
    return is_other


def _joined(words: Sequence[str], is_marked: Sequence[bool]) -> Iterator[tuple[str, bool]]:
    """Neighbours that are marked alike as one piece."""
    for marked, pieces in groupby(zip(words, is_marked, strict=True), key=lambda each: each[1]):
        yield "".join(word for word, _ in pieces), marked


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
