"""AS601 test-used-for-tuning: the run that was chosen is the best of many by its test score.

A choice by anything else falls on the very best of k test scores with a chance of about one in k.
Where validation scores would have chosen another run, or there are none, and k is large, the test
has chosen: its score is no longer what the model is worth. Where both point to the same run,
nothing tells which of them chose, and only the number of looks is told (AS602).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.history import History, history_of
from assay.checks.logged import TEST, VALIDATION, LoggedRun
from assay.checks.looks import MANY, looks_of
from assay.estimates import significant
from assay.findings import Finding, NotApplicable, Severity

CHANCE = 0.05
_ALIKE = 5e-4


class TuningByTest:
    """Compares the run that was chosen with what test and validation would have chosen."""

    code = "AS601"
    name = "test-used-for-tuning"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at which run was chosen, and by which score that run is the best."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        tested = [each for each in history.runs if TEST in each.scores]
        if len(tested) < 2:
            return []
        best, chosen = history.best(TEST), _chosen(history)
        if best is None:
            return NotApplicable(f"nobody says whether more or less {history.metric} is better")
        if chosen is None:
            return NotApplicable("the record does not say which run was chosen")
        n = looks_of(history).settings
        if n < MANY or TEST not in chosen.scores:
            return []
        if chosen.scores[TEST] != best.scores[TEST] or _also_by_validation(chosen, history):
            return []
        return [_finding(chosen, history, tested, n)]


def _chosen(history: History) -> LoggedRun | None:
    """The run that the record names, or the one whose test score is reported."""
    if history.selected is not None or history.value is None:
        return history.selected
    return next(
        (
            each
            for each in history.runs
            if TEST in each.scores and abs(each.scores[TEST] - history.value) < _ALIKE
        ),
        None,
    )


def _also_by_validation(chosen: LoggedRun, history: History) -> bool:
    best = history.best(VALIDATION)
    if best is None or VALIDATION not in chosen.scores:
        return False
    return chosen.scores[VALIDATION] == best.scores[VALIDATION]


def _finding(chosen: LoggedRun, history: History, tested: Sequence[LoggedRun], n: int) -> Finding:
    by_validation = history.best(VALIDATION)
    is_firm = 1 / n <= CHANCE
    evidence: dict[str, Any] = {
        "settings with a test score": n,
        f"test {history.metric} of run {chosen.name}": chosen.scores[TEST],
        "chance if choice and test had nothing in common": round(1 / n, 4),
    }
    if by_validation is not None:
        evidence["best by validation"] = f"run {by_validation.name}"
    named = f"run {chosen.name}"
    return Finding(
        code=TuningByTest.code,
        severity=Severity.WARN if is_firm else Severity.ASK,
        title=f"The test chose: {named} is the best of {n} settings by its test score"
        f"{', and not by validation' if by_validation is not None else ''}.",
        evidence=evidence,
        effect=_effect(chosen, tested),
        mend="choose by validation rows or folds, then measure the one run that was chosen on rows "
        "that no run has been measured on"
        + (f" (by validation that is run {by_validation.name})" if by_validation else ""),
    )


def _effect(chosen: LoggedRun, tested: Sequence[LoggedRun]) -> str | None:
    """How far test lies from validation in the chosen run, beside what is usual."""
    if VALIDATION not in chosen.scores:
        return None
    apart = [
        each.scores[TEST] - each.scores[VALIDATION] for each in tested if VALIDATION in each.scores
    ]
    own = chosen.scores[TEST] - chosen.scores[VALIDATION]
    return (
        f"its test score lies {significant(abs(own))} {'above' if own > 0 else 'below'} its "
        f"validation score; in the middle of all runs the two are {significant(np.median(apart))} "
        "apart"
    )
