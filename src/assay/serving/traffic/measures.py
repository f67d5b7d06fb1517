"""Measures: what an answer loses once its outcome is known, between 0 and 1.

Intervals that hold at any time ask for losses within known limits. Of classes, accuracy, Brier
score and the share of wrong labels lie within them by nature. Log loss is cut off at the
probability 0.01 (a loss of 4.6), errors of numbers at the largest error that counts; what lies
beyond counts as that much. Both models are measured the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.data.schema import Task
from assay.errors import InputError

LEAST_PROBABILITY = 0.01
"""Of what came true: a lower one counts as this much in log loss."""
OF_TASK = {
    Task.BINARY: ("accuracy", "log_loss", "brier"),
    Task.MULTICLASS: ("accuracy", "log_loss", "brier"),
    Task.MULTILABEL: ("hamming",),
    Task.REGRESSION: ("squared_error", "absolute_error"),
}
"""What the models of a task may be compared by, the first when nothing is asked."""


@dataclass(frozen=True)
class Measure:
    """What models are compared by.

    Attributes:
        name: Which one.
        largest: What a loss of 1 stands for, in the measure's own units.
    """

    name: str
    largest: float = 1.0

    @property
    def rises(self) -> bool:
        """Whether more of it is better."""
        return self.name == "accuracy"

    def value(self, loss: float) -> float:
        """A mean loss in the measure's own units."""
        return 1 - loss if self.rises else loss * self.largest

    def difference(self, loss: float) -> float:
        """A difference of mean losses in the measure's own units."""
        return -loss if self.rises else loss * self.largest

    def loss(self, answer: Mapping[str, Any], outcome: Any) -> float:
        """What an answer loses, 0 to 1.

        Args:
            answer: 'prediction' and, of a classifier, 'probabilities' by class as text.
            outcome: As `outcome_of` gives it.
        """
        if self.name in ("squared_error", "absolute_error"):
            error = min(abs(float(answer["prediction"]) - outcome) / self.reach, 1.0)
            return error**2 if self.name == "squared_error" else error
        if self.name == "hamming":
            apart = {str(each) for each in answer["prediction"]} ^ set(outcome)
            return len(apart) / max(1, len(answer["probabilities"]))
        if self.name == "accuracy":
            return float(str(answer["prediction"]) != outcome)
        said = answer["probabilities"]
        if self.name == "log_loss":
            return -math.log(max(float(said[outcome]), LEAST_PROBABILITY)) / self.largest
        return sum((float(part) - (name == outcome)) ** 2 for name, part in said.items()) / 2

    @property
    def reach(self) -> float:
        """The largest error that counts, of a regression."""
        return math.sqrt(self.largest) if self.name == "squared_error" else self.largest


def measure_of(task: Task, asked: str | None, largest_error: float | None) -> Measure:
    """The measure of a contest.

    Raises:
        InputError: The task has no such measure, or a regression's largest error is not named.
    """
    known = OF_TASK[task]
    name = asked or known[0]
    if name not in known:
        raise InputError(
            f"Models of the task {task.value} cannot be compared by {name} while they serve.",
            where="serving.traffic.measure, in the file of --settings",
            mend=f"choose one of: {', '.join(known)}",
        )
    if task is not Task.REGRESSION:
        scales = {"log_loss": -math.log(LEAST_PROBABILITY)}
        return Measure(name, scales.get(name, 1.0))
    if largest_error is None:
        raise InputError(
            "Models that predict numbers are compared within limits: the largest error that "
            "counts is not named.",
            where="serving.traffic.largest_error, in the file of --settings",
            mend="name the error from which on all are equally bad: largest_error: 100",
        )
    return Measure(name, largest_error**2 if name == "squared_error" else largest_error)


def outcome_of(given: Any, task: Task, classes: tuple[str, ...]) -> Any:
    """An outcome in the form that it is kept in; None if it cannot be one.

    Args:
        given: As it came out of JSON.
        task: What is predicted.
        classes: As text.

    Returns:
        The class as text, the sorted list of labels as text, or the number.
    """
    if task is Task.REGRESSION:
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return float(given) if is_number and math.isfinite(given) else None
    if task is Task.MULTILABEL:
        if not isinstance(given, list) or not {str(each) for each in given} <= set(classes):
            return None
        return sorted({str(each) for each in given})
    text = str(given)
    return text if text in classes and not isinstance(given, list | dict) else None
