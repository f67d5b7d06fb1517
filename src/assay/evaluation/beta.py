"""Beta calibration (Kull, Silva Filho and Flach 2017), said in scikit-learn's own parts.

It is a logistic regression on the logarithms of both probabilities: a sigmoid that may be steeper
at one end than at the other, or leave probabilities as they are. Its parts are all scikit-learn's,
so that a logged model needs nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from assay.evaluation.outcome import Codes
from assay.predictions import Floats, Labels

_SUREST = 1e-6
"""What a probability is kept away from 0 and 1: one row said to be impossible decides nothing."""

_SIGNS = {"yes": 1, "no": -1}
"""Of the coefficients, so that more before is more afterwards."""


def fit_beta(stand_in: Any, labels: Labels, weights: Floats | None) -> StackingClassifier:
    """Learn to calibrate a binary classifier.

    Args:
        stand_in: The classifier, whose rows are numbered from 0.
        labels: The true ones, shape (n,).
        weights: Sample weights, shape (n,); None when all rows count the same.

    Returns:
        The classifier with its calibration around it.
    """
    rows = np.arange(len(labels))[:, None]
    positive = stand_in.predict_proba(rows)[:, 1:]
    truth = (labels == stand_in.classes_[1]).astype(np.int64)
    final = FrozenEstimator(_fitted(positive, truth, weights))
    stacked = StackingClassifier(
        [("model", FrozenEstimator(stand_in))],
        final_estimator=final,
        cv="prefit",
        stack_method="predict_proba",
    )
    return stacked.fit(rows, labels)


def _fitted(positive: Floats, truth: Codes, weights: Floats | None) -> Pipeline:
    """The regression; one of two slopes is left out if it would turn the order, as published."""
    unfitted = _unfitted()
    logs, regression = unfitted["logs"], unfitted["beta"]
    while True:
        unfitted.fit(positive, truth, beta__sample_weight=weights)
        kept = [name for name, part in logs.transformer_list if part != "drop"]
        rises = {
            name: _SIGNS[name] * slope
            for name, slope in zip(kept, regression.coef_[0], strict=True)
        }
        worst = min(rises, key=lambda name: rises[name])
        if rises[worst] >= 0 or len(kept) == 1:
            return unfitted
        logs.set_params(**{worst: "drop"})


def _unfitted() -> Pipeline:
    within = FunctionTransformer(np.clip, kw_args={"a_min": _SUREST, "a_max": 1 - _SUREST})
    of_no = Pipeline(
        [("minus", FunctionTransformer(np.negative)), ("log", FunctionTransformer(np.log1p))]
    )
    logs = FeatureUnion([("yes", FunctionTransformer(np.log)), ("no", of_no)])
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    return Pipeline([("within", within), ("logs", logs), ("beta", regression)])
