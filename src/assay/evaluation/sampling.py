"""Sampling: how often a bootstrap resample draws each row, and what the row then weighs.

Rows are drawn one by one, or in whole clusters where rows of one person, place or day go together
(Davison and Hinkley 1997, section 3.8): to draw related rows as if each told something new makes
intervals too narrow. The draws depend on a seed and the number of rows or clusters only.

Of many units each is drawn by itself, a Poisson number of times with mean 1 (Hanley and MacGibbon
2006), which is several times cheaper. How many there are in all then varies; metrics, which are
ratios of sums, do not notice. Probabilities are exact to 1 in 65536: nothing is drawn more than 8
times, where one unit in 900,000 would be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.settings import MANY, RESAMPLES, RESAMPLES_OF_MANY, Resamples
from assay.evaluation.weighted import Counts
from assay.predictions import Floats

POISSON_FROM = 5_000
"""Units from which each is drawn by itself."""

MOST_LEFT_OUT = 200
"""Groups of units that are left out in turn, where there are more units than that."""

_STEPS = np.round(65536 * pdtr(np.arange(8), 1)).astype(np.uint16)
"""Where 16 random bits begin to mean one draw more."""

_CELLS_AT_ONCE, _FEWEST_AT_ONCE = 400_000, 16
_DRAWS_AT_ONCE = 65_536
_SEED = 20190

Block = tuple[int, int]


@dataclass(frozen=True)
class Sampling:
    """What is drawn.

    Attributes:
        n_rows: Number of rows.
        n_units: What is drawn with replacement, as often as there are: rows or clusters.
        members: Which unit each row is or belongs to, int64, shape (n,); None where they are the
            rows in their order.
        weights: Sample weights, which multiply the draws, shape (n,); None when all are 1.
        clustered: Whether units are clusters.
    """

    n_rows: int
    n_units: int
    members: Codes | None = None
    weights: Floats | None = None
    clustered: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> Sampling:
        """Clusters where the outcome knows any, else rows."""
        n = len(outcome)
        if outcome.clusters is None:
            return cls(n, n, None, outcome.weights)
        known, members = np.unique(outcome.clusters, return_inverse=True)
        return cls(n, len(known), members.astype(np.int64), outcome.weights, clustered=True)

    def in_order(self, order: Codes) -> Sampling:
        """The same draws of the rows in these positions, in their order."""
        return replace(
            self,
            members=order if self.members is None else self.members[order],
            weights=None if self.weights is None else self.weights[order],
        )

    @property
    def n_clusters(self) -> int | None:
        """Number of clusters; None where rows are drawn one by one."""
        return self.n_units if self.clustered else None

    @property
    def is_simple(self) -> bool:
        """Whether rows are independent and count the same."""
        return not self.clustered and self.weights is None

    def blocks(self, asked: Resamples) -> list[Block]:
        """Resamples in blocks that fit a processor's cache: (number, size) each.

        Args:
            asked: How many; as many as so many units need if 'auto'.
        """
        few = self.n_units < MANY
        resamples = asked if asked != "auto" else RESAMPLES if few else RESAMPLES_OF_MANY
        size = min(resamples, self._at_once)
        return [
            (number, min(size, resamples - start))
            for number, start in enumerate(range(0, resamples, size))
        ]

    @cached_property
    def groups(self) -> Codes:
        """Which group each row is left out with: units by chance, in groups of one where few."""
        many = min(self.n_units, MOST_LEFT_OUT)
        order = np.random.default_rng([_SEED, self.n_units]).permutation(self.n_units)
        group = order * many // self.n_units
        return group if self.members is None else group[self.members]

    def spans(self) -> list[tuple[int, int]]:
        """The groups in blocks that fit a processor's cache: (first, after the last) each."""
        many, size = min(self.n_units, MOST_LEFT_OUT), self._at_once
        return [(first, min(first + size, many)) for first in range(0, many, size)]

    def leave_out(self, span: tuple[int, int]) -> Floats | Counts:
        """Weights of the rows without one group each (jackknife), shape (size, n)."""
        kept = (self.groups[:, None] != np.arange(*span)).view(np.uint8)
        return kept.T if self.weights is None else kept.T * self.weights

    def draw(self, block: Block) -> Floats | Counts:
        """Weights of the rows in the resamples of a block, shape (size, n)."""
        counts = _counts(self.n_units, *block)
        if self.members is not None:
            counts = counts.take(self.members, axis=0)
        return counts.T if self.weights is None else counts.T * self.weights

    @property
    def cells(self) -> int:
        """Weights of the rows in a block."""
        return self.n_rows * self._at_once

    @property
    def _at_once(self) -> int:
        """Sets of weights in a block."""
        return max(_FEWEST_AT_ONCE, _CELLS_AT_ONCE // max(1, self.n_rows))


def _counts(n: int, number: int, size: int) -> Counts:
    """How often each of n units is drawn in the resamples of a block, shape (n, size)."""
    random = np.random.default_rng([_SEED, n, number])
    if n >= POISSON_FROM:
        counts = np.empty(n * size, dtype=np.uint8)
        for start in range(0, len(counts), _DRAWS_AT_ONCE):
            some = counts[start : start + _DRAWS_AT_ONCE]
            raw = random.bit_generator.random_raw(-(-len(some) // 4)).astype("<u8", copy=False)
            bits = raw.view("<u2")[: len(some)]
            np.greater_equal(bits, _STEPS[0], out=some.view(np.bool_))
            more = np.empty(len(some), dtype=np.bool_)
            for step in _STEPS[1:]:
                np.greater_equal(bits, step, out=more)
                some += more.view(np.uint8)
        return counts.reshape(n, size)
    picks: NDArray[Any] = random.integers(0, n, size=(size, n))
    picks *= size
    picks += np.arange(size)[:, None]
    return np.bincount(picks.ravel(), minlength=size * n).reshape(n, size).astype(np.uint8)
