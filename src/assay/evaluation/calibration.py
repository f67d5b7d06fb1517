"""Calibration: probabilities that match observed frequencies, by scikit-learn's calibrators.

What is measured is cross-fitted: each fold's probabilities are calibrated by what was learnt on the
other folds' out-of-fold predictions. What is logged is calibrated by what all of them teach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.estimates import significant
from assay.evaluation.intervals import FEWEST_ROWS, replicate
from assay.evaluation.outcome import Codes, Outcome
from assay.predictions import Floats, Predictions

FEWEST_FOR_ISOTONIC = 1000
"""Rows below which isotonic regression overfits (Niculescu-Mizil and Caruana 2005)."""


@dataclass(frozen=True)
class Calibrated:
    """Calibrated out-of-fold predictions and how they came about.

    Attributes:
        predictions: The cross-calibrated predictions; the plain ones where method is 'none'.
        method: 'none', 'sigmoid', 'isotonic' or 'temperature'.
        why: The choice in words.
        calibrator: scikit-learn's CalibratedClassifierCV fitted on all predictions, around a
            stand-in for the model; None where method is 'none'.
    """

    predictions: Predictions
    method: str
    why: str
    calibrator: Any = None


def calibrate(
    predictions: Predictions,
    truth: Codes,
    folds: NDArray[np.int64],
    *,
    method: str,
    task: Task,
    level: float,
    resamples: int,
) -> Calibrated:
    """Calibrate as asked, or where it helps by more than noise if 'auto'.

    Args:
        predictions: Out-of-fold predictions of a classifier.
        truth: Position of each row's class in `predictions.classes`, shape (n,).
        folds: Fold of each row, shape (n,).
        method: 'auto', 'none', 'sigmoid', 'isotonic' or 'temperature'.
        task: Binary or multiclass.
        level: Level at which an improvement counts as more than noise.
        resamples: Bootstrap resamples behind that.
    """
    if method == "none":
        return Calibrated(predictions, "none", "none, as set")
    assert predictions.classes is not None
    rarest = int(np.bincount(truth, minlength=len(predictions.classes)).min())
    if rarest < FEWEST_ROWS:
        return Calibrated(predictions, "none", f"none: the rarest class has only {rarest} rows")
    if method != "auto":
        crossed = _crossed(predictions, truth, folds, method)
        return Calibrated(crossed, method, f"{method}, as set", _fit(predictions, truth, method))
    return _best(predictions, truth, folds, task, level, resamples)


def _best(
    predictions: Predictions,
    truth: Codes,
    folds: NDArray[np.int64],
    task: Task,
    level: float,
    resamples: int,
) -> Calibrated:
    candidates = {
        method: _crossed(predictions, truth, folds, method)
        for method in _candidates(task, len(predictions))
    }
    plain, *others = replicate(
        [_outcome(each, truth, task) for each in (predictions, *candidates.values())],
        resamples,
        ["log_loss"],
    )
    gains = {
        method: plain.difference(other, "log_loss", level)
        for method, other in zip(candidates, others, strict=True)
    }
    method = max(gains, key=lambda each: gains[each].value)
    gain = gains[method]
    if gain.low is None or gain.low <= 0:
        return Calibrated(
            predictions, "none", "none: it would not lower the log loss by more than noise"
        )
    why = f"{method}: it lowers the log loss by {significant(gain.value)}, more than noise"
    return Calibrated(candidates[method], method, why, _fit(predictions, truth, method))


def _candidates(task: Task, n: int) -> list[str]:
    if task is Task.MULTICLASS:
        return ["temperature"]
    return ["sigmoid", "isotonic"] if n >= FEWEST_FOR_ISOTONIC else ["sigmoid"]


def _crossed(
    predictions: Predictions, truth: Codes, folds: NDArray[np.int64], method: str
) -> Predictions:
    """Each fold calibrated by the others, in the order of the rows."""
    assert predictions.probabilities is not None
    calibrated = np.empty_like(predictions.probabilities)
    for fold in np.unique(folds):
        inside = folds == fold
        fitted = _fit(predictions.take(~inside), truth[~inside], method)
        calibrated[inside] = _apply(fitted, predictions.take(inside))
    return replace(predictions, probabilities=calibrated, scores=None)


def _fit(predictions: Predictions, truth: Codes, method: str) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    stand_in = _stand_in(predictions)
    assert predictions.classes is not None
    everything = np.arange(len(predictions))
    calibrated = CalibratedClassifierCV(
        FrozenEstimator(stand_in), method=method, cv=[(everything, everything)], ensemble=False
    )
    return calibrated.fit(everything[:, None], predictions.classes[truth])


def _apply(fitted: Any, predictions: Predictions) -> Floats:
    """Calibrated probabilities in the order of the predictions' own classes, shape (n, k)."""
    from sklearn.frozen import FrozenEstimator

    pair = fitted.calibrated_classifiers_[0]
    pair.estimator = FrozenEstimator(_stand_in(predictions))
    probabilities = fitted.predict_proba(np.arange(len(predictions))[:, None])
    order = _sorted_order(predictions)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return np.asarray(probabilities, dtype=np.float64)[:, back]


def _stand_in(predictions: Predictions) -> Any:
    from assay.evaluation.replay import Replay

    assert predictions.classes is not None
    assert predictions.probabilities is not None
    order = _sorted_order(predictions)
    scores = predictions.scores
    if scores is not None:
        flipped = scores.ndim == 1 and order[0] == 1
        scores = -scores if flipped else scores if scores.ndim == 1 else scores[:, order]
    return Replay(predictions.classes[order], predictions.probabilities[:, order], scores)


def _sorted_order(predictions: Predictions) -> NDArray[np.int64]:
    assert predictions.classes is not None
    return np.argsort(predictions.classes, kind="stable").astype(np.int64)


def _outcome(predictions: Predictions, truth: Codes, task: Task) -> Outcome:
    assert predictions.classes is not None
    return Outcome(
        task,
        predictions.rows,
        truth,
        tuple(predictions.classes),
        probabilities=predictions.probabilities,
    )
