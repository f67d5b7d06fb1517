"""A stand-in for a fitted classifier: calibrators learn from recorded predictions by it.

Apart from `calibration`, because it cannot exist without importing scikit-learn. It stands alone
(NumPy and scikit-learn only), because its text travels inside logged models: so a model of any
class is calibrated where Assay is not installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
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


def replayed(classes: Labels, probabilities: Floats, scores: Floats | None) -> Replay:
    """A stand-in for the model that gave these.

    Args:
        classes: In the order of the columns, shape (k,).
        probabilities: Shape (n, k).
        scores: A binary margin that favours the last class, shape (n,), or shape (n, k), or None.
    """
    order = np.argsort(classes, kind="stable")
    if scores is not None:
        flipped = scores.ndim == 1 and order[0] == 1
        scores = -scores if flipped else scores if scores.ndim == 1 else scores[:, order]
    return Replay(classes[order], probabilities[:, order], scores)


def put_inside(calibrator: Any, estimator: Any) -> None:
    """Let it calibrate this classifier instead of the one that it was fitted around.

    Args:
        calibrator: scikit-learn's CalibratedClassifierCV or, of a beta calibration, its
            StackingClassifier.
        estimator: A fitted classifier.
    """
    frozen = FrozenEstimator(estimator)
    if hasattr(calibrator, "calibrated_classifiers_"):
        calibrator.set_params(estimator=frozen, cv=None)
        calibrator.calibrated_classifiers_[0].estimator = frozen
    else:
        calibrator.set_params(estimators=[("model", frozen)])
        calibrator.estimators_ = [frozen]
        calibrator.named_estimators_ = {"model": frozen}


def recalibrated(
    calibrator: Any, classes: Labels, probabilities: Floats, scores: Floats | None
) -> Floats:
    """What a calibrator makes of predictions, columns in the order of `classes`, shape (n, k).

    Args:
        calibrator: As for `put_inside`, fitted around a stand-in.
        classes: As for `replayed`; likewise the others.
        probabilities: What the model said.
        scores: What it said before that, if it did.
    """
    put_inside(calibrator, replayed(classes, probabilities, scores))
    calibrated = calibrator.predict_proba(np.arange(len(probabilities))[:, None])
    back = np.argsort(np.argsort(classes, kind="stable"), kind="stable")
    return np.asarray(calibrated, dtype=np.float64)[:, back]
