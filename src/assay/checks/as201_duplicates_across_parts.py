"""AS201 duplicates-across-parts: rows of the test that the model has met in training.

Equal rows are natural where columns have few values. So exact twins are compared with near ones,
rows that agree in all features but one: chance makes many of those for each exact twin, copying
makes none. And of rows that are there twice, those with one on each side are counted: a division at
random puts a known share of them there, copying from part to part all. Where targets are known,
copies agree in them more often than rows do that differ in one feature (docs/checks/AS201.md).
Copies are a mistake, natural twins are worth knowing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.checks.as212_evaluated_on_training_rows import is_training
from assay.checks.base import View
from assay.checks.chance import Mask
from assay.checks.twins import (
    TIMES_NATURAL,
    Agreement,
    Hashed,
    Meeting,
    agreement,
    hashed,
    meeting,
    n_pairs,
    natural_pairs,
)
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity

LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Twins:
    """Rows with the same features on both sides.

    Attributes:
        test: Which test rows have a twin in training, shape (test rows,).
        train: Which training rows have a twin in the test, shape (training rows,).
        pairs: Pairs of equal rows in the whole table.
        expected: Pairs that chance alone would make.
        meeting: How equal rows are divided between the parts.
        agreement: How targets agree, where those of the test are known.
    """

    test: Mask
    train: Mask
    pairs: int
    expected: float
    meeting: Meeting
    agreement: Agreement | None

    @property
    def share(self) -> float:
        """Share of the test rows that have a twin in training."""
        return float(self.test.mean())

    @property
    def are_copies(self) -> bool:
        """Whether there are far more of them than chance makes, and they agree as copies do."""
        told = self.agreement
        is_other = told is not None and told.is_mixed and not told.agrees_more
        return self.pairs > TIMES_NATURAL * self.expected and not is_other

    @property
    def are_from_training(self) -> bool:
        """Whether more pairs of equal rows have one on each side than chance puts there."""
        enough = self.meeting.copies >= LEAST_SHARE * len(self.test)
        return enough and self.meeting.is_proven

    @property
    def severity(self) -> Severity:
        """A warning for copies that can move a score: those beyond chance, of all test rows."""
        beyond = self.share * (1 - self.expected / self.pairs)
        if self.are_from_training or (self.are_copies and beyond >= LEAST_SHARE):
            return Severity.WARN
        return Severity.NOTE


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
        if view.test is None or view.raw_test is None or not len(view.test):
            return NotApplicable("there are no test rows to compare with")
        if len(view.schema.named(Kind.TEXT)) == len(view.schema.features):
            return NotApplicable("rows are running text, which AS205 compares")
        rows = hashed(view)
        copied = rows.met
        if not copied.any():
            return []
        apart = meeting(rows)
        if is_training(apart):
            return NotApplicable("the test rows are training rows, as AS212 says")
        pairs, expected = n_pairs(rows.rows), natural_pairs(rows.by_column, rows.rows)
        is_odd = pairs > TIMES_NATURAL * expected and rows.labels is not None
        in_train, in_test = rows.rows[: rows.n_train], rows.rows[rows.n_train :]
        found = Twins(
            test=copied,
            train=np.isin(in_train, in_test[copied]),
            pairs=pairs,
            expected=expected,
            meeting=apart,
            agreement=_agreement(rows) if is_odd else None,
        )
        if found.severity is Severity.NOTE and not found.are_copies and found.share < LEAST_SHARE:
            return []
        return [_finding(view, found)]


def _agreement(rows: Hashed) -> Agreement:
    assert rows.labels is not None
    return agreement(rows.by_column, rows.rows, rows.labels)


def _finding(view: View, found: Twins) -> Finding:
    assert view.test is not None
    n, share = int(found.test.sum()), found.share
    test, train = found.test, found.train
    has = "row has" if n == 1 else "rows have"
    twins = f"{n:,} test {has} the same features as a training row"
    effect = f"A model that remembers rows scores too high on {share:.2%} of the test."
    if found.are_copies:
        title = f"{twins}."
    elif found.are_from_training:
        # Of rows that chance makes equal, most are there more often, or differ in the target.
        apart = found.meeting
        test, train = apart.split, apart.splits
        title = (
            f"About {apart.copies:,.0f} training rows are in the test again: of {apart.twos:,} "
            f"pairs of equal rows {test.sum():,} have one in each part, not {apart.expected:,.0f}."
        )
        effect = (
            f"A model that remembers rows scores too high on {apart.copies / len(test):.2%} of the "
            "test, beyond what equal rows do by nature."
        )
    else:
        title = f"{twins}, about as many as chance makes in columns of so few values."
        effect = (
            f"{share:.2%} of the test says how well rows are remembered; if they are the "
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
            "pairs of rows that are there twice": found.meeting.twos,
            "of them one in each part": int(found.meeting.split.sum()),
            "one in each part by chance": round(found.meeting.expected, 1),
        },
        rows={
            "train": tuple(view.train.rows[train].tolist()),
            "test": tuple(view.test.rows[test].tolist()),
        },
        effect=effect,
        mend="keep equal rows on one side:\n"
        "data: {split: {duplicates: together}}\n"
        "or drop the copies before training: frame.drop_duplicates()\n"
        "If the rows are different things that look the same:\n"
        f"checks: {{accept: {{{DuplicatesAcrossParts.code}: 'different things'}}}}",
    )
