"""AS702 sampling-before-split: rows that were copied or made up from others before the division.

A copy of a training row in the test is a question the model has been told the answer to. Synthetic
rows lie between real ones of both parts. Samplers that only leave rows out do not copy; they make
the test unlike what is to come, and are asked about.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.leaking import TABULAR, leak_findings
from assay.checks.code.values import Learnt
from assay.findings import Finding


class SamplingBeforeSplit:
    """Finds SMOTE, resample and copied rows before the division."""

    code = "AS702"
    name = "sampling-before-split"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at rows that were drawn before they were divided."""
        return list(leak_findings(script, self.code, Learnt.SAMPLING, _title, _mend))


def _title(leak: Leak) -> str:
    where = "inside the training rows" if leak.nested else "into training and test"
    return f"Rows are resampled ({leak.learning.what}) before they are divided {where}."


def _mend(leak: Leak) -> str:
    if leak.nested:
        return (
            "resample inside each fold: imblearn.pipeline.make_pipeline(SMOTE(), model), and give "
            "cross-validation the rows as they were"
        )
    return (
        "divide first, then resample the training rows only:\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)\n"
        "X_train, y_train = SMOTE(random_state=0).fit_resample(X_train, y_train)"
    )
