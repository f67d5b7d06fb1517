"""Labels that may be wrong: rows that contradict a model by more than its probabilities allow.

Which rows: confident learning (Northcutt et al. 2021) on predictions by models that were not fitted
on them. Whether at all, and how many: labels that are flipped at random leave a floor under the
probability of every label, however sure the model is (Copas 1988). Where such a floor explains the
labels no better than the sharpened or flattened probabilities alone, nothing is suspected: rows of
classes that overlap are mistakes of nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from assay.evaluation.details import LabelError, LabelErrors
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats

STRICT = 36.0
"""Twice the log likelihood that a floor must gain: by chance so much once in a billion samples.

So strict because a model of a wrong form has heavy tails too (docs/why.md).
"""
_SMALLEST = 1e-6
_MOST_ROWS = 20_000
_SCALES, _NOISES = (-3.0, 3.0), (np.log(1e-6), np.log(0.5))


def label_errors(outcome: Outcome) -> LabelErrors | None:
    """Labels that may be wrong; None where they are no more than chance, and of a regression.

    Args:
        outcome: Predictions by models that were not fitted on these rows.
    """
    if not outcome.task.is_classification or outcome.has_labels or not len(outcome):
        return None
    log_p = np.log(np.maximum(outcome.known_probabilities, _SMALLEST))
    found = _floor(log_p, outcome.truth)
    if found is None:
        return None
    wrong = _wrong(_sharpened(log_p, outcome.truth, found[0]), found[1], len(outcome.classes))
    likely, margins = _confident(outcome)
    picked = np.flatnonzero((likely >= 0) & (wrong >= 0.5))
    if not len(picked):
        return None
    picked = picked[np.argsort(margins[picked], kind="stable")]
    return LabelErrors(
        n=max(len(picked), round(float(wrong.sum()))),
        of=len(outcome),
        rows=[_error(outcome, at, int(likely[at]), float(wrong[at])) for at in picked.tolist()],
    )


def _confident(outcome: Outcome) -> tuple[Any, Floats]:
    """Off the diagonal of the confident joint: the other class, or -1; and the margin, (n,).

    A row is confidently of a class if its probability reaches the mean of the rows labelled so; of
    several such classes it is of the most probable. The margin is that of the label over the other.
    """
    probabilities, truth = outcome.known_probabilities, outcome.truth
    at = np.arange(len(outcome))
    own = probabilities[at, truth]
    n = np.bincount(truth, minlength=probabilities.shape[1])
    sums = np.bincount(truth, own, minlength=len(n))
    thresholds = np.divide(sums, n, out=np.full(len(n), np.inf), where=n > 0)
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    likely = above.argmax(axis=1)
    is_off = (above[at, likely] >= 0) & (likely != truth)
    return np.where(is_off, likely, -1), own - probabilities[at, likely]


def _floor(log_p: Floats, truth: Any) -> tuple[float, float] | None:
    """Log of the exponent that sharpens probabilities, and share of random labels; None if none."""
    step = -(-len(truth) // _MOST_ROWS)  # one pass over every row costs more than it tells
    log_p, truth = log_p[::step], truth[::step]
    n_classes = log_p.shape[1]

    def lost(given: Floats) -> float:
        noise = float(np.exp(given[1])) if len(given) > 1 else 0.0
        own = _sharpened(log_p, truth, float(given[0]))
        return -float(np.log(own + noise * _flipped(own, n_classes)).sum())

    plain = minimize(lost, [0.0], method="L-BFGS-B", bounds=[_SCALES])
    floors = [
        minimize(lost, [0.0, np.log(noise)], method="L-BFGS-B", bounds=[_SCALES, _NOISES])
        for noise in (0.01, 0.1)
    ]
    best = min(floors, key=lambda each: float(each.fun))
    if 2 * (plain.fun - best.fun) < STRICT:
        return None
    return float(best.x[0]), float(np.exp(best.x[1]))


def _sharpened(log_p: Floats, truth: Any, scale: float) -> Floats:
    """Probability of each label after all were raised to the power exp(scale), shape (n,)."""
    return np.exp(log_softmax(np.exp(scale) * log_p, axis=1)[np.arange(len(truth)), truth])


def _flipped(own: Floats, n_classes: int) -> Floats:
    """What one flip of every label to another class adds to the probability of each, (n,)."""
    return (1 - own) / (n_classes - 1) - own


def _wrong(own: Floats, noise: float, n_classes: int) -> Floats:
    """Probability that a label is a flipped one, shape (n,)."""
    return noise * (1 - own) / (n_classes - 1) / (own + noise * _flipped(own, n_classes))


def _error(outcome: Outcome, at: int, likely: int, wrong: float) -> LabelError:
    given = int(outcome.truth[at])
    own, other = (float(outcome.known_probabilities[at, code]) for code in (given, likely))
    label, better = (str(outcome.classes[code]) for code in (given, likely))
    return LabelError(int(outcome.rows[at]), label, better, own, other, wrong)
