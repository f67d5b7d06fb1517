"""AS307 imbalance: classes so uneven that an accuracy says little.

Who always answers with the commonest class is right as often as that class is common. That is no
mistake of the data, so it is a note; to claim an accuracy on it may be one (AS606).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.findings import Finding, NotApplicable, Severity

UNEVEN = 0.9


class Imbalance:
    """Notes a class that makes nearly all rows."""

    code = "AS307"
    name = "imbalance"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Count the rows of each class."""
        schema = view.schema
        if not schema.task.is_classification:
            return NotApplicable("a number has no classes")
        counts = np.bincount(schema.codes(view.train.known_target), minlength=len(schema.classes))
        share = float(counts.max() / counts.sum())
        if share < UNEVEN:
            return []
        common = schema.classes[int(counts.argmax())]
        return [
            Finding(
                code=self.code,
                severity=Severity.NOTE,
                title=f"{share:.1%} of the rows have one value of {view.predicted}: an accuracy "
                f"of {share:.3f} means that nothing was learnt.",
                evidence={
                    "commonest class": str(common),
                    "its share": round(share, 4),
                    "rows of the rarest": int(counts.min()),
                },
                mend="judge by what is said of the rare class:\nevaluation: {primary: pr_auc}"
                if len(schema.classes) == 2
                else "judge each class alike:\nevaluation: {primary: balanced_accuracy}",
            )
        ]
