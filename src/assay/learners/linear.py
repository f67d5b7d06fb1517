"""`linear`: logistic or ridge regression on imputed, scaled and one-hot encoded columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.estimators import usable_columns


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

    def __call__(self, train: Part, seed: int) -> Any:  # noqa: ARG002
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import Pipeline

        options = self.options
        estimator = (
            LogisticRegression(C=options.C, class_weight=options.class_weight, max_iter=2000)
            if train.schema.task.is_classification
            else Ridge(alpha=1 / options.C)
        )
        preprocess = one_hot_preprocessing(train, options.max_categories)
        return Pipeline([("preprocess", preprocess), ("estimator", estimator)])


def one_hot_preprocessing(train: Part, max_categories: int = 100) -> Any:
    """Median and most frequent value for what is missing; standard scores; one column a level."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numeric = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    categorical = Pipeline(
        [
            ("impute", SimpleImputer(strategy="most_frequent")),
            (
                "encode",
                OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=max_categories),
            ),
        ]
    )
    return ColumnTransformer(
        [
            ("numeric", numeric, usable_columns(train, "numeric", "datetime")),
            ("categorical", categorical, usable_columns(train, "categorical")),
        ]
    )
