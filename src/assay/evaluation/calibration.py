"""Calibration: probabilities that match observed frequencies, by scikit-learn's calibrators.

What is measured is cross-fitted: each fold's probabilities are calibrated by what was learnt on the
other folds' out-of-fold predictions, or on the earlier ones where folds are in time order. What is
logged is calibrated by what all of them teach. Which method it is, is one choice, made by all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.estimates import significant
from assay.evaluation.crossing import crossings
from assay.evaluation.design import Design
from assay.evaluation.intervals import replicate
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.settings import Resamples
from assay.evaluation.support import FEWEST_ROWS, n_wrong
from assay.predictions import Floats, Predictions

FEWEST_FOR_ISOTONIC = 1000
"""Rows below which isotonic regression overfits (Niculescu-Mizil and Caruana 2005)."""

_FEWEST_WRONG = 20
"""Rows decided wrong below which nothing teaches how sure to be: where all are right, certainty
costs nothing, until the first row that is not."""

_FEWEST_TO_TEACH = FEWEST_ROWS // 2
"""Rows of the rarest class in the other folds below which a fold keeps its plain probabilities."""


@dataclass(frozen=True)
class Calibrated:
    """Calibrated out-of-fold predictions and how they came about.

    Attributes:
        predictions: The cross-calibrated predictions; the plain ones where method is 'none'.
        method: 'none', 'sigmoid', 'beta', 'isotonic' or 'temperature'.
        why: The choice in words.
        calibrator: An estimator of scikit-learn, fitted on all predictions around a stand-in for
            the model; None where method is 'none'.
    """

    predictions: Predictions
    method: str
    why: str
    calibrator: Any = None

    def applied(self, predictions: Predictions) -> Predictions:
        """Other predictions of the model, calibrated as the one that is logged is."""
        if self.calibrator is None:
            return predictions
        probabilities = _apply(self.calibrator, predictions)
        return replace(predictions, probabilities=probabilities, scores=None)


def calibrate(
    predictions: Predictions,
    truth: Codes,
    folds: NDArray[np.int64],
    *,
    method: str,
    task: Task,
    level: float,
    resamples: Resamples,
    weights: Floats | None = None,
    clusters: Codes | None = None,
    design: Design = Design.CHANCE,
    ordered: bool = False,
) -> Calibrated:
    """Calibrate as asked, or where it helps by more than noise if 'auto'.

    Args:
        predictions: Out-of-fold predictions of a classifier.
        truth: Position of each row's class in `predictions.classes`, shape (n,).
        folds: Fold of each row, shape (n,).
        method: 'auto', 'none', 'sigmoid', 'beta', 'isotonic' or 'temperature'.
        task: Binary or multiclass.
        level: Level at which an improvement counts as more than noise.
        resamples: Bootstrap resamples behind that.
        weights: Sample weights, shape (n,); None when all rows count the same.
        clusters: Which group each row belongs to, shape (n,); None when each stands for itself.
        design: How the rows came about.
        ordered: Whether folds are in time order: then only the earlier ones teach.
    """
    if method == "none":
        return Calibrated(predictions, "none", "none, as set")
    rarest = _rarest(predictions, truth)
    if rarest < FEWEST_ROWS:
        return Calibrated(predictions, "none", f"none: the rarest class has only {rarest} rows")
    plain = _outcome(predictions, truth, task, weights, clusters, design)
    missed = n_wrong(plain)
    if missed < _FEWEST_WRONG:
        why = f"none: only {missed} {'row is' if missed == 1 else 'rows are'} decided wrong"
        return Calibrated(predictions, "none", why)
    why = f"{method}, as set"
    methods = _candidates(task, len(predictions)) if method == "auto" else [method]
    candidates = {}
    for each in methods:
        crossed = _crossed(predictions, truth, folds, each, weights, ordered)
        candidates[each] = replace(predictions, probabilities=crossed, scores=None)
    if method == "auto":
        outcomes = {
            name: replace(plain, probabilities=each.probabilities)
            for name, each in {"none": predictions, **candidates}.items()
        }
        method, why = _best(outcomes, level, resamples)
        if method == "none":
            return Calibrated(predictions, method, why)
    return Calibrated(candidates[method], method, why, _fit(predictions, truth, method, weights))


def _best(outcomes: Mapping[str, Outcome], level: float, resamples: Resamples) -> tuple[str, str]:
    """The method that lowers the log loss most, and why; the first, 'none', unless beyond noise."""
    plain, *others = replicate(list(outcomes.values()), resamples, ["log_loss"])
    gains = {
        method: plain.difference(other, "log_loss", level)
        for method, other in zip(list(outcomes)[1:], others, strict=True)
    }
    method = max(gains, key=lambda each: gains[each].value)
    gain = gains[method]
    if gain.low is None:
        return "none", f"none: what it is worth cannot be said, {gain.reason}"
    if gain.low <= 0:
        return "none", "none: it would not lower the log loss by more than noise"
    return method, f"{method}: it lowers the log loss by {significant(gain.value)}, more than noise"


def _candidates(task: Task, n: int) -> list[str]:
    if task is Task.MULTICLASS:
        return ["temperature"]
    return ["sigmoid", "beta", *(["isotonic"] if n >= FEWEST_FOR_ISOTONIC else [])]


def _crossed(
    predictions: Predictions,
    truth: Codes,
    folds: NDArray[np.int64],
    method: str,
    weights: Floats | None,
    ordered: bool,
) -> Floats:
    """Probabilities, each fold's calibrated by its teachers, shape (n, k)."""
    assert predictions.probabilities is not None
    assert predictions.classes is not None
    calibrated = predictions.probabilities.copy()
    # What is fitted here is not kept, so whole numbers in the order of the labels stand for them:
    # scikit-learn sorts labels again and again, and text takes long.
    ranks = np.argsort(np.argsort(predictions.classes, kind="stable"), kind="stable")
    predictions = replace(predictions, classes=ranks)
    for inside, others in crossings(folds, ordered=ordered):
        teachers = predictions.take(others)
        if _rarest(teachers, truth[others]) < _FEWEST_TO_TEACH:
            continue
        known = weights[others] if weights is not None else None
        fitted = _fit(teachers, truth[others], method, known)
        calibrated[inside] = _apply(fitted, predictions.take(inside))
    return calibrated


def _rarest(predictions: Predictions, truth: Codes) -> int:
    """Rows of the rarest class."""
    assert predictions.classes is not None
    return int(np.bincount(truth, minlength=len(predictions.classes)).min())


def _fit(predictions: Predictions, truth: Codes, method: str, weights: Floats | None) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    from assay.evaluation.replay import replayed

    assert predictions.classes is not None
    assert predictions.probabilities is not None
    stand_in = replayed(predictions.classes, predictions.probabilities, predictions.scores)
    labels = predictions.classes[truth]
    if method == "beta":
        from assay.evaluation.beta import fit_beta

        return fit_beta(stand_in, labels, weights)
    everything = np.arange(len(predictions))
    calibrated = CalibratedClassifierCV(
        FrozenEstimator(stand_in), method=method, cv=[(everything, everything)], ensemble=False
    )
    with warnings.catch_warnings():
        # The model is frozen: that weights reach the calibrator only is what is wanted.
        warnings.filterwarnings("ignore", "Since FrozenEstimator does not appear to accept")
        return calibrated.fit(everything[:, None], labels, sample_weight=weights)


def _apply(fitted: Any, predictions: Predictions) -> Floats:
    """Calibrated probabilities in the order of the predictions' own classes, shape (n, k)."""
    from assay.evaluation.replay import recalibrated

    assert predictions.classes is not None
    assert predictions.probabilities is not None
    return recalibrated(fitted, predictions.classes, predictions.probabilities, predictions.scores)


def _outcome(
    predictions: Predictions,
    truth: Codes,
    task: Task,
    weights: Floats | None,
    clusters: Codes | None,
    design: Design,
) -> Outcome:
    assert predictions.classes is not None
    return Outcome(
        task,
        predictions.rows,
        truth,
        tuple(predictions.classes),
        probabilities=predictions.probabilities,
        weights=weights,
        clusters=clusters,
        design=design,
    )
