"""The curves of an outcome: what a report draws of it."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

from assay.data.schema import Task
from assay.evaluation.curves import (
    Curves,
    PrecisionRecallCurve,
    Reliability,
    Residuals,
    RocCurve,
)
from assay.evaluation.outcome import Outcome
from assay.evaluation.weighted import Scored, Weighted
from assay.predictions import Floats

_MOST_POINTS = 400
_MOST_RESIDUALS = 2000
_BINS = 10


def curves_of(outcome: Outcome) -> Curves:
    """The curves that fit the outcome's task."""
    if outcome.task is Task.REGRESSION:
        return Curves(residuals=_residuals(outcome))
    if outcome.task is Task.MULTICLASS:
        top = outcome.known_probabilities.max(axis=1)
        right = outcome.known_probabilities.argmax(axis=1) == outcome.truth
        return Curves(reliability=_reliability(top, right.astype(np.float64)))
    climb = Weighted(Scored(outcome), np.ones((1, len(outcome)))).binary_climb
    hits, everything = climb.hits[0], climb.all[0]
    rates = hits / hits[-1]
    alarm_rates = (everything - hits) / (everything[-1] - hits[-1])
    shown = _thinned(len(hits))
    return Curves(
        roc=RocCurve(np.append(0.0, alarm_rates[shown]), np.append(0.0, rates[shown])),
        precision_recall=PrecisionRecallCurve(
            rates[shown], (hits / everything)[shown], float(hits[-1] / everything[-1])
        ),
        reliability=_reliability(
            outcome.known_probabilities[:, 1], outcome.truth.astype(np.float64)
        ),
    )


def _reliability(predicted: Floats, happened: Floats) -> Reliability:
    """Bins of equal count with exact intervals (Clopper and Pearson 1934)."""
    order = np.argsort(predicted, kind="stable")
    bins = [each for each in np.array_split(order, min(_BINS, len(order))) if len(each)]
    n = np.array([len(each) for each in bins], dtype=np.float64)
    k = np.array([happened[each].sum() for each in bins])
    with np.errstate(invalid="ignore"):
        low = np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), n - k + 1, 0.025))
        high = np.where(k == n, 1.0, betaincinv(k + 1, np.maximum(n - k, 1), 0.975))
    means = np.array([predicted[each].mean() for each in bins])
    return Reliability(means, k / n, low, high, n)


def _residuals(outcome: Outcome) -> Residuals:
    shown = np.sort(np.random.default_rng(0).permutation(len(outcome))[:_MOST_RESIDUALS])
    predicted = outcome.known_values[shown]
    return Residuals(predicted, outcome.truth[shown] - predicted)


def _thinned(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """At most a few hundred of n points, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_POINTS)).round().astype(np.int64))
