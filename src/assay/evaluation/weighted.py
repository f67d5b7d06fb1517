"""An outcome under many sets of row weights at once: the sums that all metrics are made of.

One set of weights gives a metric's value; the counts of a thousand bootstrap resamples give a
thousand values for the price of a few matrix products (law 5: equal to scikit-learn's).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.outcome import Outcome
from assay.predictions import Floats

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Rows ordered by falling score, tied ones together.

    Attributes:
        order: Row positions by falling score, int64, shape (n,).
        starts: Where each group of tied rows begins within `order`, int64, shape (g,).
        positive: Whether the row in that place is of the positive class, float64, shape (n,).
    """

    order: Index
    starts: Index
    positive: Floats


@dataclass(frozen=True)
class Climb:
    """Weights of the rows that come in as the threshold falls, float64, shape (b, g) each.

    Attributes:
        new_hits: Positive rows that come in at each threshold.
        hits: Positive rows that are in by then.
        new: All rows that come in at each threshold.
        all: All rows that are in by then.
    """

    new_hits: Floats
    hits: Floats
    new: Floats
    all: Floats


class Scored:
    """What the metrics read of an outcome, computed once whatever the number of resamples."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._rankings: dict[int, Ranking] = {}

    def ranking(self, column: int) -> Ranking:
        """The rows ranked by the probability of a class."""
        if column not in self._rankings:
            probabilities = self.outcome.known_probabilities[:, column]
            order = np.argsort(-probabilities, kind="stable").astype(np.int64)
            ranked = probabilities[order]
            starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
            positive = (self.outcome.truth[order] == column).astype(np.float64)
            self._rankings[column] = Ranking(order, starts.astype(np.int64), positive)
        return self._rankings[column]

    @cached_property
    def log_losses(self) -> Floats:
        """Minus the logarithm of the true class's probability, shape (n,)."""
        probabilities = self.outcome.known_probabilities
        eps = np.finfo(np.float64).eps
        clipped = np.clip(probabilities, eps, 1 - eps)
        return -np.log(clipped[np.arange(len(clipped)), self.outcome.truth])

    @cached_property
    def brier_losses(self) -> Floats:
        """Squared distance of the probabilities from the truth, shape (n,).

        Binary: (p - y) squared; multiclass: summed over the classes (Brier 1950).
        """
        probabilities = self.outcome.known_probabilities
        misses = probabilities - np.eye(probabilities.shape[1])[self.outcome.truth]
        halved = 2.0 if probabilities.shape[1] == 2 else 1.0
        return (misses**2).sum(axis=1) / halved

    @cached_property
    def cell_groups(self) -> tuple[Index, Index, Index]:
        """Rows ordered by their cell of the confusion matrix, cells that occur, their starts."""
        assert self.outcome.decided is not None
        cells = self.outcome.truth * len(self.outcome.classes) + self.outcome.decided
        order = np.argsort(cells, kind="stable")
        present, starts = np.unique(cells[order], return_index=True)
        return order, present, starts

    @cached_property
    def residuals(self) -> Floats:
        """True minus predicted value, shape (n,)."""
        return self.outcome.truth - self.outcome.known_values


class Weighted:
    """A scored outcome under b sets of row weights, float64, shape (b, n)."""

    def __init__(self, scored: Scored, weights: Floats) -> None:
        self.scored = scored
        self.outcome = scored.outcome
        self.weights = weights

    @cached_property
    def total(self) -> Floats:
        """Sum of the weights, shape (b,)."""
        return self.weights.sum(axis=1)

    def mean(self, losses: Floats) -> Floats:
        """Weighted mean of something per row, shape (b,)."""
        return (self.weights @ losses) / self.total

    @cached_property
    def confusion(self) -> Floats:
        """Confusion matrices, true class down, shape (b, k, k)."""
        k = len(self.outcome.classes)
        order, present, starts = self.scored.cell_groups
        ordered = np.take(self.weights, order, axis=1)
        counts = np.zeros((len(self.weights), k * k))
        counts[:, present] = np.add.reduceat(ordered, starts, axis=1)
        return counts.reshape(-1, k, k)

    def climb(self, column: int) -> Climb:
        """What each falling threshold on a class's probability lets in."""
        ranking = self.scored.ranking(column)
        everything = np.take(self.weights, ranking.order, axis=1)
        hits = everything * ranking.positive
        if len(ranking.starts) < len(ranking.order):
            everything = np.add.reduceat(everything, ranking.starts, axis=1)
            hits = np.add.reduceat(hits, ranking.starts, axis=1)
        return Climb(hits, np.cumsum(hits, axis=1), everything, np.cumsum(everything, axis=1))

    @cached_property
    def binary_climb(self) -> Climb:
        """`climb` on the positive class, kept because several metrics read it."""
        return self.climb(1)
