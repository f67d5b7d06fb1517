"""AS201 duplicates-across-parts: rows of the test that the model has met in training.

Equal rows are natural where columns have few values. So exact twins are compared with near ones,
rows that agree in all features but one: chance makes many of those for each exact twin, copying
makes none (docs/checks/AS201.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.data.fingerprint import Hashes, row_hashes
from assay.data.schema import Role
from assay.findings import Finding, NotApplicable, Severity

TIMES_NATURAL = 3.0
MOST_LISTED = 1000


class DuplicatesAcrossParts:
    """Finds copies of training rows among the test rows, by their features alone."""

    code = "AS201"
    name = "duplicates-across-parts"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the features of test rows with those of training rows."""
        if view.test is None or view.raw_test is None:
            return NotApplicable("there are no test rows to compare with")
        names = [c.name for c in view.schema.columns if c.role is Role.FEATURE]
        by_column = [
            np.concatenate([row_hashes(part.select([name])) for part in _parts(view)])
            for name in names
        ]
        rows: Hashes = np.asarray(np.sum(by_column, axis=0, dtype=np.uint64))
        n_train = len(view.train)
        in_train, in_test = rows[:n_train], rows[n_train:]
        copied = np.isin(in_test, in_train)
        if not copied.any() or n_pairs(rows) <= TIMES_NATURAL * natural_pairs(by_column, rows):
            return []
        originals = np.isin(in_train, in_test[copied])
        return [_finding(view, copied, originals, by_column, rows)]


def n_pairs(rows: Hashes) -> int:
    """Pairs of equal rows."""
    counts = np.unique(rows, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def natural_pairs(by_column: Sequence[Hashes], rows: Hashes) -> float:
    """Pairs of equal rows that chance alone would make, judged by pairs that differ in one column.

    Of pairs that agree in all columns but one, a share c agrees in that one too by chance, where c
    is the chance that two values of the column are equal. So d pairs that differ there let expect
    d c / (1 - c) that do not. The column that explains most counts.
    """
    exact = n_pairs(rows)
    n = len(rows)
    expected = [0.0]
    for column in by_column:
        counts = np.unique(column, return_counts=True)[1].astype(np.float64)
        agree = float((counts * (counts - 1)).sum() / max(1, n * (n - 1)))
        if agree < 1:
            differing = n_pairs(rows - column) - exact
            expected.append(differing * agree / (1 - agree))
    return max(expected)


def _parts(view: View) -> tuple[pa.Table, pa.Table]:
    assert view.raw_test is not None
    return view.raw_train, view.raw_test


def _finding(
    view: View, copied: Any, originals: Any, by_column: Sequence[Hashes], rows: Hashes
) -> Finding:
    assert view.test is not None
    n, share = int(copied.sum()), float(copied.mean())
    listed = {
        "train": tuple(int(row) for row in view.train.rows[originals][:MOST_LISTED]),
        "test": tuple(int(row) for row in view.test.rows[copied][:MOST_LISTED]),
    }
    return Finding(
        code=DuplicatesAcrossParts.code,
        severity=Severity.WARN,
        title=f"{n:,} test {'row has' if n == 1 else 'rows have'} the same features as a "
        "training row.",
        evidence={
            "test rows with a twin in training": n,
            "share of test rows": round(share, 5),
            "pairs of equal rows": n_pairs(rows),
            "pairs expected by chance": round(natural_pairs(by_column, rows), 2),
        },
        rows=listed,
        effect=f"A model that remembers rows scores too high on {share:.2%} of the test.",
        mend="drop the copies before training: frame.drop_duplicates()\n"
        "If the rows are different things that look the same:\n"
        f"checks: {{accept: {{{DuplicatesAcrossParts.code}: 'different things'}}}}",
    )
