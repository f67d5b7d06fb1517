"""AS613 single-metric: a record that knows its runs by one number only.

One metric hides what it does not measure: accuracy the rare class, ROC-AUC the probabilities. A
note, as others may be recorded elsewhere. Assay itself always measures all metrics of a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.history import history_of
from assay.findings import Finding, NotApplicable, Severity

FEWEST_RUNS = 2


class SingleMetric:
    """Counts the metrics of the record."""

    code = "AS613"
    name = "single-metric"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Count the metrics that any run has."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        if len(history.runs) < FEWEST_RUNS:
            return NotApplicable("the record has fewer than two runs")
        every = frozenset[str]().union(*(each.metrics for each in history.runs))
        if len(every) != 1:
            return []
        return [
            Finding(
                code=self.code,
                severity=Severity.NOTE,
                title=f"The runs are known by {history.metric or next(iter(every))} only.",
                evidence={"runs": len(history.runs), "metrics": sorted(every)},
                mend="record others beside it: for a classification log loss and the recall of "
                "each class, for a regression the mean absolute error and R²",
            )
        ]
