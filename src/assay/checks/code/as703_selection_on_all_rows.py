"""AS703 selection-on-all-rows: features that were chosen with the targets of the test in view.

Of all preparation outside the split this inflates the score most: with many features and few rows,
noise alone can be chosen so that it predicts the test. Correlations among features, without the
target, are let be.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.leaking import TABULAR, leak_findings
from assay.checks.code.values import Learnt
from assay.findings import Finding


class SelectionOnAllRows:
    """Finds SelectKBest, corrwith, importances and their like on rows of the test."""

    code = "AS703"
    name = "selection-on-all-rows"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at what chose the features."""
        return list(leak_findings(script, self.code, Learnt.SELECTION, _title, _mend))


def _title(leak: Leak) -> str:
    if leak.nested:
        return f"Features are chosen ({leak.learning.what}) before the folds are made."
    return f"Features are chosen ({leak.learning.what}) on all rows, those of the test too."


def _mend(leak: Leak) -> str:  # noqa: ARG001
    return (
        "choose inside a pipeline, so that each fit chooses on its own training rows:\n"
        "model = make_pipeline(SelectKBest(f_classif, k=20), LogisticRegression())\n"
        "model.fit(X_train, y_train)"
    )
