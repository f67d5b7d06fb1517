"""The mistakes to look at in words: how many there are, and the worst of them row by row."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.data.schema import Task
from assay.reports.content import ReportContent
from assay.reports.mistakes import Mistake, Mistakes, Picture, Pictures, Seen
from assay.reports.wording import count, counted, number, numbers, share

BEGINNING = 320
"""Characters of a text that are seen before it is unfolded."""
_LONGEST_WORD = 40
_LONGEST_VALUE = 80
_LARGEST_IN_FULL = 1e15
_COARSE_BELOW = 48


@dataclass(frozen=True)
class ShownPicture:
    """A picture in the page itself.

    Attributes:
        address: The file as a data URI.
        told: What stands in its place for those who do not see it.
        coarse: Whether it has so few pixels that they are drawn as squares.
    """

    address: str
    told: str
    width: int
    height: int
    coarse: bool


@dataclass(frozen=True)
class ShownText:
    """A text: its beginning, and what is unfolded; both empty where there is none."""

    name: str
    beginning: str
    rest: str


@dataclass(frozen=True)
class ShownMistake:
    """One row that was predicted wrongly.

    Attributes:
        row: Its number in the source.
        truth: Its class, labels or value.
        said: What it was taken for.
        sure: How sure the model was, or how far it is off.
        for_truth: What is said of the probability of the truth; empty of two classes.
        worst: Of labels, the wrong decision that it was so sure of.
        pictures: What is seen of it.
        texts: What is read of it.
        values: Other columns, by name, with None where a value is missing.
    """

    row: int
    truth: str
    said: str
    sure: str
    for_truth: str
    worst: str
    pictures: Sequence[ShownPicture]
    texts: Sequence[ShownText]
    values: Sequence[tuple[str, str | None]]


@dataclass(frozen=True)
class MistakeTable:
    """What is shown of the mistakes.

    Attributes:
        reading: How many there are, and which of them are shown.
        rows: Those.
        look: 'texts', 'pictures', or 'values' for a table of numbers and levels.
        heads: Of such a table: the name of each column, and whether it holds numbers.
        has_classes: Whether one class, or some labels, were taken for others.
        has_labels: Whether rows may have several labels.
    """

    reading: str
    rows: Sequence[ShownMistake]
    look: str
    heads: Sequence[tuple[str, bool]]
    has_classes: bool
    has_labels: bool


def mistake_table(content: ReportContent) -> MistakeTable | None:
    """The mistakes to look at; None where the run was recorded without them."""
    mistakes = content.mistakes
    if mistakes is None:
        return None
    has_texts = any(each.is_text for each in mistakes.columns)
    has_labels = content.schema.task is Task.MULTILABEL
    return MistakeTable(
        reading=_reading(mistakes, has_labels=has_labels),
        rows=[_shown(mistakes, at) for at in range(len(mistakes.rows))],
        look="texts" if has_texts else "pictures" if mistakes.pictures else "values",
        heads=[(each.name, each.holds_numbers) for each in mistakes.columns],
        has_classes=mistakes.most is not None,
        has_labels=has_labels,
    )


def shown_pictures(pictures: Sequence[Pictures], at: int, row: int) -> list[ShownPicture]:
    """The pictures of the row at this place, which has this number."""
    cells = [(each.name, each.cells[at]) for each in pictures]
    return [_picture(cell, f"{name} of row {row}") for name, cell in cells if cell is not None]


def shown_cells(columns: Sequence[Seen], at: int) -> list[str | ShownText | None]:
    """Of each column what the row at this place holds: a text to be read, or a value."""
    return [_text(each, at) if each.is_text else _value(each.cells[at]) for each in columns]


def _reading(mistakes: Mistakes, *, has_labels: bool) -> str:
    n = len(mistakes.rows)
    if mistakes.half is not None:
        if not n:
            return "Every row was predicted exactly."
        shown = "this one is furthest off" if n == 1 else f"these {n} are furthest off"
        return f"Half of the rows are off by at most {number(mistakes.half)}; {shown}."
    if not n:
        if has_labels:
            return "All labels of every row were decided right."
        return "No row was taken for another class."
    singly = mistakes.n == 1
    if has_labels:
        done = f"{'has' if singly else 'have'} at least one label that was decided wrong"
    else:
        done = f"{'was' if singly else 'were'} taken for another class"
    wrong = (
        f"{count(mistakes.n)} of {counted(mistakes.of, 'row')} "
        f"({share(mistakes.n / mistakes.of)}) {done}."
    )
    if n == mistakes.n:
        return wrong
    few = f", at most {mistakes.most} of one confusion" if (mistakes.most or n) < n else ""
    return f"{wrong} These {n} gave the truth the least probability{few}."


def _shown(mistakes: Mistakes, at: int) -> ShownMistake:
    mistake = mistakes.rows[at]
    return ShownMistake(
        mistake.row,
        *_told(mistake),
        for_truth=_for_truth(mistake),
        worst=mistake.worst,
        pictures=shown_pictures(mistakes.pictures, at, mistake.row),
        texts=[_text(each, at) for each in mistakes.columns if each.is_text],
        values=[
            (each.name, _value(each.cells[at])) for each in mistakes.columns if not each.is_text
        ],
    )


def _told(mistake: Mistake) -> tuple[str, str, str]:
    """The truth, what was said, and how sure it was or how far off it is."""
    if mistake.confidence is not None:
        return mistake.truth, mistake.said, share(mistake.confidence)
    off = mistake.said - mistake.truth
    truth, said, far = numbers(mistake.truth, mistake.said, abs(off))
    return truth, said, f"{far} too {'high' if off > 0 else 'low'}"


def _for_truth(mistake: Mistake) -> str:
    both = (mistake.confidence or 0.0) + (mistake.for_truth or 0.0)
    if mistake.for_truth is None or abs(1 - both) < 1e-9:
        return ""
    return share(mistake.for_truth)


def _picture(picture: Picture, told: str) -> ShownPicture:
    content = b64encode(picture.content).decode()
    return ShownPicture(
        f"data:image/{picture.form};base64,{content}",
        told,
        picture.width,
        picture.height,
        max(picture.width, picture.height) < _COARSE_BELOW,
    )


def _text(seen: Seen, at: int) -> ShownText:
    """A text, parted between two words if it is long."""
    text = str(seen.cells[at] or "").strip()
    if len(text) <= BEGINNING + _LONGEST_WORD:
        return ShownText(seen.name, text, "")
    end = text.rfind(" ", BEGINNING - _LONGEST_WORD, BEGINNING)
    end = end if end > 0 else BEGINNING
    return ShownText(seen.name, text[:end].rstrip(), text[end:].lstrip())


def _value(cell: Any) -> str | None:
    """A cell as it stands in the data; None if it is missing."""
    if cell is None or isinstance(cell, bool):
        return {None: None, True: "yes", False: "no"}[cell]
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        whole = cell.is_integer() and abs(cell) < _LARGEST_IN_FULL
        return str(int(cell)) if whole else f"{cell:.6g}"
    return cell if len(cell) <= _LONGEST_VALUE else f"{cell[: _LONGEST_VALUE - 1]}…"
