"""AS705 target-encoding-on-all-rows: a category as the mean target of all its rows.

Each row then carries some of its own answer; with few rows per category, most of it. A group
statistic counts only if the module says that its column is the target.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.leaking import TABULAR, leak_findings
from assay.checks.code.values import Learnt
from assay.findings import Finding


class TargetEncodingOnAllRows:
    """Finds encoders that saw the targets of the test."""

    code = "AS705"
    name = "target-encoding-on-all-rows"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at which targets an encoding was taken of."""
        return list(leak_findings(script, self.code, Learnt.ENCODING, _title, _mend))


def _title(leak: Leak) -> str:
    return f"Categories are encoded by targets of the test too ({leak.learning.what})."


def _mend(leak: Leak) -> str:  # noqa: ARG001
    return (
        "divide first; scikit-learn's TargetEncoder fits on training rows, with folds inside:\n"
        "from sklearn.preprocessing import TargetEncoder\n"
        "model = make_pipeline(make_column_transformer((TargetEncoder(), ['city']),\n"
        "                      remainder='passthrough'), HistGradientBoostingClassifier())\n"
        "model.fit(X_train, y_train)"
    )
