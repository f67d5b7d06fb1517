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

Counts = NDArray[np.uint8]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Rows ordered by falling score, and the thresholds at which positive rows come in.

    Attributes:
        order: Row positions by falling score, int64, shape (n,).
        tied: Places in `order` of the first and the last row of each threshold, (2, g).
        positive: Places in `order` of the positive rows, shape (p,).
        tied_positive: Places in `positive` of the first and the last row of each, (2, g).
    """

    order: Index
    tied: Index
    positive: Index
    tied_positive: Index

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_]) -> Ranking:
        order = np.argsort(-scores, kind="stable").astype(np.int64)
        rising = -scores[order]
        places = np.flatnonzero(positive[order])
        thresholds = np.unique(rising[places])
        return cls(
            order,
            tied=_first_and_last(rising, thresholds),
            positive=places,
            tied_positive=_first_and_last(rising[places], thresholds),
        )


@dataclass(frozen=True)
class Climb:
    """Weights of the rows that come in as the threshold falls, float64, shape (b, g) each.

    Only thresholds at which positive rows come in: neither ROC nor precision at a gain of recall
    can change without one.

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
            probabilities = self.outcome.known_probabilities[:, column] * self.outcome.ranks
            positive = self.outcome.truth == column
            self._rankings[column] = Ranking.of(probabilities, positive)
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
    """A scored outcome under b sets of row weights, shape (b, n).

    The weights are float64, or uint8 for counts of rows: their sums are exact whatever the order,
    and eight times as many fit a processor's cache.
    """

    def __init__(self, scored: Scored, weights: Floats | Counts) -> None:
        self.scored = scored
        self.outcome = scored.outcome
        self.weights = weights
        self._summed = np.int32 if weights.dtype == np.uint8 else np.float64

    @cached_property
    def total(self) -> Floats:
        """Sum of the weights, shape (b,)."""
        return self.weights.sum(axis=1, dtype=self._summed).astype(np.float64)

    def mean(self, losses: Floats) -> Floats:
        """Weighted mean of something per row, shape (b,)."""
        return (self.weights @ losses) / self.total

    @cached_property
    def confusion(self) -> Floats:
        """Confusion matrices, true class down, shape (b, k, k)."""
        k = len(self.outcome.classes)
        order, present, starts = self.scored.cell_groups
        ordered = self.weights.take(order, axis=1)
        counts = np.zeros((len(self.weights), k * k))
        counts[:, present] = np.add.reduceat(ordered, starts, axis=1, dtype=self._summed)
        return counts.reshape(-1, k, k)

    def climb(self, column: int) -> Climb:
        """What each falling threshold on a class's probability lets in."""
        ranking = self.scored.ranking(column)
        ranked = self.weights.take(ranking.order, axis=1)
        new, everything = self._let_in(ranked, ranking.tied)
        positive = ranked.take(ranking.positive, axis=1)
        return Climb(*self._let_in(positive, ranking.tied_positive), new, everything)

    def _let_in(self, ranked: Floats | Counts, tied: Index) -> tuple[Floats, Floats]:
        """Weights that come in with each group of tied rows, and those that are in by then."""
        first, last = tied
        sums = np.cumsum(ranked, axis=1, dtype=self._summed)
        by_then = sums.take(last, axis=1)
        new = by_then - sums.take(first, axis=1) + ranked.take(first, axis=1)
        return new.astype(np.float64), by_then.astype(np.float64)

    @cached_property
    def binary_climb(self) -> Climb:
        """`climb` on the positive class, kept because several metrics read it."""
        return self.climb(1)


def _first_and_last(ascending: Floats, values: Floats) -> Index:
    """Places of the first and the last of the elements that equal each value, (2, g)."""
    last = np.searchsorted(ascending, values, "right") - 1
    return np.stack([np.searchsorted(ascending, values, "left"), last])
