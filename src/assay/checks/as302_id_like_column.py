"""AS302 id-like-column: a feature that names the row instead of describing it.

A model can learn such a column by heart, and it says nothing of rows to come. Honest numbers may
also be nearly all different (incomes, measurements), so whole numbers count only if they are
evenly spaced or their name says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 50
LEAST_DISTINCT = 0.98
FILLED = 0.5
_NAMED = re.compile(r"(^|[^a-z])(u?u?id|key|index|uuid|guid|number|nr|no|code)s?($|[^a-z])")


class IdLikeColumn:
    """Finds features whose values are all different and carry no meaning of their own."""

    code = "AS302"
    name = "id-like-column"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at how many values of each feature are distinct, and at how they lie."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell ids from values")
        findings = []
        for column in view.schema.columns:
            if column.role is Role.FEATURE:
                why = _why(column, view.raw_train[column.name], n)
                if why is not None:
                    findings.append(_finding(column, n, why))
        return findings


def _why(column: Column, values: pa.ChunkedArray, n: int) -> str | None:
    """Why the column looks like an id; None if it does not."""
    present = n - values.null_count
    if present < FEWEST_ROWS or column.n_distinct < LEAST_DISTINCT * present:
        return None
    if column.kind is Kind.CATEGORICAL:
        return "text that is different in nearly every row"
    if column.kind is not Kind.NUMERIC or not pa.types.is_integer(values.type):
        return None
    numbers = np.unique(values.drop_null().to_numpy())
    span = int(numbers[-1]) - int(numbers[0]) + 1
    if len(numbers) >= FILLED * span:
        return f"whole numbers that fill {len(numbers) / span:.0%} of their range"
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", column.name).lower()
    if _NAMED.search(words):
        return "whole numbers whose name says that they are one"
    return None


def _finding(column: Column, n: int, why: str) -> Finding:
    return Finding(
        code=IdLikeColumn.code,
        severity=Severity.ASK,
        title=f"'{column.name}' looks like the name of a row: {why}.",
        evidence={"distinct values": column.n_distinct, "rows": n},
        columns=(column.name,),
        mend=f"Does '{column.name}' name the row? If so:\n"
        f"data: {{roles: {{id: '{column.name}'}}}}\n"
        "If it describes it:\n"
        f"checks: {{accept: {{{IdLikeColumn.code}: 'it describes the row'}}}}",
    )
