"""AS610 training-rows-reported: what is reported was measured on rows that the model has learnt.

The record says so itself, or the answers do: they are as many as the training rows, with the truth
of every one of them in its place, which never happens by chance; these may be answers of folds, so
of them it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.evidence import Answers, answers_of
from assay.checks.history import History, history_of
from assay.checks.logged import TEST, TRAIN, VALIDATION
from assay.data.schema import Task
from assay.estimates import significant
from assay.findings import Finding, NotApplicable, Severity

FEWEST = 50


class TrainingRowsReported:
    """Looks at which rows the reported score and the answers are of."""

    code = "AS610"
    name = "training-rows-reported"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the record, then at the answers."""
        answers, history = answers_of(view), history_of(view)
        if isinstance(answers, NotApplicable) and isinstance(history, NotApplicable):
            return answers
        if not isinstance(history, NotApplicable):
            found = _by_record(history)
            if found:
                return found
        if not isinstance(answers, NotApplicable) and _are_of_training(answers, view):
            return [_of_answers(len(view.train))]
        return []


def _by_record(history: History) -> list[Finding]:
    scores = history.selected.scores if history.selected is not None else {}
    is_said = history.reported == TRAIN
    is_equal = (
        not history.reported.startswith((TEST, VALIDATION))
        and history.value is not None
        and scores.get(TRAIN) == history.value
        and history.value not in (scores.get(TEST), scores.get(VALIDATION))
    )
    if not is_said and not is_equal:
        return []
    honest = [split for split in (TEST, VALIDATION) if split in scores]
    effect = None
    if honest and TRAIN in scores:
        effect = (
            f"{history.metric} is {significant(scores[TRAIN])} on training rows and "
            f"{significant(scores[honest[0]])} on {honest[0]} rows"
        )
    evidence: dict[str, Any] = {"reported": "of training rows" if is_said else "their score"}
    if history.value is not None:
        evidence[history.metric or "score"] = history.value
    return [
        Finding(
            code=TrainingRowsReported.code,
            severity=Severity.WARN,
            title="The reported score is that of the training rows.",
            evidence=evidence,
            effect=effect,
            mend='report the score of rows that the model has not met: "reported": {"split": '
            '"test", ...}',
        )
    ]


def _are_of_training(answers: Answers, view: View) -> bool:
    outcome, train = answers.model, view.train
    if outcome is None or train.target is None or answers.positions is not None:
        return False
    if len(outcome) != len(train) or len(train) < FEWEST:
        return False
    if view.schema.task is Task.REGRESSION:
        return bool(np.allclose(outcome.truth, train.target, rtol=1e-4))
    codes = view.schema.codes(train.target)
    return len(np.unique(codes)) > 1 and bool((codes == outcome.truth).all())


def _of_answers(n: int) -> Finding:
    return Finding(
        code=TrainingRowsReported.code,
        severity=Severity.ASK,
        title="The answers are of the training rows.",
        evidence={"answers with the truth of the training row in their place": n},
        mend="Was each answered by a model that has not met it, as in folds? If not, hand over "
        "answers to the test rows.",
    )
