"""AS201 duplicates-across-parts: rows of the test that the model has met in training.

Equal rows are natural where columns have few values. So exact twins are compared with near ones,
rows that agree in all features but one: chance makes many of those for each exact twin, copying
makes none (docs/checks/AS201.md). Copies are a mistake, natural twins are worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.checks.base import View
from assay.data.fingerprint import Hashes, row_hashes
from assay.data.schema import Kind, Role
from assay.findings import Finding, NotApplicable, Severity

TIMES_NATURAL = 3.0
LEAST_SHARE = 0.01
MOST_LISTED = 1000


@dataclass(frozen=True)
class Twins:
    """Rows with the same features on both sides.

    Attributes:
        test: Which test rows have a twin in training, shape (test rows,).
        train: Which training rows have a twin in the test, shape (training rows,).
        pairs: Pairs of equal rows in the whole table.
        expected: Pairs that chance alone would make.
    """

    test: NDArray[np.bool_]
    train: NDArray[np.bool_]
    pairs: int
    expected: float

    @property
    def share(self) -> float:
        """Share of the test rows that have a twin in training."""
        return float(self.test.mean())

    @property
    def are_copies(self) -> bool:
        """Whether there are far more of them than chance makes."""
        return self.pairs > TIMES_NATURAL * self.expected

    @property
    def severity(self) -> Severity:
        """A warning for copies that can move a score: those beyond chance, of all test rows."""
        beyond = self.share * (1 - self.expected / self.pairs)
        return Severity.WARN if self.are_copies and beyond >= LEAST_SHARE else Severity.NOTE


class DuplicatesAcrossParts:
    """Finds copies of training rows among the test rows, by their features alone."""

    code = "AS201"
    name = "duplicates-across-parts"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the features of test rows with those of training rows."""
        if view.test is None or view.raw_test is None:
            return NotApplicable("there are no test rows to compare with")
        if len(view.schema.named(Kind.TEXT)) == len(view.schema.features):
            return NotApplicable("rows are running text, which AS205 compares")
        # Rows of other times are not copies of each other.
        told_by = (Role.FEATURE, Role.TIME)
        names = [c.name for c in view.schema.columns if c.role in told_by]
        by_column = [
            np.concatenate([row_hashes(part.select([name])) for part in _parts(view)])
            for name in names
        ]
        rows: Hashes = np.asarray(np.sum(by_column, axis=0, dtype=np.uint64))
        n_train = len(view.train)
        in_train, in_test = rows[:n_train], rows[n_train:]
        copied = np.isin(in_test, in_train)
        expected = natural_pairs(by_column, rows)
        if not copied.any():
            return []
        found = Twins(copied, np.isin(in_train, in_test[copied]), n_pairs(rows), expected)
        if not found.are_copies and found.share < LEAST_SHARE:
            return []
        return [_finding(view, found)]


def n_pairs(rows: Hashes) -> int:
    """Pairs of equal rows."""
    counts = np.unique(rows, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def natural_pairs(by_column: Iterable[Hashes], rows: Hashes) -> float:
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


def _finding(view: View, found: Twins) -> Finding:
    assert view.test is not None
    n = int(found.test.sum())
    twins = f"{n:,} test {'row has' if n == 1 else 'rows have'} the same features as a training row"
    if found.are_copies:
        title = f"{twins}."
        effect = f"A model that remembers rows scores too high on {found.share:.2%} of the test."
    else:
        title = f"{twins}, about as many as chance makes in columns of so few values."
        effect = (
            f"{found.share:.2%} of the test says how well rows are remembered; if they are the "
            "same things recorded twice, that is too high."
        )
    return Finding(
        code=DuplicatesAcrossParts.code,
        severity=found.severity,
        title=title,
        evidence={
            "test rows with a twin in training": n,
            "share of test rows": round(found.share, 5),
            "pairs of equal rows": found.pairs,
            "pairs expected by chance": round(found.expected, 2),
        },
        rows={
            "train": tuple(int(row) for row in view.train.rows[found.train][:MOST_LISTED]),
            "test": tuple(int(row) for row in view.test.rows[found.test][:MOST_LISTED]),
        },
        effect=effect,
        mend="keep equal rows on one side:\n"
        "data: {split: {duplicates: together}}\n"
        "or drop the copies before training: frame.drop_duplicates()\n"
        "If the rows are different things that look the same:\n"
        f"checks: {{accept: {{{DuplicatesAcrossParts.code}: 'different things'}}}}",
    )
