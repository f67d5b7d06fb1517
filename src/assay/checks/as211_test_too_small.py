"""AS211 test-too-small: too few test rows to know a score by.

How wide an interval will be is known from the number of rows alone: Wilson's of a share of one
half is the widest. Beyond ten points to each side no two models that anybody would compare can be
told apart, and that is said firmly. Where rows are enough, but not those of the rarer class, what
is said of that class (recall, precision, ROC-AUC) is as uncertain: up to about twenty rows of it
that is worth knowing, up to about ten it asks whether anything is claimed of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.data.schema import Task
from assay.evaluation.closed import wilson
from assay.findings import Finding, NotApplicable, Severity

LEVEL = 0.95
WIDEST = 0.1
WIDEST_OF_CLASS = 0.2
ASKED_OF_CLASS = 0.25
_MEND = "keep more rows for the test, or judge on folds over all rows:\nassay train EXPERIMENT"


class TestTooSmall:
    """Finds tests of which the score is hardly more than a guess."""

    __test__ = False  # no test of pytest, whatever its name

    code = "AS211"
    name = "test-too-small"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compute how wide an interval the test rows allow."""
        if view.test is None or not len(view.test):
            return NotApplicable("there are no test rows")
        n = len(view.test)
        if half_width(n) > WIDEST:
            return [_of_all(view, n)]
        rare = _rarest(view)
        return [] if rare is None or half_width(rare[1]) <= WIDEST_OF_CLASS else [_of(*rare, n)]


def half_width(n: int) -> float:
    """Half of Wilson's interval of a share of one half of n rows, at 95 %.

    >>> round(half_width(100), 3), half_width(0)
    (0.096, 0.5)
    """
    if n == 0:
        return 0.5
    low, high = wilson(n / 2, n, LEVEL)
    return (high - low) / 2


def _rarest(view: View) -> tuple[str, int] | None:
    """The rarer class of a binary task and its test rows; None where these are sealed."""
    schema, test = view.schema, view.test
    if schema.task is not Task.BINARY or test is None or test.target is None:
        return None
    counts = np.bincount(schema.codes(test.target), minlength=2)
    return str(schema.classes[int(counts.argmin())]), int(counts.min())


def _of_all(view: View, n: int) -> Finding:
    is_handed = view.given is not None and view.given.test is not None
    shown: dict[str, Any] = {
        "test rows": n,
        "training rows": len(view.train),
        "half of a 95 % interval": round(half_width(n), 3),
        "rows for five points to each side": 381,
    }
    rare = _rarest(view)
    if rare is not None:
        shown[f"rows of the rarer class {rare[0]}"] = rare[1]
    title = (
        f"{n} test rows say an accuracy only to within {100 * half_width(n):.0f} points to each "
    )
    title += "side."
    severity = Severity.WARN
    if view.schema.task is Task.REGRESSION:
        # Of normal errors; of heavier tails it is more.
        title = f"{n} test rows say a root mean squared error only to within {(2 / n) ** 0.5:.0%}."
        severity = Severity.ASK
    return Finding(
        code=TestTooSmall.code,
        severity=severity if is_handed else Severity.NOTE,
        title=title,
        evidence=shown,
        mend=_MEND,
    )


def _of(label: str, n_rare: int, n: int) -> Finding:
    return Finding(
        code=TestTooSmall.code,
        severity=Severity.ASK if half_width(n_rare) > ASKED_OF_CLASS else Severity.NOTE,
        title=f"{n_rare} of {n:,} test rows are of the class {label}: what is found of it is known "
        f"only to within {100 * half_width(n_rare):.0f} points to each side.",
        evidence={
            "test rows": n,
            "rows of the rarer class": n_rare,
            "half of a 95 % interval of its recall": round(half_width(n_rare), 3),
        },
        mend=f"Is anything claimed of the class {label}? If so:\n{_MEND}",
    )
