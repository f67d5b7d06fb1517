"""AS716 test-stops-training: the test says when to stop, or which epoch to keep.

The best of many epochs on the test is better than the model is. Firm where rows of the test are
watched and something stops or keeps by them; where they are only watched, nothing is said. A part
that is watched and never scored afterwards may be a validation part under the name of test: asked.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Loops, method
from assay.checks.code.names import words
from assay.checks.code.scopes import Choice
from assay.checks.code.values import Part, Rows
from assay.findings import Finding, Severity

_MEASURED = frozenset(
    {"acc", "accuracy", "loss", "score", "auc", "f1", "error", "metric", "rmse", "mae"}
)


class TestStopsTraining:
    """Finds early stopping and choice of epochs by the test."""

    __test__ = False  # its name is not pytest's

    code = "AS716"
    name = "test-stops-training"
    libraries = ("sklearn", "torch", "xgboost", "lightgbm", "catboost", "keras", "tensorflow",
                 "transformers", "lightning", "pytorch_lightning")  # fmt: skip

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at what is watched while a model is fitted."""
        found: dict[str, Finding] = {}
        scored = {rows for score in script.trace.scores for rows in score.rows}
        for fit in script.trace.fits:
            if is_test(fit.watched) and fit.stops and not fit.watched <= fit.rows:
                firm = bool(fit.watched & scored) or _tests(script.loops)
                finding = self._finding(script, fit.node, firm=firm)
                found[finding.places[0]] = finding
        for choice in script.trace.choices:
            if chooses_epoch(script.loops, choice) and any(is_test(s.rows) for s in choice.scores):
                finding = self._finding(script, choice.node, firm=True)
                found[finding.places[0]] = finding
        for node in _kept_by_name(script.loops):
            finding = self._finding(script, node, firm=False)
            found.setdefault(finding.places[0], finding)
        return list(found.values())

    def _finding(self, script: Script, node: ast.AST, *, firm: bool) -> Finding:
        return script.finding(
            self.code,
            Severity.WARN if firm else Severity.ASK,
            "The test decides when training stops, or which epoch is kept.",
            node,
            "keep a validation part for it, and score the test once, at the end:\n"
            "X_fit, X_val, y_fit, y_val = train_test_split(X_train, y_train, random_state=0)",
        )


def is_test(rows: frozenset[Rows]) -> bool:
    """Whether rows are those of a test, and of no fold of cross-validation."""
    return {each.part for each in rows} == {Part.TEST} and not any(each.folds for each in rows)


def chooses_epoch(loops: Loops, choice: Choice) -> bool:
    """Whether the scores of a choice are those of the epochs of one training."""
    around = {loop for score in choice.scores for loop in score.loops}
    return any(loops.inside(loops.methods("backward"), loop) for loop in around) or any(
        {"epoch", "epochs"} & set(words(getattr(getattr(loop, "target", None), "id", "")))
        for loop in around
    )


def _tests(loops: Loops) -> bool:
    """Whether something measures on rows that are named elsewhere."""
    return any(method(call) in ("evaluate", "test") for call in loops.calls)


def _kept_by_name(loops: Loops) -> list[ast.AST]:
    """Comparisons of a test's score with the best so far that decide what is saved."""
    found: list[ast.AST] = []
    for node in loops.of(ast.If):
        if isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
            said = [set(words(getattr(each, "id", ""))) for each in sides]
            test = any("test" in each and each & _MEASURED for each in said)
            best = any("best" in each for each in said)
            saves = any(method(call) in ("save", "save_pretrained", "state_dict")
                        for call in loops.inside(loops.calls, node))  # fmt: skip
            if test and best and saves and loops.loops_around(node):
                found.append(node.test)
    return found
