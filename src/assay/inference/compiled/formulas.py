"""Formulas: what is computed once an encoded row is there, with the operations of scikit-learn.

The same functions of NumPy and SciPy are called on arrays of the same shape and order: a sum in
another order has other last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from assay.predictions import Floats

Entries = Sequence[tuple[int, float]]

_MOST_OF_ONE_THREAD = 4096
"""Products up to which a BLAS uses one thread, whatever its settings."""


def of_binary(margin: float) -> Floats:
    """Probabilities from a margin, by the logistic function, shape (1, 2)."""
    positive = expit(margin)
    return np.array([[1 - positive, positive]])


def of_scores(scores: Floats) -> Floats:
    """Probabilities from scores, by `sklearn.utils.extmath.softmax`, shape (1, k)."""
    scores = scores - scores.max(axis=1).reshape(-1, 1)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1).reshape(-1, 1)
    return scores


def of_light_scores(scores: list[float]) -> Floats:
    """Probabilities from scores as LightGBM computes them, shape (1, k)."""
    largest = max(scores)
    shares = [math.exp(score - largest) for score in scores]
    total = 0.0
    for share in shares:
        total += share
    return np.array([[share / total for share in shares]])


def of_light_binary(margin: float) -> Floats:
    """Probabilities from a margin as LightGBM computes them, shape (1, 2).

    Raises:
        OverflowError: It is further below zero than a float's exponential reaches.
    """
    positive = 1.0 / (1.0 + math.exp(-margin))
    return np.array([[1.0 - positive, positive]])


def dense_product(weights: Floats, intercepts: Any) -> Callable[[list[float]], Floats] | None:
    """What a linear model makes of a row, shape (1, k); None if a BLAS may share it out.

    Args:
        weights: As it is multiplied with, shape (d, k), in the order in memory that it has there.
        intercepts: Added to it.
    """
    if weights.size > _MOST_OF_ONE_THREAD:
        return None

    def product(row: list[float]) -> Floats:
        array = np.array([row])
        _refuse_infinite(array)
        made: Floats = array @ weights + intercepts
        return made

    return product


def sparse_product(weights: Floats, intercepts: Any) -> Callable[[Entries], Floats]:
    """What a linear model makes of a sparse row, shape (1, k): one entry after the other."""
    intercept = np.asarray(intercepts, dtype=np.float64).reshape(-1)
    columns = np.ascontiguousarray(weights, dtype=np.float64)
    if columns.shape[1] == 1:
        alone = columns[:, 0].tolist()

        def one(entries: Entries) -> Floats:
            total = 0.0
            for place, value in entries:
                total += value * alone[place]
            _refuse_infinite(total)
            return np.array([[total]]) + intercept

        return one

    def several(entries: Entries) -> Floats:
        totals = np.zeros((1, columns.shape[1]))
        for place, value in entries:
            totals += value * columns[place]
        _refuse_infinite(totals)
        return totals + intercept

    return several


def _refuse_infinite(numbers: Any) -> None:
    """scikit-learn refuses rows that are too large, in words of its own.

    Raises:
        ValueError: A number is infinite or none.
    """
    if not np.isfinite(numbers).all():
        raise ValueError("a number is too large")
