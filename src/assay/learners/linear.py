"""`linear`: logistic or ridge regression on imputed, scaled and one-hot encoded columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.preprocessing import one_hot


class LinearOptions(BaseModel):
    """Options of `learner: linear`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    C: float = Field(1.0, gt=0, description="Inverse strength of the L2 penalty.")
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: rarer classes weigh more; changes the probabilities."
    )
    max_categories: int = Field(
        100, ge=2, description="Levels of a category told apart; rarer ones share one column."
    )


@dataclass(frozen=True)
class BuildLinear:
    """Builds the pipeline of the spec, section 1: ColumnTransformer, then a linear estimator."""

    options: LinearOptions = field(default_factory=LinearOptions)

    def __call__(self, train: Part, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import Pipeline

        options = self.options
        estimator = (
            LogisticRegression(C=options.C, class_weight=options.class_weight, max_iter=2000)
            if train.schema.task.is_classification
            else Ridge(alpha=1 / options.C)
        )
        preprocess = one_hot(train, seed, options.max_categories)
        return Pipeline([("preprocess", preprocess), ("estimator", estimator)])
