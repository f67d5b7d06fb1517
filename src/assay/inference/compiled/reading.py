"""Reading: a row becomes the values that a learner sees, held against what the model learnt from.

As strict as `strictness.strict_features`, and in the same words, but without pandas and to the end:
every problem of a row is found, not only its first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from assay.inference.compiled.cells import NAN, Read, reader
from assay.inference.compiled.quick import Quick, quick
from assay.inference.misfits import misread_told
from assay.inference.strictness import (
    SLACK,
    absent_told,
    level_told,
    null_told,
    range_told,
    unread_told,
    within,
)

Row = Mapping[str, object]
"""Values by column; those of columns that the model does not know are not looked at."""

_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be predicted.

    Attributes:
        row: Its position among the rows, counted from 0.
        column: The column.
        kind: The policy that refuses it: 'missing_column', 'wrong_type', 'unexpected_null',
            'unseen_category' or 'out_of_range'.
        told: In words, without the row.
    """

    row: int
    column: str
    kind: str
    told: str


@dataclass(slots=True)
class ReadRow:
    """A row that was read.

    Attributes:
        values: One for each feature, in the order of the model's kinds: numbers and days as float,
            levels and texts as text, `NAN` where a level is missing. Not whole if there are
            problems.
        notes: What policies that warn say of it.
        problems: What policies that refuse say of it.
    """

    values: list[Any]
    notes: list[str] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReadTable:
    """Many rows that were read.

    Attributes:
        features: As `strict_features` gives them.
        rows: What is said of each; their values are in the features alone.
    """

    features: pd.DataFrame
    rows: Sequence[ReadRow]


_ABSENT = object()
_Column = tuple[str, Read, Callable[[Any], bool], "_Odd", Callable[..., Any]]
_Odd = Callable[[Any, int, ReadRow], Any]
"""What becomes of a value that is not as usual, of the row of this number."""


class RowReader:
    """Reads rows of one model.

    Args:
        about: Of the model, as `strict_features` takes it.

    Raises:
        ValueError: A feature is an image.
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.kinds: dict[str, str] = about["kinds"]
        self._policies: dict[str, str] = about["policies"]
        self._columns: dict[str, _Column] = {}
        self._quickly: dict[str, Quick] = {}
        for name, read_as in self.kinds.items():
            read = reader(name, read_as)
            if read is None:
                raise ValueError(f"column {name!r} holds images")
            learnt = about["seen"][name]
            usual, odd = _usual(learnt), self._odd(name, read_as, learnt)
            unread = partial(self._unread, name, read_as)
            self._columns[name] = (name, read, usual, odd, unread)
            self._quickly[name] = quick(read, read_as, learnt, slack=SLACK)

    def read(self, row: Row, number: int = 0) -> ReadRow:
        """The values of a row, with all that is to be said of it.

        Args:
            row: The row.
            number: Its position among the rows.
        """
        done = ReadRow([])
        cell = self._cell
        done.values = [cell(column, row, number, done) for column in self._columns.values()]
        return done

    def _cell(self, column: _Column, row: Row, number: int, done: ReadRow) -> Any:
        name, read, is_usual, odd, unread = column
        try:
            value = read(row[name])
        except KeyError:
            value = self._absent(name, read, number, done)
        except (ValueError, TypeError):
            value = unread(read, row[name], number, done)
        if is_usual(value):
            return value
        # Of what is refused already nothing more is said.
        is_refused = done.problems and done.problems[-1].column == name
        return value if is_refused else odd(value, number, done)

    def table(self, rows: Sequence[Row]) -> ReadTable:
        """Many rows, as `read` reads each, but column by column: most cells are as usual."""
        done = [ReadRow([]) for _ in rows]
        columns: dict[str, NDArray[Any]] = {}
        for name, quickly in self._quickly.items():
            cells = [row.get(name, _ABSENT) for row in rows]  # of a type of its own
            column, odd = quickly(cells)
            for number in odd:
                column[number] = self._cell(self._columns[name], rows[number], number, done[number])
            columns[name] = column
        return ReadTable(pd.DataFrame(columns, index=pd.RangeIndex(len(rows))), done)

    def _absent(self, name: str, read: Read, number: int, done: ReadRow) -> Any:
        if self._policies["missing_column"] == "error":
            told = f"columns are missing: {name}"
            done.problems.append(RowProblem(number, name, "missing_column", told))
        else:
            done.notes.append(absent_told([name]))
        return read(None)

    def _unread(
        self, name: str, read_as: str, read: Read, cell: object, number: int, done: ReadRow
    ) -> Any:
        if self._policies["wrong_type"] == "error":
            told = misread_told(name, read_as, [_shortened(cell)])
            done.problems.append(RowProblem(number, name, "wrong_type", told))
        else:
            done.notes.append(unread_told(name, read_as, within([number])))
        return read(None)

    def _odd(self, name: str, read_as: str, learnt: dict[str, Any]) -> _Odd:
        """What the policies say of a value that may be unlike those that were seen."""
        policies, gaps = self._policies, learnt["gaps"]
        low, high = learnt.get("low", NAN), learnt.get("high", NAN)
        slack = SLACK * (high - low)
        levels = learnt.get("levels")

        def odd(value: Any, number: int, done: ReadRow) -> Any:
            if value != value:  # noqa: PLR0124 - missing
                if not gaps:
                    _say("unexpected_null", policies, name, partial(null_told, name), number, done)
                return value
            if levels is None:
                if not (value < low - slack or value > high + slack):
                    return value
                policy, told = "out_of_range", partial(range_told, name, [value], learnt, read_as)
            else:
                policy, told = "unseen_category", partial(level_told, name, [value], read_as)
            _say(policy, policies, name, told, number, done)
            if policies[policy] == "clip":
                return low if value < low else high
            return NAN if policies[policy] == "impute" else value

        return odd


def _usual(learnt: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether nothing is to be said of a value; what is not so may still turn out to be usual."""
    if "low" in learnt:
        slack = SLACK * (learnt["high"] - learnt["low"])
        low, high = learnt["low"] - slack, learnt["high"] + slack
        return lambda value: low <= value <= high
    if learnt.get("levels") is not None:
        return frozenset(learnt["levels"]).__contains__
    return lambda value: value == value  # noqa: PLR0124 - not missing


def _say(
    policy: str,
    policies: Mapping[str, str],
    name: str,
    told: Callable[..., str],
    number: int,
    done: ReadRow,
) -> None:
    if policies[policy] == "error":
        done.problems.append(RowProblem(number, name, policy, told(where="")))
    elif policies[policy] == "warn":
        done.notes.append(told(where=within([number])))


def _shortened(cell: object) -> str:
    text = repr(cell)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
