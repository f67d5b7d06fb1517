"""AS717 chosen-on-test: a setting, or a threshold, that was the best of several on the test.

The score of the winner is then the best of many draws, and the test no longer tells what new rows
will. Found where scores of the same test rows, taken in a loop that did not divide anew, meet
`argmax`, `max`, 'the best so far' or a study's objective; and where a threshold is read off a curve
of the test.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.checks.code.as716_test_stops_training import chooses_epoch, is_test
from assay.checks.code.base import Script
from assay.checks.code.leaking import TABULAR
from assay.checks.code.scopes import Choice, Trace
from assay.checks.code.values import Part, Score
from assay.findings import Finding, Severity


class ChosenOnTest:
    """Finds hyper-parameters and thresholds that the test chose."""

    code = "AS717"
    name = "chosen-on-test"
    libraries = TABULAR

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at where the best of several scores is taken."""
        found: dict[str, Finding] = {}
        trace = script.trace
        other = any(Part.VALIDATION in {each.part for each in score.rows} for score in trace.scores)
        for choice in trace.choices:
            scores = [score for score in choice.scores if _on_same_test(trace, score)]
            if scores and not chooses_epoch(script.loops, choice):
                finding = self._finding(script, choice, firm=not other)
                found.setdefault(finding.places[0], finding)
        return list(found.values())

    def _finding(self, script: Script, choice: Choice, *, firm: bool) -> Finding:
        curve = all(score.curve for score in choice.scores)
        what = "The threshold is" if curve else "The best of several settings is"
        return script.finding(
            self.code,
            Severity.WARN if firm else Severity.ASK,
            f"{what} chosen on the test rows.",
            choice.node,
            "choose by cross-validation on the training rows, and score the test once:\n"
            "search = GridSearchCV(model, grid, cv=5).fit(X_train, y_train)\n"
            "print(search.score(X_test, y_test))",
        )


def _on_same_test(trace: Trace, score: Score) -> bool:
    """Whether a score is one of several on one test, or a curve of it."""
    if not is_test(score.rows) or score.folds:
        return False
    if score.curve:
        return True
    return all(
        len(set(score.loops) - set(trace.splits.get(rows.split, ()))) > 0 for rows in score.rows
    )
