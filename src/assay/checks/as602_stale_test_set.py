"""AS602 stale-test-set: the same test rows have been looked at again and again.

The best of many looks better than it is, and whoever saw the test scores has learnt from them. How
much wider intervals must be after so many looks is what `evaluate --on test` widens them by; an
alarm begins where an interval that is not widened errs more than twice as often as it says
(`looks.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.history import history_of
from assay.checks.looks import LEVEL, MANY, Looks, looks_of
from assay.findings import Finding, NotApplicable, Severity


class StaleTestSet:
    """Counts the settings that were measured on the same test rows."""

    code = "AS602"
    name = "stale-test-set"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Count looks; seeds of one setting are one."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        use = looks_of(history)
        return [_finding(use)] if use.looks > 1 else []


def _finding(use: Looks) -> Finding:
    evidence: dict[str, Any] = {"looks": use.looks}
    if use.settings:
        evidence["settings"] = use.settings
    if use.digest:
        evidence["digest of the rows"] = use.digest
    elif use.settings:
        evidence["digest of the rows"] = "not recorded; the runs name one test"
    if use.days:
        evidence["days from the first to the last"] = round(use.days, 1)
    evidence[f"chance that an interval of {LEVEL:.0%} lies above the truth"] = round(use.errs, 3)
    return Finding(
        code=StaleTestSet.code,
        severity=Severity.WARN if use.looks >= MANY else Severity.NOTE,
        title=f"The same test rows have been looked at {use.looks:,} times.",
        evidence=evidence,
        effect=f"an interval of {LEVEL:.0%} must be read at {100 * use.level:.5g} %: "
        f"{use.wider:.2f} times as wide",
        mend="compare runs on validation rows or folds, seal fresh test rows, and look at them "
        "once: evaluate --on test keeps count",
    )
