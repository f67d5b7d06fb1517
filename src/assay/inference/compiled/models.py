"""Models: the last step of a pipeline becomes functions of an encoded row.

Known here are histogram gradient boosting, forests, LightGBM, logistic and ridge regression, and
what says the same of every row. Others are asked themselves, with an array of one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from assay.inference.compiled import formulas
from assay.inference.compiled.columns import Encoder
from assay.inference.compiled.light_trees import UnknownTreesError, light_trees
from assay.inference.compiled.responses import Response, Responses
from assay.inference.compiled.trees import MOST_NODES, forest, histogram_trees
from assay.inference.served import single_threaded
from assay.predictions import Floats


def model(estimator: Any, encoder: Encoder) -> Responses:
    """What an estimator behind the encoder says of an encoded row.

    Args:
        estimator: A fitted one.
        encoder: Gives it rows: lists of numbers, or the entries of a sparse one.
    """
    kind = type(estimator).__name__
    made = None
    if kind in CONSTANT:
        return constant(estimator)
    if kind in _OF_TREES and not encoder.is_sparse:
        made = _OF_TREES[kind](estimator)
    elif kind in _LINEAR:
        made = _LINEAR[kind](estimator, encoder.is_sparse)
    return made if made is not None else _asked(estimator, encoder)


def constant(estimator: Any) -> Responses:
    """What says the same of every row."""
    row = np.zeros((1, getattr(estimator, "n_features_in_", 1)))
    if hasattr(estimator, "predict_proba"):
        shares = estimator.predict_proba(row)
        return Responses(predict_proba=lambda _: shares.copy())
    value = np.asarray(estimator.predict(row), dtype=np.float64).reshape(1)
    return Responses(predict=lambda _: value.copy())


def _asked(estimator: Any, encoder: Encoder) -> Responses:
    """An estimator that is asked itself."""

    def matrix(row: Any) -> Any:
        if not encoder.is_sparse:
            return np.array([row])
        from scipy.sparse import csr_matrix

        places, values = [place for place, _ in row], [value for _, value in row]
        return csr_matrix((values, places, [0, len(row)]), shape=(1, encoder.width))

    def response(name: str) -> Response | None:
        if not hasattr(estimator, name):
            return None
        method = getattr(estimator, name)

        def said(row: Any) -> Floats:
            with single_threaded():
                return np.asarray(method(matrix(row)), dtype=np.float64)

        return said

    if hasattr(estimator, "classes_"):
        return Responses(response("predict_proba"), response("decision_function"))
    return Responses(predict=response("predict"))


def _is_large(estimator: Any) -> bool:
    """Whether histogram gradient boosting has too many trees to be taken apart."""
    trees = (tree for trees in estimator._predictors for tree in trees)
    return sum(len(tree.nodes) for tree in trees) > MOST_NODES


def _histogram_classifier(estimator: Any) -> Responses | None:
    if _is_large(estimator):
        return None
    prepare, raw = histogram_trees(estimator)

    def decision(row: list[float]) -> Floats:
        scores = raw(prepare(row))
        return np.array(scores) if len(scores) == 1 else np.array([scores])

    def probabilities(row: list[float]) -> Floats:
        scores = raw(prepare(row))
        if len(scores) == 1:
            return formulas.of_binary(scores[0])
        return formulas.of_scores(np.array([scores]))

    return Responses(probabilities, decision)


def _histogram_regressor(estimator: Any) -> Responses | None:
    if _is_large(estimator):
        return None
    prepare, raw = histogram_trees(estimator)
    inverse = estimator._loss.link.inverse
    return Responses(predict=lambda row: inverse(np.array(raw(prepare(row)))))


def _forest_classifier(estimator: Any) -> Responses | None:
    if estimator.n_outputs_ != 1 or estimator.n_jobs not in (None, 1):
        return None
    mean = forest(estimator)
    return Responses(predict_proba=lambda row: mean(row).reshape(1, -1))


def _forest_regressor(estimator: Any) -> Responses | None:
    if estimator.n_outputs_ != 1 or estimator.n_jobs not in (None, 1):
        return None
    return Responses(predict=forest(estimator))


def _light_classifier(estimator: Any) -> Responses | None:
    objective = estimator.booster_.dump_model(num_iteration=1)["objective"]
    if objective != "binary sigmoid:1" and not objective.startswith("multiclass num_class:"):
        return None
    try:
        raw = light_trees(estimator.booster_)
    except UnknownTreesError:
        return None

    def probabilities(row: list[float]) -> Floats:
        scores = raw(row)
        if len(scores) == 1:
            return formulas.of_light_binary(scores[0])
        return formulas.of_light_scores(scores)

    return Responses(probabilities)


def _light_regressor(estimator: Any) -> Responses | None:
    objective = estimator.booster_.dump_model(num_iteration=1)["objective"]
    if objective not in ("regression", "regression_l1", "gamma"):
        return None
    try:
        raw = light_trees(estimator.booster_)
    except UnknownTreesError:
        return None
    if objective == "gamma":
        return Responses(predict=lambda row: np.array([math.exp(raw(row)[0])]))
    return Responses(predict=lambda row: np.array(raw(row)))


def _logistic(estimator: Any, is_sparse: bool) -> Responses | None:
    product = _product(estimator.coef_.T, estimator.intercept_, is_sparse)
    if product is None:
        return None

    def decision(row: Any) -> Floats:
        scores = product(row)
        return scores.reshape(-1) if scores.shape[1] == 1 else scores

    def probabilities(row: Any) -> Floats:
        scores = product(row)
        if scores.shape[1] > 1:
            return formulas.of_scores(scores)
        return formulas.of_binary(scores[0, 0])

    return Responses(probabilities, decision)


def _ridge(estimator: Any, is_sparse: bool) -> Responses | None:
    if estimator.coef_.ndim != 1:
        return None
    if is_sparse:
        product = formulas.sparse_product(estimator.coef_[:, None], estimator.intercept_)
        return Responses(predict=lambda row: product(row)[0])
    dense = formulas.dense_product(estimator.coef_, estimator.intercept_)
    return Responses(predict=dense) if dense is not None else None


def _product(weights: Floats, intercepts: Any, is_sparse: bool) -> Any:
    make = formulas.sparse_product if is_sparse else formulas.dense_product
    return make(weights, intercepts)


CONSTANT = "DummyClassifier", "DummyRegressor", "_ConstantPredictor"
_OF_TREES: dict[str, Callable[[Any], Responses | None]] = {
    "HistGradientBoostingClassifier": _histogram_classifier,
    "HistGradientBoostingRegressor": _histogram_regressor,
    "ExtraTreesClassifier": _forest_classifier,
    "RandomForestClassifier": _forest_classifier,
    "ExtraTreesRegressor": _forest_regressor,
    "RandomForestRegressor": _forest_regressor,
    "LGBMClassifier": _light_classifier,
    "LGBMRegressor": _light_regressor,
}
_LINEAR: dict[str, Callable[[Any, bool], Responses | None]] = {
    "LogisticRegression": _logistic,
    "Ridge": _ridge,
}
