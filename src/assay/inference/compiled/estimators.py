"""Estimators: a fitted estimator of scikit-learn or LightGBM becomes functions of a row's values.

What is known here is compiled: pipelines behind a ColumnTransformer, histogram gradient boosting,
forests, LightGBM, linear models, and what Assay puts around them (averages, labels one by one,
calibration, a threshold, a transformed target). Of other estimators behind such a preprocessing
only that is compiled: they are asked themselves, with an array of one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from assay.inference.compiled import formulas
from assay.inference.compiled.columns import Encoder, NotCompilable
from assay.inference.compiled.light_trees import UnknownTrees, light_trees
from assay.inference.compiled.trees import forest, histogram_trees
from assay.predictions import Floats

Response = Callable[[Any], Floats]
"""Of a row's values, or of an encoded row, to an array whose first axis is of one row."""


@dataclass(frozen=True)
class Responses:
    """What an estimator says of a row, by name of scikit-learn's method; None if it has none.

    Attributes:
        predict_proba: Shape (1, k).
        decision_function: Shape (1,) or (1, k).
        predict: Shape (1,); of regressions only.
    """

    predict_proba: Response | None = None
    decision_function: Response | None = None
    predict: Response | None = None

    def after(self, first: Callable[[Any], Any]) -> Responses:
        """The same of what a function makes of a row."""

        def both(response: Response | None) -> Response | None:
            return None if response is None else lambda row: response(first(row))

        return Responses(
            both(self.predict_proba), both(self.decision_function), both(self.predict)
        )


def compiled(estimator: Any, names: Sequence[str], texts: frozenset[str]) -> Responses:
    """What an estimator that takes features says of a row's values.

    Args:
        estimator: Fitted on features as `feature_frame` gives them.
        names: The features, in the order of the values.
        texts: Those whose values are texts.

    Raises:
        NotCompilable: It is of a kind that is not known here.
    """
    kind = type(estimator).__name__

    def inner(each: Any) -> Responses:
        return compiled(each, names, texts)

    if kind == "FixedThresholdClassifier":
        return inner(estimator.estimator_)
    if kind == "FrozenEstimator":
        return inner(estimator.estimator)
    around = _AROUND.get(kind)
    if around is not None:
        return around(estimator, inner)
    if kind == "Pipeline" and len(estimator.steps) == 2:  # noqa: PLR2004
        encoder = Encoder(estimator.steps[0][1], names, texts)
        encode = encoder.entries if encoder.is_sparse else encoder.dense
        return _last(estimator.steps[1][1], encoder).after(encode)
    if kind in ("DummyClassifier", "DummyRegressor"):
        return _constant(estimator)
    raise NotCompilable(f"it is a {kind} without a preprocessing of columns before it")


def _last(estimator: Any, encoder: Encoder) -> Responses:
    """What an estimator behind the encoder says of an encoded row."""
    kind = type(estimator).__name__

    def inner(each: Any) -> Responses:
        return _last(each, encoder)

    if kind in _AROUND:
        return _AROUND[kind](estimator, inner)
    if kind in ("DummyClassifier", "DummyRegressor", "_ConstantPredictor"):
        return _constant(estimator)
    made = None
    if kind in _OF_TREES and not encoder.is_sparse:
        made = _OF_TREES[kind](estimator)
    elif kind in _LINEAR:
        made = _LINEAR[kind](estimator, encoder.is_sparse)
    return made if made is not None else _asked(estimator, encoder)


def _constant(estimator: Any) -> Responses:
    """What says the same of every row."""
    row = np.zeros((1, 1))
    if hasattr(estimator, "predict_proba"):
        shares = estimator.predict_proba(row)
        return Responses(predict_proba=lambda _: shares.copy())
    value = np.asarray(estimator.predict(row), dtype=np.float64).reshape(1)
    return Responses(predict=lambda _: value.copy())


def _asked(estimator: Any, encoder: Encoder) -> Responses:
    """An estimator that is asked itself."""
    from threadpoolctl import ThreadpoolController

    threads = ThreadpoolController()

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
            with threads.limit(limits=1):
                return np.asarray(method(matrix(row)), dtype=np.float64)

        return said

    if hasattr(estimator, "classes_"):
        return Responses(response("predict_proba"), response("decision_function"))
    return Responses(predict=response("predict"))


def _histogram_classifier(estimator: Any) -> Responses:
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


def _histogram_regressor(estimator: Any) -> Responses:
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
    objective = estimator.booster_.dump_model(num_iteration=1)["objective"].split()
    if objective[0] not in ("binary", "multiclass") or "sigmoid:1" not in [*objective, "sigmoid:1"]:
        return None
    try:
        raw = light_trees(estimator.booster_)
    except UnknownTrees:
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
    except UnknownTrees:
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


def _voting_classifier(voting: Any, inner: Callable[[Any], Responses]) -> Responses:
    members = [_having(inner(each).predict_proba, each) for each in voting.estimators_]
    weights = voting._weights_not_none

    def average(row: Any) -> Floats:
        said = np.asarray([member(row) for member in members])
        return np.asarray(np.average(said, axis=0, weights=weights))

    if voting.voting != "soft":
        raise NotCompilable("its members vote for labels")
    return Responses(predict_proba=average)


def _voting_regressor(voting: Any, inner: Callable[[Any], Responses]) -> Responses:
    members = [_having(inner(each).predict, each) for each in voting.estimators_]
    weights = voting._weights_not_none

    def average(row: Any) -> Floats:
        said = np.asarray([member(row) for member in members]).T
        return np.asarray(np.average(said, axis=1, weights=weights))

    return Responses(predict=average)


def _one_against_rest(many: Any, inner: Callable[[Any], Responses]) -> Responses:
    """A classifier for each label, of several that a row may have."""
    if not many.multilabel_:
        raise NotCompilable("it parts each class from the rest")
    each_label = [_having(inner(each).predict_proba, each) for each in many.estimators_]

    def probabilities(row: Any) -> Floats:
        return np.array([[label(row)[0, 1] for label in each_label]])

    return Responses(predict_proba=probabilities)


def _transformed(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """A regression of a transformed target, which is transformed back."""
    predict = _having(inner(around.regressor_).predict, around.regressor_)
    back = around.transformer_.inverse_transform

    def value(row: Any) -> Floats:
        return np.asarray(back(predict(row).reshape(-1, 1))).reshape(1)

    return Responses(predict=value)


def _calibrated(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """scikit-learn's CalibratedClassifierCV: sigmoid, isotonic or by temperature."""
    if len(around.calibrated_classifiers_) != 1:
        raise NotCompilable("it was calibrated in several folds")
    [fitted] = around.calibrated_classifiers_
    responses = inner(fitted.estimator)
    response = responses.decision_function or responses.predict_proba
    respond = _having(response, fitted.estimator)
    n_classes = len(fitted.classes)
    if fitted.method == "temperature":
        # Asked itself: it tells by their sums whether scores are probabilities.
        scale = fitted.calibrators[0].predict
        return Responses(predict_proba=lambda row: _at_most_one(scale(respond(row))))
    if n_classes != 2:  # noqa: PLR2004
        raise NotCompilable(f"its {n_classes} classes are calibrated one by one")
    calibrate = _curve(fitted.calibrators[0], fitted.method)
    is_margin = responses.decision_function is not None

    def probabilities(row: Any) -> Floats:
        said = respond(row)
        positive = calibrate(said if is_margin else said[:, 1])
        return _at_most_one(np.array([[1.0 - positive[0], positive[0]]]))

    return Responses(predict_proba=probabilities)


def _curve(calibrator: Any, method: str) -> Callable[[Floats], Floats]:
    if method == "sigmoid":
        slope, offset = calibrator.a_, calibrator.b_
        return lambda said: np.asarray(expit(-(slope * said + offset)))
    low, high, interpolate = calibrator.X_min_, calibrator.X_max_, calibrator.f_
    if calibrator.out_of_bounds != "clip":
        raise NotCompilable("it is calibrated within bounds")
    return lambda said: np.asarray(interpolate(np.clip(said, low, high)))


def _at_most_one(probabilities: Floats) -> Floats:
    probabilities[(probabilities > 1.0) & (probabilities <= 1.0 + 1e-5)] = 1.0
    return probabilities


def _stacked(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """Beta calibration, as `assay.evaluation.beta` makes it."""
    if len(around.estimators_) != 1 or around.passthrough or len(around.classes_) != 2:  # noqa: PLR2004
        raise NotCompilable("it stacks several estimators")
    respond = _having(inner(around.estimators_[0]).predict_proba, around.estimators_[0])
    final = around.final_estimator_.predict_proba
    return Responses(predict_proba=lambda row: np.asarray(final(respond(row)[:, 1:])))


def _having(response: Response | None, estimator: Any) -> Response:
    if response is None:
        raise NotCompilable(f"{type(estimator).__name__} does not say what is asked of it")
    return response


_AROUND: dict[str, Callable[[Any, Callable[[Any], Responses]], Responses]] = {
    "VotingClassifier": _voting_classifier,
    "VotingRegressor": _voting_regressor,
    "OneVsRestClassifier": _one_against_rest,
    "TransformedTargetRegressor": _transformed,
    "CalibratedClassifierCV": _calibrated,
    "StackingClassifier": _stacked,
}
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
