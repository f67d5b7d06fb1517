"""The curves of an outcome: what a report draws of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.evaluation.closed import clopper_pearson
from assay.evaluation.curves import (
    Curves,
    PrecisionRecallCurve,
    Reliability,
    Residuals,
    RocCurve,
)
from assay.evaluation.outcome import Outcome
from assay.evaluation.residual_patterns import residual_patterns
from assay.evaluation.threshold import Ladder
from assay.predictions import Floats

_MOST_POINTS = 400
_MOST_RESIDUALS = 2000
_BINS = 10


def curves_of(outcome: Outcome) -> Curves:
    """The curves that fit the outcome's task; of several labels none."""
    if outcome.has_labels:
        return Curves()
    if outcome.task is Task.REGRESSION:
        return Curves(residuals=_residuals(outcome), patterns=residual_patterns(outcome))
    if outcome.task is Task.MULTICLASS:
        top = outcome.known_probabilities.max(axis=1)
        right = outcome.known_probabilities.argmax(axis=1) == outcome.truth
        return Curves(reliability=_reliability(outcome, top, right))
    positive = outcome.known_probabilities[:, 1]
    ladder = Ladder.of(positive, outcome.truth, outcome.weights)
    weighs = ladder.hits[:-1] + ladder.alarms[:-1] > 0  # the first rows may be of no weight
    hits, alarms = ladder.hits[:-1][weighs], ladder.alarms[:-1][weighs]
    everything = hits + alarms
    rates, alarm_rates = hits / hits[-1], alarms / alarms[-1]
    shown = _thinned(len(hits))
    return Curves(
        roc=RocCurve(np.append(0.0, alarm_rates[shown]), np.append(0.0, rates[shown])),
        precision_recall=PrecisionRecallCurve(
            rates[shown], (hits / everything)[shown], float(hits[-1] / everything[-1])
        ),
        reliability=_reliability(outcome, positive, outcome.truth == 1),
    )


def _reliability(outcome: Outcome, predicted: Floats, happened: NDArray[np.bool_]) -> Reliability:
    """Bins of equal count, with exact intervals as far as rows count.

    Weighted or related rows count for fewer than they are (Korn and Graubard 1998).
    """
    order = np.argsort(predicted, kind="stable")
    order = order[outcome.known_weights[order] > 0]  # rows of no weight say nothing
    bins = [each for each in np.array_split(order, min(_BINS, len(order))) if len(each)]
    weights = outcome.known_weights
    means = np.array([np.average(predicted[each], weights=weights[each]) for each in bins])
    observed = np.array([np.average(happened[each], weights=weights[each]) for each in bins])
    n = np.array([_counting(outcome, happened, each) for each in bins])
    each = zip(observed * n, n, strict=True)
    low, high = np.array([clopper_pearson(float(k), float(m), 0.95) for k, m in each]).T
    return Reliability(means, observed, low, high, np.array([float(len(each)) for each in bins]))


def _counting(outcome: Outcome, happened: NDArray[np.bool_], rows: NDArray[np.int64]) -> float:
    """How many independent rows of equal weight would tell a frequency as well as these do."""
    if outcome.weights is None and outcome.clusters is None:
        return float(len(rows))
    weights = outcome.known_weights[rows]
    clusters = rows if outcome.clusters is None else outcome.clusters[rows]
    members = np.unique(clusters, return_inverse=True)[1]
    p, g = np.average(happened[rows], weights=weights), members.max() + 1
    if p in (0, 1) or g == 1:
        return float(g)
    apart = np.bincount(members, weights * (happened[rows] - p)) / weights.sum()
    variance = g / (g - 1) * (apart**2).sum()
    return float(min(len(rows), p * (1 - p) / variance))


def _residuals(outcome: Outcome) -> Residuals:
    shown = np.sort(np.random.default_rng(0).permutation(len(outcome))[:_MOST_RESIDUALS])
    predicted = outcome.known_values[shown]
    return Residuals(predicted, outcome.truth[shown] - predicted)


def _thinned(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """At most a few hundred of n points, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_POINTS)).round().astype(np.int64))
