"""AS309 placeholder-value: one value that stands for something else, as -999 for 'not measured'.

A placeholder comes again and again where measured values hardly ever tie, and lies outside of what
the others span: a negative code in a column that is never negative, nines above all else, zero far
below the least, or any value beyond a gap that no honest tail makes (`standing_apart`). A zero that
the others come close to is an amount of nothing, and let be. A heap at the end of a column of
fractions, without a gap, may be a limit of measurement: that is a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.checks.standing_apart import standing_apart
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 100
FEWEST_TIMES = 3
FEWEST_OTHERS = 20
"""Distinct other values: with fewer, the column may be a code itself."""
NEAREST, OFTENER = 5, 3
"""A negative code close to the least others is no end of a tail if it comes so much oftener."""
HEAP = 20.0
LEAST_HEAP = 0.01
_LIMITS = (32767.0, 65535.0, 2147483647.0, 4294967295.0, -32768.0, -2147483648.0)


@dataclass(frozen=True)
class Placeholder:
    """A value that stands for something else.

    Attributes:
        value: The value.
        times: Number of training rows that have it.
        why: What shows that it is none of the others, as a sentence goes on.
        is_asked: Whether to ask; else it is worth a note.
        low: Least of the other values.
        high: Largest of them.
    """

    value: float
    times: int
    why: str
    is_asked: bool
    low: float
    high: float


class PlaceholderValue:
    """Finds numbers that stand for 'missing', 'none' or 'beyond the limit'."""

    code = "AS309"
    name = "placeholder-value"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the values of each number that come often and lie outside of the others."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell a code from a value")
        found = []
        for column in view.schema.columns:
            if column.role is Role.FEATURE and column.kind is Kind.NUMERIC:
                placeholder = _placeholder(_numbers(view.raw_train, column))
                if placeholder is not None:
                    found.append(_finding(column, placeholder, view))
        return found


def _numbers(table: pa.Table, column: Column) -> Floats:
    numbers: Floats = table[column.name].cast(pa.float64(), safe=False).to_numpy()
    return numbers


def _placeholder(numbers: Floats) -> Placeholder | None:
    """The value at either end that is a code; None if there is none."""
    values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    if len(values) <= FEWEST_OTHERS:
        return None
    for at in (-1, 0):
        value, times = float(values[at]), int(counts[at])
        others, n_others = np.delete(values, at), np.delete(counts, at)
        if times < FEWEST_TIMES:
            continue
        low, high = float(others[0]), float(others[-1])
        why = _why_code(value, times, others, n_others)
        if why is not None:
            return Placeholder(value, times, f"{why}.", True, low, high)
        if _is_heap(value, times, others, n_others):
            why = "comes far oftener than any other: a limit of measurement, or a code?"
            return Placeholder(value, times, why, False, low, high)
    return None


def _why_code(value: float, times: int, others: Floats, n_others: Any) -> str | None:
    """Why a value at the end is a code, given the other values and how often all come."""
    low, high = float(others[0]), float(others[-1])
    middle = np.cumsum(n_others) / n_others.sum()
    first, upper, lower = (float(others[np.searchsorted(middle, q)]) for q in (0.01, 0.75, 0.25))
    spread = (upper - lower) or float(np.subtract(*np.quantile(others, [0.75, 0.25])))
    near = int(n_others[:NEAREST].max())
    is_no_tail = low - value >= spread or times >= OFTENER * near
    if value < 0 <= low and float(value).is_integer() and is_no_tail:
        return "is negative, and no other value is"
    if value == 0:
        if times > n_others.sum() or low <= 0 or min(first, 3 * low) < spread:
            return None
        return f"lies far below all others, of which the least is {low:g}"
    if value in _LIMITS and not low - spread <= value <= high + spread:
        return "is the limit of a type of whole numbers"
    if _is_nines(abs(value)) and max(value - high, low - value) >= _far(spread, others):
        next_one = high if value > high else low
        return f"is made of nines, and no other value lies near: the next is {next_one:g}"
    sizes = np.log(np.unique(np.abs(np.append(others[others != 0], value))))
    apart = standing_apart(sizes)
    if apart is not None and np.isclose(np.log(abs(value)), sizes[-1]) and apart.high == sizes[-1]:
        return f"lies beyond all others, {apart.factor:.3g} times as large as the next"
    return None


def _far(spread: float, others: Floats) -> float:
    """How far nines must be from the other values: ten steps of whole numbers, else a spread."""
    is_whole = not (others % 1).any()
    return min(spread, 10.0 * float(np.median(np.diff(others)))) if is_whole else spread


def _is_nines(value: float) -> bool:
    """Whether a number is written in nines only, two or more: 99, 999.9.

    >>> _is_nines(999.0), _is_nines(99.99), _is_nines(9.0), _is_nines(990.0)
    (True, True, False, False)
    """
    digits = f"{value:.10g}".replace(".", "")
    return len(digits) >= 2 and set(digits) == {"9"}


def _is_heap(value: float, times: int, others: Floats, n_others: Any) -> bool:
    """Whether a value at the end of a column of fractions comes far oftener than all others."""
    total = times + int(n_others.sum())
    is_fractional = bool((others % 1 != 0).any())
    most = int(n_others.max())
    return value != 0 and is_fractional and times >= LEAST_HEAP * total and times >= HEAP * most


def _finding(column: Column, placeholder: Placeholder, view: View) -> Finding:
    value = placeholder.value
    are_it = np.flatnonzero(_numbers(view.raw_train, column) == value)
    rows = {"train": tuple(view.train.rows[are_it].tolist())}
    if view.test is not None and view.raw_test is not None:
        tested = np.flatnonzero(_numbers(view.raw_test, column) == value)
        if len(tested):
            rows["test"] = tuple(view.test.rows[tested].tolist())
    question = f"Does {value:g} stand for something else? If so:\n" if placeholder.is_asked else ""
    return Finding(
        code=PlaceholderValue.code,
        severity=Severity.ASK if placeholder.is_asked else Severity.NOTE,
        title=f"{value:g} in {placeholder.times:,} rows of '{column.name}' {placeholder.why}",
        evidence={
            "value": value,
            "rows": placeholder.times,
            "least of the others": placeholder.low,
            "largest of the others": placeholder.high,
        },
        columns=(column.name,),
        rows=rows,
        mend=f"{question}frame['{column.name}'] = frame['{column.name}'].replace({value:g}, None)",
    )
