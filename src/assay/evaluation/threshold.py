"""The threshold of a binary decision: chosen on out-of-fold probabilities, never 0.5 by default.

To say honestly what a chosen threshold is worth, each fold is decided at the threshold that the
other folds chose, or the earlier ones where they are in time order; the model that is logged gets
the threshold that all of them choose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.crossing import crossings
from assay.evaluation.outcome import Codes
from assay.evaluation.result import Threshold
from assay.predictions import Floats

Goal = str | float

_TINY = np.finfo(np.float64).tiny


def choose(positive: Floats, truth: Codes, goal: Goal, weights: Floats | None = None) -> Threshold:
    """The threshold that reaches the most on these rows.

    Args:
        positive: Probability of the positive class, shape (n,).
        truth: 1 for the positive class, else 0, shape (n,).
        goal: 'f1', 'balanced_accuracy', or the threshold itself.
        weights: Sample weights, shape (n,); None when all rows count the same.
    """
    if not isinstance(goal, str):
        return Threshold(float(goal), "given")
    order = np.argsort(-positive, kind="stable")
    ranked = positive[order]
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    yes, no = (truth, 1 - truth) if weights is None else (truth * weights, (1 - truth) * weights)
    hits = np.cumsum(yes[order])[last_of_tie]
    alarms = np.cumsum(no[order])[last_of_tie]
    scores = _scores(hits, alarms, yes.sum(), no.sum(), goal)
    best = int(np.argmax(scores))
    below = ranked[last_of_tie[best + 1]] if best + 1 < len(last_of_tie) else 0.0
    lowest = ranked[last_of_tie[best]]
    middle = (lowest + below) / 2
    # Of two numbers next to each other there is none between: their mean may be the lower one.
    value = float(middle if middle > below else lowest)
    half = positive >= 0.5
    at_half = _scores(yes[half].sum(), no[half].sum(), yes.sum(), no.sum(), goal)
    return Threshold(value, goal, float(scores[best]), float(at_half))


def decide(positive: Floats, threshold: float) -> Codes:
    """1 where the probability reaches the threshold, else 0."""
    return (positive >= threshold).astype(np.int64)


def cross_decided(
    positive: Floats,
    truth: Codes,
    folds: NDArray[np.int64],
    goal: Goal,
    weights: Floats | None = None,
    *,
    ordered: bool = False,
) -> Codes:
    """Decisions for each fold at the threshold that the other folds choose, shape (n,).

    A fold whose teachers lack a class, as the earliest of ordered folds has none, is decided at
    one half: where right and wrong cost the same, no other is better without knowing more.

    Args:
        positive: Probability of the positive class, shape (n,).
        truth: 1 for the positive class, else 0, shape (n,).
        folds: Fold of each row, shape (n,).
        goal: 'f1', 'balanced_accuracy', or the threshold itself.
        weights: Sample weights, shape (n,); None when all rows count the same.
        ordered: Whether folds are in time order: then only the earlier ones choose.
    """
    decided = np.empty(len(positive), dtype=np.int64)
    for inside, others in crossings(folds, ordered=ordered):
        teaches = not isinstance(goal, str) or len(np.unique(truth[others])) == 2
        known = weights[others] if weights is not None else None
        chosen = choose(positive[others], truth[others], goal if teaches else 0.5, known)
        decided[inside] = decide(positive[inside], chosen.value)
    return decided


def _scores(hits: Any, alarms: Any, positives: Any, negatives: Any, goal: str) -> Any:
    """The goal reached where so many (or so much weight) are let in, with as many as there are."""
    if goal == "f1":
        return 2 * hits / np.maximum(hits + alarms + positives, _TINY)
    sensitivity = hits / np.maximum(positives, _TINY)
    specificity = 1 - alarms / np.maximum(negatives, _TINY)
    return (sensitivity + specificity) / 2
