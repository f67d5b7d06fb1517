"""AS607 miscalibrated: probabilities that are not how often things happen.

The test is that of evaluation (`evaluation/miscalibration.py`): the binned error less chance's
share, against what calibrated probabilities would show. A model that was fitted to data is honest
and yet only nearly calibrated, and enough rows prove any trifle. So the error has to be material
too: boosting that was stopped early is off by up to five points in the root mean square, honestly;
firm is what lies above that with 95 % confidence, and a question what lies above four.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.evidence import answers_of
from assay.estimates import chance
from assay.evaluation.miscalibration import miscalibration
from assay.findings import Finding, NotApplicable, Severity

LEVEL = 0.95
CHANCE = 0.001
MATERIAL, MATERIAL_FIRM = 0.04, 0.05


class Miscalibrated:
    """Tests whether probabilities match frequencies."""

    code = "AS607"
    name = "miscalibrated"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Test the probabilities of the one model."""
        answers = answers_of(view)
        if isinstance(answers, NotApplicable):
            return answers
        outcome = answers.model
        if outcome is None or outcome.probabilities is None:
            return NotApplicable("no probabilities were handed over")
        found = miscalibration(outcome, LEVEL)
        if found.p is None or found.error.low is None:
            return NotApplicable(found.error.reason or found.verdict)
        low = found.error.low
        if found.p >= CHANCE or not low > 0:  # NaN where probabilities are all but certain
            return []
        is_material = low >= MATERIAL
        severity = Severity.WARN if low >= MATERIAL_FIRM else Severity.ASK
        return [
            Finding(
                code=self.code,
                severity=severity if is_material else Severity.NOTE,
                title=f"The probabilities are {'' if is_material else 'a little '}miscalibrated: "
                f"{found.verdict}.",
                evidence={
                    "calibration error": str(found.error),
                    "test of calibration": chance(found.p),
                    "rows": len(outcome),
                },
                effect=f"it costs {found.reliability:.4f} of a Brier score of "
                f"{found.uncertainty + found.reliability - found.resolution:.4f}",
                mend="evaluation: {calibration: auto}, which fits on rows that the model has not "
                "learnt from; or use the answers as a ranking only",
            )
        ]
