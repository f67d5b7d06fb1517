"""AS306 high-cardinality: a category of which new rows will mostly have levels never seen.

The share of rows whose level occurs once is what to expect of new rows with a level that training
does not know (Good 1953, the estimate of Turing). From one half on, the category says nothing of
most rows to come: that is asked about. Below that, from a fifth on, it is worth a note.
Categories that are different in nearly every row are names of rows, which is AS302; numbers that
are kept as text are AS303.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.checks.as302_id_like_column import LEAST_DISTINCT
from assay.checks.as303_mixed_types import are_typed
from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 100
ASKED = 0.5
NOTED = 0.2


class HighCardinality:
    """Finds categories with so many levels that most rows to come have one of their own."""

    code = "AS306"
    name = "high-cardinality"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Count the rows of each category that are the only ones of their level."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell rare levels from a small sample")
        found = []
        for column in view.schema.columns:
            if column.role is Role.FEATURE and column.kind is Kind.CATEGORICAL:
                unseen = _unseen(column, view.raw_train[column.name])
                if unseen >= NOTED:
                    found.append(_finding(column, unseen, view))
        return found


def _unseen(column: Column, values: pa.ChunkedArray) -> float:
    """Share of new rows to expect with a level of their own; 0 where this is for AS302."""
    present = len(values) - values.null_count
    if present < FEWEST_ROWS or column.n_distinct >= LEAST_DISTINCT * present:
        return 0.0
    if column.n_distinct < NOTED * present or are_typed(values):
        return 0.0
    counts = values.drop_null().value_counts().field("counts")
    return int(pc.sum(pc.equal(counts, 1)).as_py()) / present


def _finding(column: Column, unseen: float, view: View) -> Finding:
    is_asked = unseen >= ASKED
    shown = {
        "levels": column.n_distinct,
        "rows": len(view.train),
        "rows with a level of their own": round(unseen, 4),
    }
    if view.raw_test is not None and len(view.raw_test):
        known = pc.unique(view.raw_train[column.name])
        new = pc.invert(pc.is_in(view.raw_test[column.name], value_set=known))
        shown["test rows with a new level"] = round(pc.mean(new.cast(pa.float64())).as_py(), 4)
    question = f"Does '{column.name}' tell anything of rows to come? If not:\n" if is_asked else ""
    return Finding(
        code=HighCardinality.code,
        severity=Severity.ASK if is_asked else Severity.NOTE,
        title=f"'{column.name}' has {column.n_distinct:,} levels in {len(view.train):,} rows: "
        f"{unseen:.0%} of new rows will have one that training never saw.",
        evidence=shown,
        columns=(column.name,),
        mend=f"{question}data: {{roles: {{ignore: ['{column.name}']}}}}\n"
        "or put the levels into fewer, larger ones before training",
    )
