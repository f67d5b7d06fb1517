"""Estimators: a fitted estimator of scikit-learn or LightGBM becomes functions of a row's values.

What is known here is compiled: pipelines behind a ColumnTransformer, and what Assay puts around
models (averages, labels one by one, calibration, a threshold, a transformed target).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from assay.inference.compiled.columns import Encoder, NotCompilableError
from assay.inference.compiled.models import CONSTANT, constant, model
from assay.inference.compiled.responses import Responses, having
from assay.predictions import Floats


def compiled(estimator: Any, names: Sequence[str], texts: frozenset[str]) -> Responses:
    """What an estimator that takes features says of a row's values.

    Args:
        estimator: Fitted on features as `feature_frame` gives them.
        names: The features, in the order of the values.
        texts: Those whose values are texts.

    Raises:
        NotCompilableError: It is of a kind that is not known here.
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
    if kind == "Pipeline" and len(estimator.steps) == 2:
        encoder = Encoder(estimator.steps[0][1], names, texts)
        encode = encoder.entries if encoder.is_sparse else encoder.dense
        return _last(estimator.steps[1][1], encoder).after(encode)
    if kind in CONSTANT:
        return constant(estimator)
    if kind == "Pipeline":
        raise NotCompilableError(f"its pipeline has {len(estimator.steps)} steps, not two")
    raise NotCompilableError(f"it is of type {kind}, without a preprocessing of columns before it")


def _last(estimator: Any, encoder: Encoder) -> Responses:
    """What an estimator behind the encoder says of an encoded row."""
    around = _AROUND.get(type(estimator).__name__)
    if around is None:
        return model(estimator, encoder)
    return around(estimator, lambda each: _last(each, encoder))


def _voting_classifier(voting: Any, inner: Callable[[Any], Responses]) -> Responses:
    members = [having(inner(each).predict_proba, each) for each in voting.estimators_]
    weights = voting._weights_not_none

    def average(row: Any) -> Floats:
        said = np.asarray([member(row) for member in members])
        return np.asarray(np.average(said, axis=0, weights=weights))

    if voting.voting != "soft":
        raise NotCompilableError("its members vote for labels")
    return Responses(predict_proba=average)


def _voting_regressor(voting: Any, inner: Callable[[Any], Responses]) -> Responses:
    members = [having(inner(each).predict, each) for each in voting.estimators_]
    weights = voting._weights_not_none

    def average(row: Any) -> Floats:
        said = np.asarray([member(row) for member in members]).T
        return np.asarray(np.average(said, axis=1, weights=weights))

    return Responses(predict=average)


def _one_against_rest(many: Any, inner: Callable[[Any], Responses]) -> Responses:
    """A classifier for each label, of several that a row may have."""
    if not many.multilabel_:
        raise NotCompilableError("it parts each class from the rest")
    each_label = [having(inner(each).predict_proba, each) for each in many.estimators_]

    def probabilities(row: Any) -> Floats:
        return np.array([[label(row)[0, 1] for label in each_label]])

    return Responses(predict_proba=probabilities)


def _transformed(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """A regression of a transformed target, which is transformed back."""
    predict = having(inner(around.regressor_).predict, around.regressor_)
    back = around.transformer_.inverse_transform

    def value(row: Any) -> Floats:
        return np.asarray(back(predict(row).reshape(-1, 1))).reshape(1)

    return Responses(predict=value)


def _calibrated(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """scikit-learn's CalibratedClassifierCV: sigmoid, isotonic or by temperature."""
    if len(around.calibrated_classifiers_) != 1:
        raise NotCompilableError("it was calibrated in several folds")
    [fitted] = around.calibrated_classifiers_
    responses = inner(fitted.estimator)
    response = responses.decision_function or responses.predict_proba
    respond = having(response, fitted.estimator)
    n_classes = len(fitted.classes)
    if fitted.method == "temperature":
        # Asked itself: it tells by their sums whether scores are probabilities.
        scale = fitted.calibrators[0].predict
        return Responses(predict_proba=lambda row: _at_most_one(scale(respond(row))))
    if n_classes != 2:
        raise NotCompilableError(f"its {n_classes} classes are calibrated one by one")
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
        raise NotCompilableError("it is calibrated within bounds")
    return lambda said: np.asarray(interpolate(np.clip(said, low, high)))


def _at_most_one(probabilities: Floats) -> Floats:
    probabilities[(probabilities > 1.0) & (probabilities <= 1.0 + 1e-5)] = 1.0
    return probabilities


def _stacked(around: Any, inner: Callable[[Any], Responses]) -> Responses:
    """Beta calibration, as `assay.evaluation.beta` makes it."""
    if len(around.estimators_) != 1 or around.passthrough or len(around.classes_) != 2:
        raise NotCompilableError("it stacks several estimators")
    respond = having(inner(around.estimators_[0]).predict_proba, around.estimators_[0])
    final = around.final_estimator_.predict_proba
    return Responses(predict_proba=lambda row: np.asarray(final(respond(row)[:, 1:])))


_AROUND: dict[str, Callable[[Any, Callable[[Any], Responses]], Responses]] = {
    "VotingClassifier": _voting_classifier,
    "VotingRegressor": _voting_regressor,
    "OneVsRestClassifier": _one_against_rest,
    "TransformedTargetRegressor": _transformed,
    "CalibratedClassifierCV": _calibrated,
    "StackingClassifier": _stacked,
}
