"""The running comparison of two models: a difference of mean losses that may be looked at any time.

Of models that share the traffic, each unit was given to one of them by a known chance. What it
lost, less what units of that model lost before, is weighted by one over that chance (augmented
inverse probability weighting; Howard et al. 2021, section 4.2): the mean of that is the difference
between the models, whatever units come in whatever order, since the draw is the only thing that
must be random. A shadow has answered the same rows, so its difference is that of pairs.

Both are means of numbers within known limits, each compared with what was expected of it before it
came; `sequence` makes intervals of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.predictions import Floats
from assay.serving.traffic.sequence import LEVEL, Boundary

MATTERS = 0.02
"""The difference of losses at which intervals are to be tight; others are found as well."""
_SPREAD_OF_UNITS = 0.09
"""Variance of losses that the boundary is tuned for: that of a model that is wrong once in ten."""
_SPREAD_OF_PAIRS = 0.05
"""Variance of differences likewise: of models that disagree on one row in twenty."""
_ERRORS_TO_DETECT = 3.0
_MOST_EXPECTED = 0.25
"""Of the difference of a pair before it comes: surprises reach less far. Any limit is valid."""


@dataclass(frozen=True)
class Sums:
    """What is known after some outcomes: all that a comparison keeps, however many there were.

    Attributes:
        n: Outcomes, of the champion and of the other.
        losses: Sums of their losses, 0 to 1 each.
        values: Sum of the unbiased guesses at the difference, other minus champion.
        squares: Sum of the squared surprises.
    """

    n: tuple[int, int] = (0, 0)
    losses: tuple[float, float] = (0.0, 0.0)
    values: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True)
class Steps:
    """A stretch of outcomes, one at a time: sums after each of them.

    Attributes:
        n: Guesses at the difference so far, shape (n,).
        values: Sum of them, shape (n,).
        squares: Sum of the squared surprises, shape (n,).
        last: Everything after the last of them.
    """

    n: NDArray[np.int64]
    values: Floats
    squares: Floats
    last: Sums


@dataclass(frozen=True)
class Design:
    """How two models came by their rows.

    Attributes:
        share: Chance of a unit of either to be the challenger's; None where both answered all.
        level: Chance that the interval never leaves out the truth.
    """

    share: float | None
    level: float = LEVEL

    @property
    def boundary(self) -> Boundary:
        """What the surprises stay below."""
        spread, reach = _SPREAD_OF_PAIRS, 1 + _MOST_EXPECTED
        if self.share is not None:
            spread = _SPREAD_OF_UNITS / (self.share * (1 - self.share))
            reach = 1 / min(self.share, 1 - self.share)
        return Boundary(reach, (_ERRORS_TO_DETECT * spread / MATTERS) ** 2, self.level)

    def of_units(self, losses: Floats, is_other: NDArray[np.bool_], before: Sums) -> Steps:
        """Steps of units of which each was given to one model.

        Args:
            losses: 0 to 1, in the order in which outcomes came, shape (n,).
            is_other: Whether it was the challenger that answered, shape (n,).
            before: What came before.
        """
        assert self.share is not None
        own = np.stack([~is_other, is_other]).astype(float)
        counts = np.array(before.n)[:, None] + np.cumsum(own, axis=1)
        sums = np.array(before.losses)[:, None] + np.cumsum(own * losses, axis=1)
        # of each model, before the unit came; one half of one loss to begin with
        expected = (sums - own * losses + 0.5) / (counts - own + 1)
        surprise = losses - np.where(is_other, expected[1], expected[0])
        weight = np.where(is_other, 1 / self.share, -1 / (1 - self.share))
        guesses = expected[1] - expected[0] + weight * surprise
        return self._steps(guesses, weight * surprise, counts, sums, before)

    def of_pairs(self, losses: Floats, others: Floats, before: Sums) -> Steps:
        """Steps of rows that both models answered.

        Args:
            losses: Of the champion, 0 to 1, in the order in which outcomes came, shape (n,).
            others: Of the shadow, of the same rows.
            before: What came before.
        """
        both = np.stack([losses, others])
        counts = np.array(before.n)[:, None] + np.arange(1, len(losses) + 1)
        sums = np.array(before.losses)[:, None] + np.cumsum(both, axis=1)
        guesses = others - losses
        expected = (sums[1] - sums[0] - guesses) / counts[0]
        expected = np.clip(expected, -_MOST_EXPECTED, _MOST_EXPECTED)
        return self._steps(guesses, guesses - expected, counts.astype(float), sums, before)

    def interval(
        self, n: Floats | int, values: Floats | float, squares: Floats | float
    ) -> tuple[Floats, Floats, Floats]:
        """The difference and the ends of its interval, other minus champion, in losses.

        Args:
            n: Guesses so far, any shape.
            values: Sum of them, same shape.
            squares: Sum of squared surprises, same shape.
        """
        middle = np.asarray(values) / n
        half = self.boundary.at(squares) / n
        # no difference of losses is larger than one, but a first few guesses may be
        low, value, high = (np.clip(middle + off, -1.0, 1.0) for off in (-half, 0.0, half))
        return value, low, high

    def is_above(self, sums: Sums, limit: float) -> bool:
        """Whether the whole interval lies above a limit."""
        n = self.n_guesses(sums)
        against = self.boundary.evidence(sums.values - limit * n, sums.squares)
        return n > 0 and sums.values > limit * n and bool(against > self.boundary.threshold)

    def n_guesses(self, sums: Sums) -> int:
        """How many guesses at the difference were summed up."""
        return sum(sums.n) if self.share is not None else sums.n[0]

    def needed(self, sums: Sums, power: float = 2.0) -> int | None:
        """How many more units would tell, if the models differ as much as they seem to.

        Half of such contests end by then. None where it is told already, or where the difference
        is less than half its standard error and nothing can be said.

        Args:
            sums: What is known.
            power: Factor up to which a search goes, as a power of ten.
        """
        n = self.n_guesses(sums)
        error = sums.squares**0.5
        if n == 0 or abs(sums.values) < 0.5 * error or error == 0:
            return None
        times = np.geomspace(1.0, 10.0 ** (power + 1), 400)
        told = np.abs(sums.values) * times >= self.boundary.at(sums.squares * times)
        if told[0] or not told.any():
            return None
        return max(1, round(n * (float(times[told.argmax()]) - 1)))

    def _steps(
        self, guesses: Floats, surprises: Floats, counts: Floats, sums: Floats, before: Sums
    ) -> Steps:
        if not len(guesses):
            return Steps(np.zeros(0, dtype=np.int64), guesses, guesses, before)
        values = before.values + np.cumsum(guesses)
        squares = before.squares + np.cumsum(surprises**2)
        first, second = (int(each) for each in counts[:, -1])
        last = replace(
            before,
            n=(first, second),
            losses=(float(sums[0, -1]), float(sums[1, -1])),
            values=float(values[-1]),
            squares=float(squares[-1]),
        )
        n = self.n_guesses(before) + np.arange(1, len(guesses) + 1)
        return Steps(n, values, squares, last)
