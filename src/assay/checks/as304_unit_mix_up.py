"""AS304 unit-mix-up: values in another unit than the rest of their column, or far beyond it.

Rows that are a known factor away from the others, and lie and spread as the others do, are in
another unit: said firmly where an empty stretch parts them (`two_clusters`), asked where both
overlap (`two_units`). Values beyond a gap that no honest tail makes (`standing_apart`) are asked
about as well: a slip of the decimal point, a broken instrument, or the one thing that the column is
about. Long tails of any kind are honest and let be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.checks.as302_id_like_column import is_named_so
from assay.checks.base import View
from assay.checks.standing_apart import standing_apart
from assay.checks.two_clusters import two_clusters
from assay.checks.two_units import two_units
from assay.checks.unit_factors import said
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 100
MOST_FAR = 0.05
SHOWN = 5


@dataclass(frozen=True)
class Far:
    """What of a column is away from the rest.

    Attributes:
        train: Whether each training value is, shape (n,).
        test: Likewise of the test rows, shape (m,).
        title: In one sentence.
        evidence: Numbers that show it.
        is_firm: Whether the data proves it.
        mend: What puts them right, ready to paste.
    """

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    title: str
    evidence: Mapping[str, Any]
    is_firm: bool
    mend: str


class UnitMixUp:
    """Finds values of a column that are in another unit, or far beyond all others."""

    code = "AS304"
    name = "unit-mix-up"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the sizes of the values of each number."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to know the tail of a column")
        found = []
        for column in view.schema.columns:
            is_number = column.role is Role.FEATURE and column.kind is Kind.NUMERIC
            if is_number and not is_named_so(column.name):  # a key has no size
                train, test = _numbers(view.raw_train, column), _numbers(view.raw_test, column)
                ways = (_parted, _overlapping, _beyond)
                far = next(filter(None, (way(column, train, test) for way in ways)), None)
                if far is not None:
                    found.append(_finding(column, far, view))
        return found


def _numbers(table: pa.Table | None, column: Column) -> Floats:
    """The values of a column, NaN where one is missing or infinite, shape (n,)."""
    if table is None:
        return np.zeros(0)
    numbers = table[column.name].cast(pa.float64(), safe=False).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _parted(column: Column, train: Floats, test: Floats) -> Far | None:
    """Values in another unit, with an empty stretch between them and the others."""
    found = two_clusters(train[train > 0]) if not (train < 0).any() else None
    if found is None:
        return None
    shown = {"empty stretch, in spreads": round(found.spreads, 2)}
    away = found.are_away(train)
    return _in_other_unit(column, train, away, found.are_away(test), found.factor, shown, True)


def _overlapping(column: Column, train: Floats, test: Floats) -> Far | None:
    """Values that are more likely in another unit, where both units meet."""
    known = train[~np.isnan(train)]
    found = two_units(known) if len(known) else None
    if found is None:
        return None
    shown = {"gain in log likelihood": round(found.gain / 2, 1), "fit": round(found.fit, 3)}
    away = found.are_away(train)
    return _in_other_unit(column, train, away, found.are_away(test), found.factor, shown, False)


def _in_other_unit(
    column: Column,
    train: Floats,
    away: NDArray[np.bool_],
    tested: NDArray[np.bool_],
    factor: float,
    shown: Mapping[str, float],
    is_firm: bool,
) -> Far:
    others = train[~away & ~np.isnan(train)]
    return Far(
        away,
        tested,
        f"{int(away.sum()):,} values of '{column.name}' are about {said(factor)} what the others "
        "are.",
        {
            "factor": round(factor, 6),
            "share": round(float(away.sum()) / (len(others) + float(away.sum())), 4),
            "median of the others": float(np.median(others)),
            "median of these": float(np.median(train[away])),
            **shown,
        },
        is_firm,
        f"frame.loc[ROWS, '{column.name}'] /= {factor:g}",
    )


def _beyond(column: Column, train: Floats, test: Floats) -> Far | None:
    """Values beyond a gap, above all others or, of positive numbers, below them."""
    known = train[~np.isnan(train) & (train != 0)]
    sizes = np.log(np.unique(np.abs(known)))
    for side in (1, -1):
        if side < 0 and (known < 0).any():
            continue
        apart = standing_apart(sizes if side > 0 else -sizes[::-1])
        if apart is None:
            continue
        with np.errstate(divide="ignore"):
            far, tested = (
                (side * np.log(np.abs(each)) > apart.cut) & (each != 0) for each in (train, test)
            )
        is_one_value = far.sum() > 2 and len(np.unique(train[far])) == 1  # for AS309
        if far.sum() > MOST_FAR * len(known) or is_one_value:
            continue
        several = f"{int(far.sum()):,} values of '{column.name}' are"
        is_one = far.sum() == 1
        return Far(
            far,
            tested,
            f"{f'One value of {column.name!r} is' if is_one else several} at least "
            f"{apart.factor:.3g} times as {'large' if side > 0 else 'small'} as any other.",
            {
                "values": [float(each) for each in train[far][:SHOWN]],
                "median of the others": float(np.median(train[~far & ~np.isnan(train)])),
                "gap, as a factor": round(apart.factor, 4),
                "log10 of its chance": round(apart.log_chance / float(np.log(10)), 1),
            },
            False,
            f"frame.loc[ROWS, '{column.name}'] = float('nan')",
        )
    return None


def _finding(column: Column, far: Far, view: View) -> Finding:
    rows = {"train": tuple(view.train.rows[far.train].tolist())}
    if view.test is not None and far.test.any():
        rows["test"] = tuple(view.test.rows[far.test].tolist())
    question = "" if far.is_firm else f"Are these values of '{column.name}' right? If not:\n"
    return Finding(
        code=UnitMixUp.code,
        severity=Severity.WARN if far.is_firm else Severity.ASK,
        title=far.title,
        evidence=far.evidence,
        columns=(column.name,),
        rows=rows,
        mend=question + far.mend,
    )
