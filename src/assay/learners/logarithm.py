"""The logarithm of a target: what is skewed and never negative is learnt on its own scale.

What is predicted is of the target's own scale again, so that squared errors are those of the
target: whether the logarithm helps is measured out of fold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import skew

from assay.data.dataset import Part
from assay.learners.estimators import EstimatorModel
from assay.learners.protocol import FitContext, Learner, Model
from assay.predictions import Floats

SKEWED = 1.0
"""Skewness from which the logarithm of a target is worth trying."""


def is_skewed(target: Floats) -> bool:
    """Whether a target is never negative and has a long tail of large values.

    >>> is_skewed(np.array([1.0, 1, 1, 2, 50])), is_skewed(np.array([1.0, 2, 3]))
    (True, False)
    """
    return bool(target.min() >= 0 and skew(target) > SKEWED)


@dataclass(frozen=True)
class LogarithmLearner:
    """Fits another learner to log(1 + target).

    Attributes:
        inner: A learner whose models are estimators of scikit-learn.
    """

    inner: Learner

    @property
    def name(self) -> str:
        return f"{self.inner.name} of the logarithm"

    @property
    def validates(self) -> bool:
        return self.inner.validates

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> Model:
        """Fit the inner learner to the logarithm of the target, which is never negative.

        Raises:
            LearnerError: The inner learner cannot be fitted.
        """
        inner = self.inner.fit(_logarithm(train), _logarithm(validation), context)
        assert isinstance(inner, EstimatorModel)
        *before, (name, last) = inner.estimator.steps
        around = type(inner.estimator)([*before, (name, _exponential(last))])
        return replace(inner, estimator=around)


def _logarithm(part: Part | None) -> Any:
    return None if part is None else replace(part, target=np.log1p(part.known_target))


def _exponential(fitted: Any) -> Any:
    """scikit-learn's estimator of a transformed target, with what is fitted already in it."""
    from sklearn.compose import TransformedTargetRegressor

    around = TransformedTargetRegressor(
        regressor=fitted, func=np.log1p, inverse_func=np.expm1, check_inverse=False
    )
    around._training_dim = 1
    around._fit_transformer(np.array([[1.0], [2.0]]))
    around.regressor_ = fitted
    return around
