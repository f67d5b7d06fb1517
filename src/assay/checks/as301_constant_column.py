"""AS301 constant-column: a feature with one value among the development rows, or all but one.

A column that never changes cannot tell rows apart, and of a handful of rows that differ nothing
can be learnt that would hold: both are said firmly. More rows, but no more than one in a thousand,
could matter where what is looked for is as rare, so there it asks. A gap counts as a value: a flag
that is set or missing is not constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, Severity

FEWEST_ROWS = 100
FEW = 2
"""Rows that differ, of any table: no test of anything comes out with so few."""
STILL_FEW = 5
RARE = 0.001
ROUNDING = 1e-12
"""Numbers that differ by less than this share of their size were meant to be the same."""
MOST_NAMED = 8


@dataclass(frozen=True)
class Usual:
    """The commonest value of a column.

    Attributes:
        column: Its name.
        value: The value, None if it is missing.
        other_rows: Positions of the rows that have another one.
    """

    column: str
    value: Any
    other_rows: tuple[int, ...]


class ConstantColumn:
    """Finds features that cannot tell rows apart."""

    code = "AS301"
    name = "constant-column"
    reads_target = False

    def __call__(self, view: View, settings: Mapping[str, Any]) -> Sequence[Finding]:  # noqa: ARG002
        """Count the rows that do not have the commonest value of each feature."""
        features = [c for c in view.schema.columns if c.role is Role.FEATURE]
        empty = [c.name for c in features if c.kind is Kind.EMPTY]
        looked = [_usual(c, view) for c in features if c.kind is not Kind.EMPTY]
        usual = [each for each in looked if each is not None]
        constant = [each for each in usual if not each.other_rows]
        nearly = [each for each in usual if each.other_rows]
        return [
            *([_empty(empty)] if empty else []),
            *([_constant(constant)] if constant else []),
            *(_nearly_constant(each, view) for each in nearly),
        ]


def _usual(column: Column, view: View) -> Usual | None:
    """The commonest value, where hardly any row has another; None elsewhere."""
    values = view.raw_train[column.name].combine_chunks()
    n = len(values)
    most = 0 if n < FEWEST_ROWS else max(FEW, int(RARE * n))
    if column.n_distinct + bool(column.missing) > most + 1 and not _is_rounded(values):
        return None
    if pa.types.is_nested(values.type):
        return None
    if _is_rounded(values):
        return Usual(column.name, pc.min(values).as_py(), ())
    counted = values.value_counts()
    counts = counted.field("counts").to_numpy()
    if n - counts.max() > most:
        return None
    value = counted.field("values")[int(counts.argmax())]
    is_usual = values.is_null() if not value.is_valid else pc.equal(values, value)
    other = ~pc.fill_null(is_usual, False).to_numpy(zero_copy_only=False)
    return Usual(column.name, value.as_py(), tuple(np.flatnonzero(other).tolist()))


def _is_rounded(values: pa.Array) -> bool:
    """Whether these are numbers without a gap that differ by errors of rounding only."""
    if not pa.types.is_floating(values.type) or values.null_count:
        return False
    ends = pc.min_max(values).as_py()
    spread = ends["max"] - ends["min"]
    return bool(0 < spread <= ROUNDING * max(abs(ends["max"]), abs(ends["min"])))


def _named(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names[:MOST_NAMED]]
    left = len(names) - len(quoted)
    return ", ".join(quoted) + (f" and {left} more" if left else "")


def _ignoring(names: Sequence[str]) -> str:
    return f"data: {{roles: {{ignore: [{', '.join(map(repr, names))}]}}}}"


def _empty(names: Sequence[str]) -> Finding:
    have, were = ("has", "was") if len(names) == 1 else ("have", "were")
    return Finding(
        code=ConstantColumn.code,
        severity=Severity.WARN,
        title=f"{_named(names)} {have} no value in any development row and {were} left out.",
        evidence={"missing": 1.0},
        columns=tuple(names),
        mend=f"look at how the table was made, or {_ignoring(names)}",
    )


def _constant(constant: Sequence[Usual]) -> Finding:
    names = [each.column for each in constant]
    have, their = ("has", "the same value") if len(names) == 1 else ("have", "one value each")
    return Finding(
        code=ConstantColumn.code,
        severity=Severity.WARN,
        title=f"{_named(names)} {have} {their} in every development row.",
        evidence={each.column: _shown(each.value) for each in constant[:MOST_NAMED]},
        columns=tuple(names),
        mend=_ignoring(names),
    )


def _nearly_constant(usual: Usual, view: View) -> Finding:
    n, others = len(view.train), len(usual.other_rows)
    is_firm = others <= STILL_FEW
    says = "has no value" if usual.value is None else f"is {_shown(usual.value)!r}"
    most = "one" if others == 1 else f"{others}"
    why = "too few to learn from" if is_firm else "hardly enough to learn from"
    question = "" if is_firm else f"Are these {others} rows what matters? If not:\n"
    return Finding(
        code=ConstantColumn.code,
        severity=Severity.WARN if is_firm else Severity.ASK,
        title=f"'{usual.column}' {says} in all but {most} of {n:,} development rows: {why}.",
        evidence={
            "commonest value": None if usual.value is None else _shown(usual.value),
            "rows with another": others,
            "rows": n,
        },
        columns=(usual.column,),
        rows={"train": tuple(view.train.rows[list(usual.other_rows)].tolist())},
        mend=question + _ignoring([usual.column]),
    )


def _shown(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)[:80]
