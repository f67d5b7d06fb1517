"""AS701 fit-outside-split: a transformer, or a model, that was fitted on rows that are held out.

Firm, because it is followed through the code: what was fitted, on which rows, and which of them
ended in the test. Encoders that only list categories are let be: they learn no number of any row.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.leaking import TABULAR, leak_findings
from assay.checks.code.values import Learnt
from assay.findings import Finding


class FitOutsideSplit:
    """Finds fit and fit_transform before or outside the division, or on the test."""

    code = "AS701"
    name = "fit-outside-split"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at what was fitted on which rows."""
        return list(leak_findings(script, self.code, Learnt.PREPARATION, _title, _mend))


def _title(leak: Leak) -> str:
    if leak.own:
        return f"{leak.learning.what} is fitted on held-out rows."
    return f"{leak.learning.what} is fitted on all rows, those of the test too."


def _mend(leak: Leak) -> str:
    if leak.own:
        return "fit on the training rows only: X_test = scaler.transform(X_test)"
    return (
        "divide first, then fit on the training rows only, in a pipeline:\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
        f"model = make_pipeline({_step(leak.learning.what)}, LogisticRegression())\n"
        "model.fit(X_train, y_train)"
    )


def _step(what: str) -> str:
    return f"{what}()" if what.isidentifier() and what[:1].isupper() else "StandardScaler()"
