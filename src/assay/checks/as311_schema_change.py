"""AS311 schema-change: a column of test or serving rows is not what it was in training.

Missing, renamed, stored as another type, without any value, spelt or coded otherwise, in another
unit: a model is fed something else under the same name, or nothing, and mostly without an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.change import Change
from assay.checks.changes import changes
from assay.checks.later import Later, later_parts
from assay.findings import Finding, NotApplicable, Severity


class SchemaChange:
    """Compares names, types, levels and units of each feature with those of training."""

    code = "AS311"
    name = "schema-change"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """One finding for each column that has changed."""
        parts = [part for part in later_parts(view) if part.stored is not None]
        if not parts:
            return NotApplicable("no test or serving table was handed over")
        return [_finding(change, part) for part in parts for change in changes(view, part)]


def _finding(change: Change, later: Later) -> Finding:
    return Finding(
        code=SchemaChange.code,
        severity=Severity.WARN if change.is_certain else Severity.ASK,
        title=change.title,
        evidence=dict(change.evidence),
        columns=(change.column,),
        rows={} if change.rows is None else later.at_fault(change.rows),
        mend=change.mend,
    )
