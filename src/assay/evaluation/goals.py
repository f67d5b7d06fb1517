"""Goals: what the threshold of a binary decision is to be best for, as `evaluation.threshold` says.

A decision lets in the rows whose probability reaches the threshold: hits are the positive rows
among them, alarms the negative ones, each by number or by weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from assay.data.schema import Task
from assay.predictions import Floats

Name = Literal["f1", "balanced_accuracy", "f_beta", "cost", "precision", "recall", "given"]

_TINY = np.finfo(np.float64).tiny
_TIED = 1e-13
"""Of the largest difference there can be: what is less apart is so by rounding."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "given": ("probability",),
    "f_beta": ("beta",),
    "cost": ("false_positive", "false_negative"),
    "precision": ("recall_at_least",),
    "recall": ("precision_at_least",),
}
_TAKES: Mapping[str, tuple[str, ...]] = {"cost": ("true_positive", "true_negative")}
_EXAMPLES = {
    "given": "0.3",
    "f_beta": "{goal: f_beta, beta: 2}",
    "cost": "{goal: cost, false_positive: 1, false_negative: 20}",
    "precision": "{goal: precision, recall_at_least: 0.9}",
    "recall": "{goal: recall, precision_at_least: 0.8}",
}
_METRICS = ("f1", "balanced_accuracy", "precision", "recall")


class Goal(BaseModel):
    """What a decision is best for, with what that goal needs to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    goal: Name = Field(
        description="f1, balanced_accuracy, f_beta, cost, precision, recall, or given: a "
        "probability."
    )
    probability: float | None = Field(
        None, gt=0, lt=1, description="Of given: where the decision is taken."
    )
    beta: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Of f_beta: how many times as much recall counts as precision, at most 1000.",
    )
    false_positive: float | None = Field(
        None, ge=0, description="Of cost: what a wrong yes costs, in a unit of your own."
    )
    false_negative: float | None = Field(
        None, ge=0, description="Of cost: what a wrong no costs, in the same unit."
    )
    true_positive: float | None = Field(
        None,
        description="Of cost: what a right yes gains, below 0 where it costs; nothing if absent.",
    )
    true_negative: float | None = Field(
        None,
        description="Of cost: what a right no gains, below 0 where it costs; nothing if absent.",
    )
    recall_at_least: float | None = Field(
        None, gt=0, le=1, description="Of precision: the recall below which nothing counts."
    )
    precision_at_least: float | None = Field(
        None, gt=0, le=1, description="Of recall: the precision below which nothing counts."
    )

    @classmethod
    def of(cls, value: Any) -> Self:
        """The goal that a short form or a block means.

        >>> Goal.of(0.3).probability, Goal.of("f1").goal
        (0.3, 'f1')
        """
        return cls.model_validate(_in_full(value))

    @model_serializer(mode="wrap")
    def _as_short_as_can_be(self, whole: SerializerFunctionWrapHandler) -> Any:
        if self.goal == "given":
            return self.probability
        said = {key: value for key, value in whole(self).items() if value is not None}
        return said if len(said) > 1 else self.goal

    @property
    def is_cost(self) -> bool:
        """Whether less is better."""
        return self.goal == "cost"

    @property
    def metric(self) -> str | None:
        """The metric that it is, as an evaluation names it; None where it is none of them."""
        return self.goal if self.goal in _METRICS else None

    @property
    def floor(self) -> tuple[str, float] | None:
        """The metric that must reach a floor, and the floor."""
        if self.recall_at_least is not None:
            return "recall", self.recall_at_least
        if self.precision_at_least is not None:
            return "precision", self.precision_at_least
        return None

    @property
    def depends_on_shares(self) -> bool:
        """Whether other shares of the classes would give another value of it, or of its floor."""
        return self.goal not in ("balanced_accuracy", "given")

    @property
    def by_theory(self) -> float | None:
        """Where decision theory decides calibrated probabilities (Elkan 2001), if costs are known.

        A yes is worth it from the probability on at which what it may cost if wrong, beside a right
        no, is what a no may cost if wrong, beside a right yes.

        >>> Goal(goal="cost", false_positive=1, false_negative=4).by_theory
        0.2
        """
        if not self.is_cost:
            return None
        of_yes, of_no = self._stakes
        return of_yes / (of_yes + of_no)

    @property
    def without_rows(self) -> float:
        """Where to decide what no row tells anything about: at one half where nothing is known."""
        if self.goal == "given":
            assert self.probability is not None
            return self.probability
        return 0.5 if self.by_theory is None else self.by_theory

    def reached(self, hits: Any, alarms: Any, positives: Any, negatives: Any) -> Any:
        """Its value where so many are let in of as many as there are; shapes that fit each other.

        Precision of nothing is 0. F-beta is (1 + beta^2) precision recall / (beta^2 precision +
        recall) (van Rijsbergen 1979); a cost is the mean over the rows.
        """
        if self.is_cost:
            wrong = self._of("false_positive") * alarms + self._of("false_negative") * (
                positives - hits
            )
            right = self._of("true_positive") * hits + self._of("true_negative") * (
                negatives - alarms
            )
            return (wrong - right) / np.maximum(positives + negatives, _TINY)
        if self.goal == "precision":
            return hits / np.maximum(hits + alarms, _TINY)
        recall = hits / np.maximum(positives, _TINY)
        if self.goal == "recall":
            return recall
        if self.goal == "balanced_accuracy":
            return (recall + 1 - alarms / np.maximum(negatives, _TINY)) / 2
        squared = 1.0 if self.beta is None else self.beta**2
        return (1 + squared) * hits / np.maximum(hits + alarms + squared * positives, _TINY)

    def paid(self, truth: Any, decided: Any) -> Any:
        """What a row costs, by its truth and its decision, 1 or 0 each; a gain is below 0."""
        return self.reached(truth * decided, (1 - truth) * decided, truth, 1 - truth)

    def held(self, hits: Any, alarms: Any, positives: Any) -> Any:
        """The value of the metric that must reach the floor; 1 where there is no floor."""
        if self.recall_at_least is not None:
            return hits / np.maximum(positives, _TINY)
        if self.precision_at_least is not None:
            return hits / np.maximum(hits + alarms, _TINY)
        return np.ones(np.shape(hits))

    def meets(self, hits: Any, alarms: Any, positives: Any) -> NDArray[np.bool_]:
        """Whether the floor is met; true where there is none."""
        return np.asarray(self.is_met(self.held(hits, alarms, positives)))

    def is_met(self, held: Any) -> Any:
        """Whether the floor is met where the metric that must reach it has this value."""
        lowest = self.floor[1] if self.floor is not None else 0.0
        return held >= lowest - _TIED

    def best(
        self, hits: Floats, alarms: Floats, positives: Any, negatives: Any
    ) -> NDArray[np.int64]:
        """Which of the thresholds along the last axis reaches the most, shape of the others.

        Of several that do the first, or the last where precision counts: it has the most recall.
        Where none meets the floor it is the one that comes nearest.
        """
        worth = self.reached(hits, alarms, positives, negatives)
        worth = -worth if self.is_cost else worth
        if self.floor is not None:
            met = self.meets(hits, alarms, positives)
            nearest = self.held(hits, alarms, positives)
            worth = np.where(met.any(axis=-1, keepdims=True), np.where(met, worth, -1), nearest)
        tied = worth >= worth.max(axis=-1, keepdims=True) - _TIED * self._span
        if self.goal == "precision":
            return tied.shape[-1] - 1 - tied[..., ::-1].argmax(axis=-1)
        return tied.argmax(axis=-1)

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """What its keys say against each other: the key at fault, what is wrong, and the mend."""
        needed, taken = _NEEDS.get(self.goal, ()), _TAKES.get(self.goal, ())
        told = [name for name in type(self).model_fields if name != "goal"]
        for name in told:
            if getattr(self, name) is not None and name not in needed + taken:
                whose = next(each for each, keys in _KEYS.items() if name in keys)
                mend = f"leave {name} out, or threshold: {_EXAMPLES[whose]}"
                yield name, f"is for the goal {whose}, and the goal is {self.goal}", mend
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            said = f"is {self.goal}, but {' and '.join(missing)} {_is_or_are(missing)} not given"
            yield "goal", said, f"threshold: {_EXAMPLES[self.goal]}"
        elif self.is_cost and min(self._stakes) <= 0:
            yes = self._stakes[0] <= 0
            wrong, right = ("yes", "no") if yes else ("no", "yes")
            key = "false_positive" if yes else "false_negative"
            said = f"makes a wrong {wrong} no dearer than a right {right}: one answer fits all rows"
            yield key, said, f"{key}: a number that is higher, as in {_EXAMPLES['cost']}"

    def unfit_for(self, task: Task) -> str | None:
        """Why no task of this kind has such a goal; None if it has, or nothing else was asked."""
        if task is Task.BINARY or self == DEFAULT:
            return None
        why = {
            Task.REGRESSION: "predicts a number",
            Task.MULTILABEL: "gives a row each label that is as probable as not",
        }.get(task, "says the most probable class")
        return f"evaluation.threshold is for two classes, and a {task} task {why}."

    @property
    def _stakes(self) -> tuple[float, float]:
        """What hangs on a row that is negative, and on one that is positive."""
        return (
            self._of("false_positive") + self._of("true_negative"),
            self._of("false_negative") + self._of("true_positive"),
        )

    @property
    def _span(self) -> float:
        """The largest difference that a decision can make."""
        return max(self._stakes) if self.is_cost else 1.0

    def _of(self, outcome: str) -> float:
        return float(getattr(self, outcome) or 0.0)


ALONE = ("f1", "balanced_accuracy")
"""Goals that need no more to be told."""

_KEYS = {goal: needed + _TAKES.get(goal, ()) for goal, needed in _NEEDS.items()}
DEFAULT = Goal(goal="f1")


def _is_or_are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _in_full(value: Any) -> Any:
    """A short form as a block; everything else as it is, if it can be a goal at all."""
    if isinstance(value, Mapping | Goal):
        return value
    if isinstance(value, str) and value in get_args(Name):
        return {"goal": value}
    try:
        probability = float(value) if isinstance(value, str | Real) else np.nan
    except ValueError:
        probability = np.nan
    if isinstance(value, bool) or not 0 < probability < 1:
        raise PydanticCustomError(
            "goal",
            "should be f1, balanced_accuracy, a probability between 0 and 1, or a block with a "
            "goal",
        )
    return {"goal": "given", "probability": probability}


ThresholdSetting = Annotated[
    Goal,
    BeforeValidator(
        _in_full,
        json_schema_input_type=Literal["f1", "balanced_accuracy"]
        | Annotated[float, Field(gt=0, lt=1)]
        | Goal,
    ),
]
"""The `threshold` key: a goal as a block, or in short."""
