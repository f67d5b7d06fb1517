"""A stand-in for a fitted classifier: calibrators learn from recorded predictions by it.

Apart from `calibration`, because it cannot exist without importing scikit-learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from assay.predictions import Floats, Labels


class Replay(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a fitted classifier: row numbers go in, recorded predictions come out.

    Its classes are sorted, as those of scikit-learn's classifiers are.
    """

    def __init__(self, classes: Labels, probabilities: Floats, scores: Floats | None) -> None:
        self.classes = classes
        self.probabilities = probabilities
        self.scores = scores

    @property
    def classes_(self) -> Labels:
        return self.classes

    def fit(self, X: Any, y: Any) -> Replay:  # noqa: ARG002
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @available_if(lambda self: self.scores is not None)  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[np.int64]) -> Floats:
        assert self.scores is not None
        return self.scores[X[:, 0]]

    def predict_proba(self, X: NDArray[np.int64]) -> Floats:
        return self.probabilities[X[:, 0]]

    def predict(self, X: NDArray[np.int64]) -> Labels:
        return self.classes[self.predict_proba(X).argmax(axis=1)]
