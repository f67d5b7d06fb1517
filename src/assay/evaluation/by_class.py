"""Precision, recall and F1 of each class, with their intervals, from one confusion of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.closed import wilson
from assay.evaluation.design import Design
from assay.evaluation.details import ClassScores
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats

_TIED = "rows come in groups or in time, which this form does not allow for"
_FIXED = "so many rows of each class were asked for, which this form does not allow for"
_NO_CLASS = ("no row is decided so", "no row is of this class", "no row is of it or decided so")
_NO_LABEL = ("no row is given it", "no row has it", "no row has it or is given it")


def by_class(outcome: Outcome, level: float) -> tuple[ClassScores, ...]:
    """Each class of several, or each label; of two classes, and of a regression, the metrics say it
    all: empty.

    Intervals are Wilson's. With sample weights they are those of as many rows of equal weight as
    have the same variance, (sum w)^2 / sum w^2 (Kish 1965). Rows in groups or in time have none;
    where class counts are fixed, only recall has one, which counts a class by itself.

    Args:
        outcome: Predictions with the truth.
        level: Level of the intervals.
    """
    if outcome.decided is None or outcome.task is Task.BINARY:
        return ()
    k, weights = len(outcome.classes), outcome.known_weights

    def sums(codes: Any, of: Any) -> Floats:
        """Sum of the weights and of their squares by class, shape (k, 2)."""
        powers = np.stack([weights, weights**2], axis=1)
        if outcome.has_labels:
            return (codes * of).T @ powers
        each = powers * of[:, None]
        return np.stack([np.bincount(codes, column, minlength=k) for column in each.T], axis=1)

    every, hit = np.ones_like(outcome.truth), outcome.truth == outcome.decided
    true, decided = sums(outcome.truth, every), sums(outcome.decided, every)
    hits = sums(outcome.truth, hit)
    either = true + decided - hits
    support = outcome.class_counts
    tied = _TIED if outcome.clusters is not None else None
    mixed = tied or (_FIXED if outcome.design is Design.CLASSES else None)
    none_said, none_is, neither = _NO_LABEL if outcome.has_labels else _NO_CLASS
    return tuple(
        ClassScores(
            str(label),
            int(support[at]),
            precision=_share(hits[at], decided[at], level, mixed, none_said),
            recall=_share(hits[at], true[at], level, tied, none_is),
            f1=_f1(_share(hits[at], either[at], level, mixed, neither)),
        )
        for at, label in enumerate(outcome.classes)
    )


def _share(part: Floats, whole: Floats, level: float, reason: str | None, empty: str) -> Estimate:
    if whole[0] <= 0:
        return Estimate.without_interval(0.0, n=0, reason=empty)
    value, n = float(part[0] / whole[0]), float(whole[0] ** 2 / whole[1])
    if reason is not None:
        return Estimate.without_interval(value, n=round(n), reason=reason)
    low, high = wilson(min(value * n, n), n, level)
    return Estimate(value, low, high, n=round(n), level=level, method="Wilson")


def _f1(share: Estimate) -> Estimate:
    """F1 = 2 j / (1 + j) rises with the share j of hits among rows of a class or decided so."""
    value, low, high = (
        None if each is None else 2 * each / (1 + each)
        for each in (share.value, share.low, share.high)
    )
    assert value is not None
    return Estimate(value, low, high, share.n, share.level, share.method, share.reason)
