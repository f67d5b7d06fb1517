"""`forest`: extremely randomised trees (Geurts et al. 2006), missing values as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.preprocessing import ordinal


class ForestOptions(BaseModel):
    """Options of `learner: forest`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trees: int = Field(200, ge=1, description="Number of trees.")
    min_rows_leaf: int = Field(3, ge=1, description="Fewest rows in a leaf.")
    max_features: float = Field(
        0.5, gt=0, le=1, description="Share of features that a split chooses from."
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: rarer classes weigh more; changes the probabilities."
    )


@dataclass(frozen=True)
class BuildForest:
    """Builds the pipeline: codes of categories, dates and texts in numbers, then the trees."""

    options: ForestOptions = field(default_factory=ForestOptions)

    def __call__(self, train: Part, seed: int) -> Any:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
        from sklearn.pipeline import Pipeline

        options = self.options
        common = {
            "n_estimators": options.trees,
            "min_samples_leaf": options.min_rows_leaf,
            "max_features": options.max_features,
        }
        estimator = (
            ExtraTreesClassifier(class_weight=options.class_weight, **common)
            if train.schema.task.is_classification
            else ExtraTreesRegressor(**common)
        )
        return Pipeline([("preprocess", ordinal(train, seed)[0]), ("estimator", estimator)])
