"""AS209 fitted-on-all-rows: scaling, components or imputation that knew the test rows.

Fitted on training rows, a step leaves exact statistics on these; fitted on all, it leaves them on
all rows and not on these. Both are read off the tables, so that no code is needed to prove it. Of a
table that nobody has divided yet it is worth a note only: its preparation came before any division.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.checks.exact import Sides
from assay.checks.imputed import Filling, chance_together, filling_of_gaps, filling_of_numbers
from assay.checks.origin import original_rows
from assay.checks.scaled import Step, scaling_steps
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity

FIRM, ASKED = 1e-4, 1e-2
ASKED_OF_FILLING = 0.05
FEWEST_ROWS = 20
MOST_SHOWN = 6
SMALL = (
    "Known to be small: over 2,047 data sets, scaling with the test rows moved ROC-AUC by at most "
    "0.005 (arXiv 2604.04199)."
)
NO_TABLE = (
    "In use there is no test table to take statistics from: a shift of all rows is taken out here "
    "and will not be there."
)


class FittedOnAllRows:
    """Looks for statistics that are exact over training and test rows together."""

    code = "AS209"
    name = "fitted-on-all-rows"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """One finding for each step of preparation."""
        if view.test is None:
            return NotApplicable("there are no test rows")
        if min(len(view.train), len(view.test)) < FEWEST_ROWS:
            return NotApplicable(f"fewer than {FEWEST_ROWS} rows are too few to tell by")
        names = view.schema.named(Kind.NUMERIC)
        columns = {
            name: Sides(view.train.features[name].to_numpy(), view.test.features[name].to_numpy())
            for name in names
        }
        steps = [each for each in scaling_steps(columns, _ranges(view, names)) if _is_said(each)]
        fillings = _fillings(view, columns)
        return [
            *(_about_step(view, step) for step in _largest(steps)),
            *_about_fillings(view, fillings),
        ]


def _is_said(step: Step) -> bool:
    return step.chance <= ASKED


def _largest(steps: Sequence[Step]) -> list[Step]:
    """Steps that say something of columns that no likelier one has said."""
    kept: list[Step] = []
    for step in steps:
        told = {name for each in kept for name in each.columns}
        if not set(step.columns) <= told:
            kept.append(step)
    return kept


def _ranges(view: View, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """From where to where numbers went before preparation."""
    before = None if view.given is None else view.given.before
    ranges = {}
    for name in names:
        if before is None or name not in before.column_names:
            continue
        column = before[name]
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            known = column.drop_null().to_numpy()
            if len(known):
                ranges[name] = float(known.min()), float(known.max())
    return ranges


def _fillings(view: View, columns: Mapping[str, Sides]) -> dict[str, Filling]:
    """Columns whose gaps were filled from all rows.

    With the table before preparation only what was missing there counts: what it holds already
    was there before.
    """
    assert view.test is not None
    before = None if view.given is None else view.given.before
    if before is None:
        found = {name: filling_of_numbers(name, sides) for name, sides in columns.items()}
        return {name: each for name, each in found.items() if each is not None}
    gapped = [
        name
        for name in view.schema.named(Kind.NUMERIC, Kind.CATEGORICAL)
        if name in before.column_names and before[name].null_count
    ]
    rows = original_rows(view, before) if gapped else None
    if rows is None:
        return {}
    filled = {}
    for name in gapped:
        was_missing = np.append(before[name].is_null().to_numpy(), False)  # the last: unknown row
        gaps = was_missing[rows[0]], was_missing[rows[1]]
        found_here = filling_of_gaps(
            name, view.train.features[name], view.test.features[name], gaps
        )
        if found_here is not None:
            filled[name] = found_here
    return filled


def _severity(view: View, chance: float) -> Severity:
    if view.given is None or view.given.test is None:
        return Severity.NOTE
    return Severity.WARN if chance <= FIRM else Severity.ASK


def _named(columns: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in columns[:MOST_SHOWN])
    return shown + (f" and {len(columns) - MOST_SHOWN} more" if len(columns) > MOST_SHOWN else "")


def _about_step(view: View, step: Step) -> Finding:
    one = len(step.columns) == 1
    by = "test rows by themselves" if step.apart else "training and test rows together"
    evidence: dict[str, Any] = {
        "exact over": by,
        "probability of that by chance": float(f"{step.chance:.2g}"),
    }
    if not step.apart:
        evidence["farthest off over training rows, in standard deviations"] = round(step.off, 5)
    return Finding(
        code=FittedOnAllRows.code,
        severity=_severity(view, step.chance),
        title=f"{_named(step.columns)} {'was' if one else 'were'} {step.way} with the statistics "
        f"of {by}.",
        evidence=evidence,
        columns=step.columns,
        effect=NO_TABLE if step.apart else SMALL,
        mend="divide first, then fit on training rows only:\n"
        "step.fit(train[columns])\n"
        "train[columns], test[columns] = step.transform(train[columns]), "
        "step.transform(test[columns])",
    )


def _about_fillings(view: View, fillings: Mapping[str, Filling]) -> list[Finding]:
    if not fillings:
        return []
    chance = chance_together(fillings)
    if chance > ASKED_OF_FILLING:
        return []
    names = tuple(fillings)
    first = fillings[names[0]]
    one = len(names) == 1
    return [
        Finding(
            code=FittedOnAllRows.code,
            severity=_severity(view, chance),
            title=f"Gaps of {_named(names)} {'were' if one else 'were each'} filled with the "
            f"{first.what} of training and test rows together.",
            evidence={
                "filled with": {name: each.value for name, each in fillings.items()},
                "training rows alone give": {
                    name: each.of_train for name, each in fillings.items()
                },
                "probability of that by chance": float(f"{chance:.2g}"),
            },
            columns=names,
            effect="Small, as of scaling: one number for each column knows the test rows.",
            mend="divide first, then fill from training rows only:\n"
            "from sklearn.impute import SimpleImputer\n"
            "imputer = SimpleImputer().fit(train[columns])\n"
            "train[columns], test[columns] = imputer.transform(train[columns]), "
            "imputer.transform(test[columns])",
        )
    ]
