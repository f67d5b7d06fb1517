"""Sampling: how often a bootstrap resample draws each row, and what the row then weighs.

Rows are drawn one by one, or in whole clusters where rows of one person, place or day go together
(Davison and Hinkley 1997, section 3.8): to draw related rows as if each told something new makes
intervals too narrow. Of rows in the order of time, blocks of neighbours are such clusters. Where so
many rows of each class were asked for, so many of each are drawn again (section 3.2): to let their
shares vary makes intervals too wide. The draws depend on a seed and the number of rows or clusters
only, of each class where these are drawn apart.

Of many units each is otherwise drawn by itself, a Poisson number of times with mean 1 (Hanley and
MacGibbon 2006), which is several times cheaper. How many there are in all then varies; metrics,
which are ratios of sums, do not notice. Probabilities are exact to 1 in 65536: nothing is drawn
more than 8 times, where one unit in 900,000 would be.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr
from threadpoolctl import threadpool_limits

from assay.evaluation.design import Design
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.settings import MANY, RESAMPLES, RESAMPLES_OF_MANY, Resamples
from assay.evaluation.weighted import Counts, Index
from assay.predictions import Floats
from assay.threads import cores

POISSON_FROM = 5_000
"""Units from which each is drawn by itself."""

MOST_LEFT_OUT = 200
"""Groups of units that are left out in turn, where there are more units than that."""

_STEPS = np.round(65536 * pdtr(np.arange(8), 1)).astype(np.uint16)
"""Where 16 random bits begin to mean one draw more."""

_CELLS_AT_ONCE, _FEWEST_AT_ONCE = 400_000, 16
_CELLS_OF_ALL = 64_000_000
"""Weights that all threads together hold: each takes about eight bytes."""

_CELLS_OF_EACH = 10_000_000
"""Weights that a further thread is worth: with fewer, threads mostly wait for each other."""

_DRAWS_AT_ONCE = 65_536
_SEED = 20190

Block = tuple[int, int]
Read = TypeVar("Read")


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
        strata: The class of each unit, int64, shape (n_units,), where as many rows of each are
            drawn as there are; else None.
        in_time: Whether units are blocks of time, in its order.
    """

    n_rows: int
    n_units: int
    members: Codes | None = None
    weights: Floats | None = None
    clustered: bool = False
    strata: Codes | None = None
    in_time: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> Sampling:
        """Clusters where the outcome knows any, else rows, within classes if these are fixed."""
        n = len(outcome)
        if outcome.clusters is None:
            strata = outcome.truth if outcome.design is Design.CLASSES else None
            return cls(n, n, None, outcome.weights, strata=strata)
        known, members = np.unique(outcome.clusters, return_inverse=True)
        members, in_time = members.astype(np.int64), outcome.design is Design.TIME
        return cls(n, len(known), members, outcome.weights, clustered=True, in_time=in_time)

    def in_order(self, order: Codes) -> Sampling:
        """The same draws of the rows in these positions, in their order."""
        return replace(
            self,
            members=order if self.members is None else self.members[order],
            weights=None if self.weights is None else self.weights[order],
        )

    @property
    def is_simple(self) -> bool:
        """Whether rows are independent, count the same and are drawn whatever their class."""
        return self.are_equal and self.strata is None

    @property
    def are_equal(self) -> bool:
        """Whether rows are independent and count the same."""
        return not self.clustered and self.weights is None

    @property
    def method(self) -> str:
        """What it is called."""
        if self.clustered:
            return "time-block bootstrap" if self.in_time else "cluster bootstrap"
        return "bootstrap" if self.strata is None else "stratified bootstrap"

    @cached_property
    def of_each(self) -> tuple[Index, ...]:
        """The units of each class that occurs, where classes are drawn apart."""
        if self.strata is None:
            return ()
        parts = (np.flatnonzero(self.strata == code) for code in np.unique(self.strata))
        return tuple(parts)

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
        """Which group each row is left out with: units by chance, in groups of one where few.

        Blocks of time go with those beside them.
        """
        return self._left_out_with if self.members is None else self._left_out_with[self.members]

    @cached_property
    def _left_out_with(self) -> Codes:
        """The same of each unit."""
        many = min(self.n_units, MOST_LEFT_OUT)
        order = np.arange(self.n_units)
        if not self.in_time:
            order = np.random.default_rng([_SEED, self.n_units]).permutation(self.n_units)
        return order * many // self.n_units

    def spans(self) -> list[tuple[int, int]]:
        """The groups in blocks that fit a processor's cache: (first, after the last) each."""
        many, size = min(self.n_units, MOST_LEFT_OUT), self._at_once
        return [(first, min(first + size, many)) for first in range(0, many, size)]

    def leave_out(self, span: tuple[int, int]) -> Floats | Counts:
        """Weights of the rows without one group each (jackknife), shape (size, n).

        Where classes are drawn apart, the others of a class stand for those of it that are left
        out, so that it counts for as many rows as it has.
        """
        kept: NDArray[Any] = (self._left_out_with[:, None] != np.arange(*span)).view(np.uint8)
        if self.of_each:
            kept = kept.astype(np.float64)
        for units in self.of_each:
            kept[units] *= len(units) / np.maximum(kept[units].sum(axis=0), 1)
        if self.members is not None:
            kept = kept.take(self.members, axis=0)
        return kept.T if self.weights is None else kept.T * self.weights

    def draw(self, block: Block) -> Floats | Counts:
        """Weights of the rows in the resamples of a block, shape (size, n)."""
        counts = self._within_classes(block) if self.of_each else _counts(self.n_units, *block)
        if self.members is not None:
            counts = counts.take(self.members, axis=0)
        return counts.T if self.weights is None else counts.T * self.weights

    def _within_classes(self, block: Block) -> Counts:
        """How often each unit is drawn, those of each class as often as there are, (n_units, size).

        However many they are: a Poisson number of each would let the shares vary again.
        """
        number, size = block
        counts = np.empty((self.n_units, size), dtype=np.uint8)
        for place, units in enumerate(self.of_each):
            random = np.random.default_rng([_SEED, len(units), number, place])
            counts[units] = _picked(random, len(units), size)
        return counts

    def over(
        self, read: Callable[[Floats | Counts], Read], asked: Resamples
    ) -> tuple[list[Read], list[Read]]:
        """What is read of the weights in each block of resamples, and in each of groups left out.

        Args:
            read: Reads weights, shape (b, n); called from several threads, each with one for BLAS,
                whose own would fight with them and give other last bits.
            asked: How many resamples; as many as so many units need if 'auto'.
        """
        blocks, spans = self.blocks(asked), self.spans()
        at_once = max(1, self.n_rows * self._at_once)
        worth = (len(blocks) + len(spans)) * at_once // _CELLS_OF_EACH
        workers = max(1, min(cores(), worth, _CELLS_OF_ALL // at_once))
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(max_workers=workers) as threads:
            resampled = list(threads.map(lambda each: read(self.draw(each)), blocks))
            left_out = list(threads.map(lambda each: read(self.leave_out(each)), spans))
        return resampled, left_out

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
    return _picked(random, n, size)


def _picked(random: np.random.Generator, n: int, size: int) -> Counts:
    """How often each of n units is among n that are picked with replacement, shape (n, size)."""
    counts = np.empty((n, size), dtype=np.uint8)
    at_once = max(1, _CELLS_AT_ONCE // n)
    for start in range(0, size, at_once):
        many = min(at_once, size - start)
        picks: NDArray[Any] = random.integers(0, n, size=(many, n))
        picks *= many
        picks += np.arange(many)[:, None]
        found = np.bincount(picks.ravel(), minlength=many * n).reshape(n, many)
        counts[:, start : start + many] = found
    return counts
