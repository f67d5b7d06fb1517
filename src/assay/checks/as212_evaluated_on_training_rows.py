"""AS212 evaluated-on-training-rows: the test is the training rows again, or some of them.

A score on rows that a model has learnt from says how well it remembers. Nearly all rows of such a
test equal a training row, or nearly all training rows are in it. Where columns have few values that
happens by nature: then training rows, too, nearly all equal another of them, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.twins import Meeting, hashed, meeting, sum_of, were_made_single
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity

LEAST_SHARE = 0.9
TIMES_FEWER = 3.0
FEWEST_ROWS = 10


class EvaluatedOnTrainingRows:
    """Finds a test that is a part or a resample of the training rows."""

    code = "AS212"
    name = "evaluated-on-training-rows"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look for the test rows among the training rows."""
        if view.test is None or view.raw_test is None or len(view.test) < FEWEST_ROWS:
            return NotApplicable(f"there are no {FEWEST_ROWS} test rows to look for")
        if len(view.schema.named(Kind.IMAGE)) == len(view.schema.features):
            return NotApplicable("rows are pictures")
        rows = hashed(view)
        apart = meeting(rows)
        if not is_training(apart):
            return []
        of_train = [each[: rows.n_train] for each in rows.by_column]
        single = were_made_single(of_train, rows.labelled[: rows.n_train], sum_of(of_train))
        return [_finding(view, apart, Severity.ASK if single else Severity.BLOCK)]


def is_training(apart: Meeting) -> bool:
    """Whether nearly all rows of one part are in the other, and that is not natural.

    Strangers, rows that equal none in training, have to be a third as frequent in the test as among
    training rows: where equal rows are natural that is nothing special.
    """
    share = max(apart.share, float(apart.meets.mean()))
    few = (1 - share) * TIMES_FEWER <= 1 - apart.natural
    return share >= LEAST_SHARE and few and apart.is_proven


def _finding(view: View, apart: Meeting, severity: Severity) -> Finding:
    assert view.test is not None
    n = int(apart.met.sum())
    what = "all" if n == len(view.test) else f"{n:,}"
    return Finding(
        code=EvaluatedOnTrainingRows.code,
        severity=severity,
        title=f"Of {len(view.test):,} test rows {what} are training rows.",
        evidence={
            "test rows that equal a training row": n,
            "share of test rows": round(apart.share, 5),
            "share of training rows in the test": round(float(apart.meets.mean()), 5),
            "training rows with a twin among the others": round(apart.natural, 5),
        },
        rows={
            "train": tuple(view.train.rows[apart.meets].tolist()),
            "test": tuple(view.test.rows[apart.met].tolist()),
        },
        effect="The score says how well rows are remembered, and nothing of new ones.",
        mend="divide before anything is learnt, and judge on what was held out:\n"
        "train, test = train_test_split(frame, test_size=0.3, random_state=0)",
    )
