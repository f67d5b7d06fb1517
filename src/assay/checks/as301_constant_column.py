"""AS301 constant-column: a feature with one value, or with none, among the development rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.data.schema import Column, Kind, Role
from assay.findings import Finding, Severity


class ConstantColumn:
    """Finds features that cannot tell rows apart."""

    code = "AS301"
    name = "constant-column"
    reads_target = False

    def __call__(self, view: View, settings: Mapping[str, Any]) -> Sequence[Finding]:  # noqa: ARG002
        """Look at the number of distinct values of each feature."""
        features = [c for c in view.schema.columns if c.role is Role.FEATURE]
        empty = [_empty(c) for c in features if c.kind is Kind.EMPTY]
        return empty + [
            _constant(c, view)
            for c in features
            if c.kind is not Kind.EMPTY and c.n_distinct == 1 and c.missing == 0
        ]


def _empty(column: Column) -> Finding:
    return Finding(
        code=ConstantColumn.code,
        severity=Severity.WARN,
        title=f"'{column.name}' has no value in any development row and was left out.",
        evidence={"missing": 1.0},
        columns=(column.name,),
        mend=f"look at how the table was made, or data: {{roles: {{ignore: ['{column.name}']}}}}",
    )


def _constant(column: Column, view: View) -> Finding:
    value = view.raw_train[column.name][0].as_py()
    return Finding(
        code=ConstantColumn.code,
        severity=Severity.NOTE,
        title=f"'{column.name}' has the same value in every development row.",
        evidence={"value": value if isinstance(value, int | float) else str(value)[:80]},
        columns=(column.name,),
        mend=f"data: {{roles: {{ignore: ['{column.name}']}}}}",
    )
