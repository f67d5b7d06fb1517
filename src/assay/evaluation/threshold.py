"""The threshold of a binary decision: chosen on out-of-fold probabilities, never 0.5 by default.

To say honestly what a chosen threshold is worth, each fold is decided at the threshold that the
other folds chose; the model that is logged gets the threshold that all of them choose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.outcome import Codes
from assay.evaluation.result import Threshold
from assay.predictions import Floats

Goal = str | float


def choose(positive: Floats, truth: Codes, goal: Goal) -> Threshold:
    """The threshold that reaches the most on these rows.

    Args:
        positive: Probability of the positive class, shape (n,).
        truth: 1 for the positive class, else 0, shape (n,).
        goal: 'f1', 'balanced_accuracy', or the threshold itself.
    """
    if not isinstance(goal, str):
        return Threshold(float(goal), "given")
    order = np.argsort(-positive, kind="stable")
    ranked = positive[order]
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits = np.cumsum(truth[order])[last_of_tie]
    alarms = last_of_tie + 1 - hits
    scores = _scores(hits, alarms, int(truth.sum()), len(truth), goal)
    best = int(np.argmax(scores))
    below = ranked[last_of_tie[best + 1]] if best + 1 < len(last_of_tie) else 0.0
    value = float((ranked[last_of_tie[best]] + below) / 2)
    half = positive >= 0.5
    at_half = _scores(
        np.array([truth[half].sum()]),
        np.array([(1 - truth[half]).sum()]),
        int(truth.sum()),
        len(truth),
        goal,
    )
    return Threshold(value, goal, float(scores[best]), float(at_half[0]))


def decide(positive: Floats, threshold: float) -> Codes:
    """1 where the probability reaches the threshold, else 0."""
    return (positive >= threshold).astype(np.int64)


def cross_decided(positive: Floats, truth: Codes, folds: NDArray[np.int64], goal: Goal) -> Codes:
    """Decisions for each fold at the threshold that the other folds choose, shape (n,)."""
    decided = np.empty(len(positive), dtype=np.int64)
    for fold in np.unique(folds):
        inside = folds == fold
        chosen = choose(positive[~inside], truth[~inside], goal)
        decided[inside] = decide(positive[inside], chosen.value)
    return decided


def _scores(
    hits: NDArray[np.int64], alarms: NDArray[np.int64], n_positive: int, n: int, goal: str
) -> Floats:
    if goal == "f1":
        return 2 * hits / np.maximum(hits + alarms + n_positive, 1)
    sensitivity = hits / max(n_positive, 1)
    specificity = 1 - alarms / max(n - n_positive, 1)
    return (sensitivity + specificity) / 2
