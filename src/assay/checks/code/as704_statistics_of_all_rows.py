"""AS704 statistics-of-all-rows: gaps filled, or columns scaled, by hand with what all rows say.

The same mistake as AS701, in pandas or NumPy: `df.fillna(df.mean())`,
`(df - df.mean()) / df.std()`. A statistic that only looks (a plot, a filter of outliers) is let be,
and so is one of a row (`axis=1`), of a window, or of the targets.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.faults import Leak
from assay.checks.code.leaking import TABULAR, leak_findings
from assay.checks.code.values import Learnt
from assay.findings import Finding


class StatisticsOfAllRows:
    """Finds means, medians, deviations of all rows that went into the parts."""

    code = "AS704"
    name = "statistics-of-all-rows"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at which rows a statistic was taken of."""
        return list(leak_findings(script, self.code, Learnt.STATISTIC, _title, _mend))


def _title(leak: Leak) -> str:
    if leak.own:
        return f"Held-out rows are prepared with their own {leak.learning.what}."
    return f"Rows are prepared with the {leak.learning.what} of all rows, those of the test too."


def _mend(leak: Leak) -> str:
    name = leak.learning.what
    return (
        "take the statistic of the training rows, after the division, and use it for both parts:\n"
        f"known = X_train.{name}()\n"
        "X_train, X_test = X_train.fillna(known), X_test.fillna(known)"
    )
