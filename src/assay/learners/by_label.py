"""By label: a classifier for each label of a multilabel task, behind one preprocessing.

What is fitted is scikit-learn's own OneVsRestClassifier, so that anybody can load it. Its `fit`
takes no sample weights and no validation rows; so each label is fitted here, and put into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part

FitOne = Callable[[int, NDArray[np.int64]], Any]
"""Fits a classifier to one label: of its position, and 1 for the rows that have it, shape (n,)."""


def fitted_by_label(estimator: Any, train: Part) -> Any:
    """A pipeline whose last step is fitted to each label by itself.

    Args:
        estimator: A classifier, or a pipeline that ends in one; not fitted.
        train: Rows to learn from, of a multilabel task.
    """
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    *before, (name, last) = getattr(estimator, "steps", [("estimator", estimator)])
    features = train.features
    if before:
        features = Pipeline(before).fit_transform(features, train.known_target)
    weights = {} if train.weights is None else {"sample_weight": train.weights}

    def fit_one(code: int, held: NDArray[np.int64]) -> Any:  # noqa: ARG001
        return clone(last).fit(features, held, **weights)

    return Pipeline([*before, (name, one_against_rest(last, features, train, fit_one))])


def one_against_rest(last: Any, features: Any, train: Part, fit_one: FitOne) -> Any:
    """A fitted OneVsRestClassifier. A label that every training row has, or none, stays so.

    Args:
        last: The classifier that is fitted to each label.
        features: Of these rows, as it sees them.
        train: Rows to learn from, of a multilabel task.
        fit_one: Fits it.
    """
    from sklearn.multiclass import OneVsRestClassifier, _ConstantPredictor
    from sklearn.preprocessing import LabelBinarizer

    target = train.known_target
    many = OneVsRestClassifier(last)
    many.label_binarizer_ = LabelBinarizer().fit(target)
    many.estimators_ = [
        _ConstantPredictor().fit(features, held[:1])
        if (held == held[0]).all()
        else fit_one(code, held)
        for code, held in enumerate(target.T)
    ]
    return many
