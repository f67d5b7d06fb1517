"""Candidates: what the learner `auto` can make an ensemble of, an explicit list with options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assay.data.dataset import Part
from assay.learners.boosting import BoostingLearner, BoostingOptions
from assay.learners.estimators import EstimatorLearner
from assay.learners.forest import BuildForest, ForestOptions
from assay.learners.light_boosting import (
    LightBoostingLearner,
    LightBoostingOptions,
    is_installed,
)
from assay.learners.linear import BuildLinear, LinearOptions
from assay.learners.logarithm import LogarithmLearner, is_skewed
from assay.learners.perceptron import PerceptronLearner, PerceptronOptions
from assay.learners.protocol import Learner

Kind = Literal["linear", "forest", "boosting", "lightgbm", "perceptron"]

_OPTIONS: Mapping[str, type[BaseModel]] = {
    "linear": LinearOptions,
    "forest": ForestOptions,
    "boosting": BoostingOptions,
    "lightgbm": LightBoostingOptions,
    "perceptron": PerceptronOptions,
}
_MAKE: Mapping[str, Callable[[Any], Learner]] = {
    "linear": lambda options: EstimatorLearner("linear", BuildLinear(options)),
    "forest": lambda options: EstimatorLearner("forest", BuildForest(options)),
    "boosting": BoostingLearner,
    "lightgbm": LightBoostingLearner,
    "perceptron": PerceptronLearner,
}
MOST_ROWS_LEAF = 20
"""Rows in a leaf beyond which a forest is not worth it."""
_BYTES_OF_FOREST, _BYTES_OF_NODE, _BYTES_OF_VALUE = 128 * 2**20, 64, 8
_NODES = 1.2
"""Nodes of a tree for each row, with one row in a leaf: about the mean of public tables."""

OF_TREES = "forest", "boosting", "lightgbm"
"""Those that read the same encoding of the rows."""
STEPWISE = "boosting", "lightgbm", "perceptron"
"""Those that go step by step, and stop when their monitor says so."""


class Candidate(BaseModel):
    """One configuration: a learner with its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learner: Kind = Field(description="linear, forest, boosting, lightgbm or perceptron.")
    options: dict[str, Any] = Field({}, description="Its options.")
    logarithm: bool = Field(
        False, description="Whether it learns log(1 + target), of a target that is never negative."
    )

    @model_validator(mode="after")
    def _options_are_its_own(self) -> Self:
        try:
            _OPTIONS[self.learner](**self.options)
        except ValidationError as error:
            first = error.errors()[0]
            option = ".".join(map(str, first["loc"]))
            raise ValueError(f"{option} of {self.learner}: {first['msg']}") from None
        return self

    @property
    def recipe(self) -> Learner:
        """The learner."""
        learner = _MAKE[self.learner](_OPTIONS[self.learner](**self.options))
        return LogarithmLearner(learner) if self.logarithm else learner

    @property
    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        return self.learner != "lightgbm" or is_installed()

    def suits(self, train: Part) -> bool:
        """Whether it is worth trying on these rows."""
        if self.learner == "forest":
            fewest = fewest_rows_leaf(train)
            if fewest > min(self._rows_leaf, MOST_ROWS_LEAF):
                return False
        needs_skew = self.logarithm or self.options.get("loss") == "gamma"
        if not needs_skew:
            return True
        target = train.known_target
        of_numbers = not train.schema.task.is_classification
        if not of_numbers or not is_skewed(target):
            return False
        return self.logarithm or bool(target.min() > 0)

    @property
    def _rows_leaf(self) -> int:
        return ForestOptions(**self.options).min_rows_leaf

    def within_memory(self, train: Part) -> Self:
        """The same; a forest with as many rows in a leaf as its memory makes necessary."""
        if self.learner != "forest":
            return self
        fewest = max(self._rows_leaf, fewest_rows_leaf(train))
        return self.model_copy(update={"options": {**self.options, "min_rows_leaf": fewest}})

    @property
    def told(self) -> str:
        """It in a few words.

        >>> Candidate(learner="forest", options={"trees": 50}).told
        'forest (trees 50)'
        """
        options = ", ".join(f"{name} {_short(value)}" for name, value in self.options.items())
        of = " of the logarithm" if self.logarithm else ""
        return f"{self.learner}{of} ({options})" if options else f"{self.learner}{of}"


def fewest_rows_leaf(train: Part) -> int:
    """Rows in a leaf with which a forest of the usual size takes up to 128 MiB."""
    values = 1
    if train.schema.task.is_classification:
        values = len(train.schema.classes) or len({*train.known_target})
    of_node = _BYTES_OF_NODE + _BYTES_OF_VALUE * values
    total = ForestOptions().trees * len(train) * _NODES * of_node
    return max(1, math.ceil(total / _BYTES_OF_FOREST))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
