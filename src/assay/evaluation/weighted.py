"""An outcome under many sets of row weights at once: the sums that all metrics are made of.

One set of weights gives a metric's value; the counts of a thousand bootstrap resamples give a
thousand values for the price of a few matrix products (law 5: equal to scikit-learn's).

What is summed over is rows that belong together (a cell of the confusion matrix, a step of the ROC
curve), as the product of a sparse matrix of ones and of the weights, which lie side by side in
memory for each row: so rows are fetched in any order and added for all resamples at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from assay.evaluation.labelled import NOT, label_losses, of_label
from assay.evaluation.outcome import Outcome
from assay.evaluation.top import hits
from assay.predictions import Floats

Counts = NDArray[np.uint8]
Index = NDArray[np.int64]

_CELLS_AT_ONCE = 32_768
_STEPS_IN_A_ROW = 32
_LAST_WHOLE_FLOAT32 = 2**24
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Ranking:
    """Which rows come in as the threshold falls to each score that a positive row has.

    Thresholds are in an order that suits sums over all before one: see `_place`. Matrices of ones,
    of shape (g, n), say which rows; the last thresholds may be of none.

    Attributes:
        hits: Positive rows that come in with each threshold.
        others: Other rows that come in with it or since the one before.
        tied: Those of them that come in with it; None where there are none at all.
    """

    hits: csr_array
    others: csr_array
    tied: csr_array | None

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_]) -> Ranking:
        falling, n = -scores, len(scores)
        thresholds = np.unique(falling[positive])
        g = -(-max(1, len(thresholds)) // _STEPS_IN_A_ROW) * _STEPS_IN_A_ROW
        step = np.searchsorted(thresholds, falling)
        hits, others = np.flatnonzero(positive), np.flatnonzero(~positive)
        others = others[step[others] < len(thresholds)]
        tied = others[thresholds[step[others]] == falling[others]]
        return cls(
            hits=_ones(_place(step[hits], g), hits, (g, n)),
            others=_ones(_place(step[others], g), others, (g, n)),
            tied=_ones(_place(step[tied], g), tied, (g, n)) if len(tied) else None,
        )


@dataclass(frozen=True)
class Climb:
    """What comes in as the threshold falls, summed over the way, float64, shape (b,) each.

    Attributes:
        positive: Weight of the positive rows.
        wrong: Pairs of a positive and another row that are ranked wrong, ties counting half.
        precise: Precision once each positive row is in, summed over them.
    """

    positive: Floats
    wrong: Floats
    precise: Floats


class Scored:
    """What the metrics read of an outcome, computed once whatever the number of resamples."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._rankings: dict[int, Ranking] = {}

    def ranking(self, column: int) -> Ranking:
        """The rows ranked by the probability of a class."""
        if column not in self._rankings:
            probabilities = self.outcome.known_probabilities[:, column] * self.outcome.ranks
            self._rankings[column] = Ranking.of(probabilities, self.outcome.of_class(column))
        return self._rankings[column]

    @cached_property
    def losses(self) -> Mapping[str, Floats]:
        """What metrics are means of, by name, shape (n,) each."""
        if self.outcome.has_labels:
            return label_losses(self.outcome)
        if self.outcome.values is None:
            return {"log": self._log_losses, "brier": self._brier_losses, **hits(self.outcome)}
        errors = self.outcome.truth - self.outcome.known_values
        # Shifted first: squares of values far from zero would leave no digits for their spread.
        shifted = self.outcome.truth - self.outcome.truth.mean()
        return {
            "squared": errors**2, "absolute": np.abs(errors),
            "shifted": shifted, "shifted squared": shifted**2,
        }  # fmt: skip

    @cached_property
    def summed(self) -> Floats:
        """One for each row, and its losses, float64, shape (1 + m, n)."""
        return np.stack([np.ones(len(self.outcome)), *self.losses.values()])

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each loss is among what is summed, by name."""
        return {name: place for place, name in enumerate(self.losses, start=1)}

    @cached_property
    def cells(self) -> csr_array:
        """Which rows are in each cell of the confusion matrix, as ones, shape (k k, n)."""
        assert self.outcome.decided is not None
        k, n = len(self.outcome.classes), len(self.outcome)
        cells = self.outcome.truth * k + self.outcome.decided
        return _ones(cells, np.arange(n), (k * k, n))

    @property
    def _log_losses(self) -> Floats:
        """Minus the logarithm of the true class's probability, shape (n,)."""
        probabilities = self.outcome.known_probabilities
        eps = np.finfo(np.float64).eps
        clipped = np.clip(probabilities, eps, 1 - eps)
        return -np.log(clipped[np.arange(len(clipped)), self.outcome.truth])

    @property
    def _brier_losses(self) -> Floats:
        """Squared distance of the probabilities from the truth, shape (n,).

        Binary: (p - y) squared; multiclass: summed over the classes (Brier 1950).
        """
        probabilities = self.outcome.known_probabilities
        misses = probabilities - np.eye(probabilities.shape[1])[self.outcome.truth]
        halved = 2.0 if probabilities.shape[1] == 2 else 1.0
        return (misses**2).sum(axis=1) / halved


class Weighted:
    """A scored outcome under b sets of row weights, shape (b, n).

    The weights are float64, or uint8 for counts of rows, whose sums are exact whatever the order.
    They are read fastest where those of one row lie side by side in memory.
    """

    def __init__(self, scored: Scored, weights: Floats | Counts) -> None:
        self.scored = scored
        self.outcome = scored.outcome
        self.weights = weights

    @property
    def total(self) -> Floats:
        """Sum of the weights, shape (b,)."""
        return self._sums[0]

    def others(self, column: int) -> Floats:
        """Weight of the rows of other classes, exactly 0 where there are none, shape (b,)."""
        if self.outcome.has_labels:
            return self.sum(of_label(NOT, column))
        return np.delete(self.confusion, column, axis=1).sum(axis=(1, 2))

    def sum(self, name: str) -> Floats:
        """Weighted sum of one of the losses, shape (b,)."""
        return self._sums[self.scored.places[name]]

    def mean(self, name: str) -> Floats:
        """Weighted mean of one of the losses, shape (b,)."""
        return self.sum(name) / self.total

    def of_labels(self, name: str) -> Floats:
        """Weighted sums of what `label_losses` tells of each label, shape (b, k)."""
        k = len(self.outcome.classes)
        return np.stack([self.sum(of_label(name, code)) for code in range(k)], axis=1)

    @cached_property
    def confusion(self) -> Floats:
        """Confusion matrices, true class down, shape (b, k, k)."""
        k = len(self.outcome.classes)
        cells: Floats = (self.scored.cells @ self._by_row).astype(np.float64)
        return np.ascontiguousarray(cells.T).reshape(-1, k, k)

    def climb(self, column: int) -> Climb:
        """What each falling threshold on a class's probability lets in.

        All rows of steps are climbed at once, from what those before them reach: many times faster
        than `np.cumsum`, which adds one number after another.
        """
        ranking = self.scored.ranking(column)
        new = _in_rows(ranking.hits @ self._by_row)
        new_misses = _in_rows(ranking.others @ self._by_row)
        tied = None if ranking.tied is None else _in_rows(ranking.tied @ self._by_row)
        # So that precision before the first row of any weight is 0.
        hits, misses = _before(new), _before(new_misses) + _TINY
        wrong, precise, gained, part = (np.zeros(hits.shape) for _ in range(4))
        for step in range(_STEPS_IN_A_ROW):
            np.copyto(gained, new[step])
            hits += gained
            misses += new_misses[step]
            np.multiply(misses, gained, out=part)
            if tied is not None:
                part -= gained * tied[step] / 2
            wrong += part
            np.add(hits, misses, out=part)
            np.divide(hits, part, out=part)
            part *= gained
            precise += part
        return Climb(hits[-1], wrong.sum(axis=0), precise.sum(axis=0))

    @cached_property
    def binary_climb(self) -> Climb:
        """`climb` on the positive class, kept because several metrics read it."""
        return self.climb(1)

    @cached_property
    def _by_row(self) -> NDArray[Any]:
        """The weights of each row side by side, shape (n, b): float32 if their sums are exact."""
        counted = self.weights.dtype == np.uint8 and self.total.max() <= _LAST_WHOLE_FLOAT32
        return np.ascontiguousarray(self.weights.T, dtype=np.float32 if counted else np.float64)

    @cached_property
    def _sums(self) -> Floats:
        """Sums of the weights and of the weighted losses, shape (1 + m, b)."""
        b, n = self.weights.shape
        size = max(1, _CELLS_AT_ONCE // b)
        weights, values = self.weights.T, self.scored.summed
        sums, part = np.zeros((len(values), b)), np.empty((size, b))
        for start in range(0, n, size):
            some = weights[start : start + size]
            np.copyto(part[: len(some)], some)
            sums += values[:, start : start + size] @ part[: len(some)]
        return sums


def _ones(places: Index, rows: Index, shape: tuple[int, int]) -> csr_array:
    """A matrix of ones at these places and rows."""
    ones = np.ones(len(rows), dtype=np.float32)
    return csr_array((ones, (places.astype(np.int32), rows.astype(np.int32))), shape=shape)


def _place(steps: Index, g: int) -> Index:
    """Where each step of a climb stands: the first of each row of steps come first, and so on."""
    return steps % _STEPS_IN_A_ROW * (g // _STEPS_IN_A_ROW) + steps // _STEPS_IN_A_ROW


def _in_rows(steps: NDArray[Any]) -> NDArray[Any]:
    """Steps of a climb by their place in a row, shape (r, g / r, b)."""
    return steps.reshape(_STEPS_IN_A_ROW, -1, steps.shape[1])


def _before(steps: NDArray[Any]) -> Floats:
    """What is in before each row of steps begins, shape (g / r, b)."""
    sums = steps.sum(axis=0, dtype=np.float64)
    before = np.zeros_like(sums)
    np.cumsum(sums[:-1], axis=0, out=before[1:])
    return before


def of_equal_rows(scored: Scored) -> Floats:
    """Rows by true and decided class, (k, k); of several labels nothing, for no metric reads it."""
    if scored.outcome.has_labels:
        return np.empty((0, 0))
    return Weighted(scored, np.ones((1, len(scored.outcome)))).confusion[0]
