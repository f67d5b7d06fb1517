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

from assay.evaluation.details import LabelError, LabelErrors
from assay.evaluation.label_floor import SMALLEST, floor_of
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats

STRICT = 36.0
"""Twice the log likelihood that a floor must gain: by chance so much once in a billion samples.

So strict because a model of a wrong form has heavy tails too (docs/why.md).
"""
_MOST_ROWS = 20_000


def label_errors(outcome: Outcome) -> LabelErrors | None:
    """Labels that may be wrong; None where they are no more than chance, and of a regression.

    Args:
        outcome: Predictions by models that were not fitted on these rows.
    """
    if not outcome.task.is_classification or outcome.has_labels or not len(outcome):
        return None
    log_p = np.log(np.maximum(outcome.known_probabilities, SMALLEST))
    step = -(-len(outcome) // _MOST_ROWS)  # one pass over every row costs more than it tells
    floor = floor_of(log_p[::step], outcome.truth[::step])
    if floor.gain < STRICT:
        return None
    wrong = floor.wrong(log_p, outcome.truth)
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


def _error(outcome: Outcome, at: int, likely: int, wrong: float) -> LabelError:
    given = int(outcome.truth[at])
    own, other = (float(outcome.known_probabilities[at, code]) for code in (given, likely))
    label, better = (str(outcome.classes[code]) for code in (given, likely))
    return LabelError(int(outcome.rows[at]), label, better, own, other, wrong)
