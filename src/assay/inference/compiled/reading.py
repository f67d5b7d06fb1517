"""Reading: a row becomes the values that a learner sees, held against what the model learnt from.

As strict as `strictness.strict_features`, and in the same words, but without pandas and to the end:
every problem of a row is found, not only its first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from assay.inference.compiled.cells import NAN, Read, reader
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
        self._columns = []
        for name, read_as in self.kinds.items():
            read = reader(name, read_as)
            if read is None:
                raise ValueError(f"column {name!r} holds images")
            learnt = about["seen"][name]
            usual, odd = _usual(learnt), self._odd(name, read_as, learnt)
            self._columns.append((name, read, usual, odd, partial(self._unread, name, read_as)))

    def read(self, row: Row, number: int = 0) -> ReadRow:
        """The values of a row, with all that is to be said of it.

        Args:
            row: The row.
            number: Its position among the rows.
        """
        values: list[Any] = []
        done = ReadRow(values)
        for name, read, is_usual, odd, unread in self._columns:
            try:
                value = read(row[name])
            except KeyError:
                value = self._absent(name, read, number, done)
            except (ValueError, TypeError):
                value = unread(read, row[name], number, done)
            # Of what is refused already nothing more is said.
            refused = done.problems and done.problems[-1].column == name
            is_fine = refused or is_usual(value)
            values.append(value if is_fine else odd(value, number, done))
        return done

    def frame(self, rows: list[ReadRow]) -> pd.DataFrame:
        """Rows that were read without problems, as `strict_features` gives them."""
        columns: dict[str, np.ndarray[Any, Any]] = {}
        for (name, read_as), cells in zip(
            self.kinds.items(), zip(*(row.values for row in rows), strict=True), strict=True
        ):
            is_number = read_as.partition(" ")[0] in ("numeric", "datetime")
            columns[name] = np.empty(len(rows), dtype=np.float64 if is_number else object)
            columns[name][:] = cells
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))

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

    def _odd(self, name: str, read_as: str, learnt: Mapping[str, Any]) -> _Odd:
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
