"""AS715 evaluation-on-training-rows: a score on rows that the model has learnt from.

Firm where test rows were in the fit (`model.fit(X, y)` and then `model.score(X_test, y_test)`), or
where a test part was made and never used. Where nothing was divided, a score of the fit may be all
that was wanted: asked. Scores of training rows beside held-out ones are good practice.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from assay.checks.code.base import Script
from assay.checks.code.loops import Function
from assay.checks.code.values import Part, Score
from assay.findings import Finding, Severity


class EvaluationOnTrainingRows:
    """Finds scores of training rows that stand for scores of new ones."""

    code = "AS715"
    name = "evaluation-on-training-rows"
    libraries = (
        "sklearn",
        "xgboost",
        "lightgbm",
        "catboost",
        "keras",
        "tensorflow",
        "transformers",
    )

    def __call__(self, script: Script) -> Sequence[Finding]:
        """Look at which rows a model was fitted on and measured on."""
        trace = script.trace
        known = [score for score in trace.scores if score.rows and not score.folds]
        in_fit = [score for score in known if _learnt_the_test(score)]
        on_train = [score for score in known if score.fitted and score.rows <= score.fitted
                    and not any(rows.part is Part.SOME for rows in score.rows)]  # fmt: skip
        held_out = [score for score in trace.scores if score.folds or (
            score not in on_train and score not in in_fit)]  # fmt: skip
        found = {}
        for score in in_fit:
            found[score.node] = self._finding(script, score, firm=True, test_in_fit=True)
        if not held_out and not in_fit and not _measured_elsewhere(script):
            divided = any(number > 0 for number in trace.splits)
            for score in on_train[:1]:
                if not _in_a_test(script, score.node):
                    found[score.node] = self._finding(
                        script, score, firm=divided, test_in_fit=False
                    )
        for fit in trace.fits:
            if (
                fit.watched
                and fit.watched == fit.rows
                and Part.ALL not in {each.part for each in fit.rows}
            ):
                score = Score(fit.node, fit.watched, None, fit.rows, ())
                found[fit.node] = self._finding(script, score, firm=True, test_in_fit=False)
        return list(found.values())

    def _finding(self, script: Script, score: Score, *, firm: bool, test_in_fit: bool) -> Finding:
        title = (
            "The model was fitted on all rows, those of the test too, and is scored on the test."
            if test_in_fit
            else "The model is scored on the rows it was fitted on, and nowhere else."
        )
        return script.finding(
            self.code,
            Severity.WARN if firm else Severity.ASK,
            title,
            score.node,
            "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
            "model.fit(X_train, y_train)\n"
            "print(model.score(X_test, y_test))",
        )


def _learnt_the_test(score: Score) -> bool:
    """Whether held-out rows were cut from those that the model was fitted on."""
    return any(
        rows.part in (Part.TEST, Part.VALIDATION)
        and (rows in score.fitted or any(above in score.fitted for above in rows.divided))
        for rows in score.rows
    )


def _measured_elsewhere(script: Script) -> bool:
    """Whether something measures in a way that is not followed."""
    told = ("best_score_", "oob_score_", "cv_results_", "oob_score", "cross_val")
    return any(
        (isinstance(node, ast.Attribute) and node.attr in told)
        or (isinstance(node, ast.keyword) and node.arg == "oob_score")
        for node in script.loops.of(ast.Attribute, ast.keyword)
    )


def _in_a_test(script: Script, node: ast.AST) -> bool:
    """Whether a score only asserts something, as in a test of an estimator."""
    function = script.loops.function_of(node)
    named = isinstance(function, Function) and function.name.lstrip("_").startswith(
        ("test_", "check_")
    )
    return named or any(isinstance(each, ast.Assert) for each in script.loops.around(node))
