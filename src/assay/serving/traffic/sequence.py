"""Intervals that may be looked at after every outcome: confidence sequences of a mean.

A plain interval that is looked at again and again leaves out the truth sooner or later. A
confidence sequence holds at all times together: the chance that it ever leaves out the mean is at
most 1 - level, whenever and however often somebody looks, and whatever makes them stop.

The sequence is the empirical-Bernstein one with the gamma-exponential mixture boundary of Howard,
Ramdas, McAuliffe and Sekhon (2021), 'Time-uniform, nonparametric, nonasymptotic confidence
sequences', Annals of Statistics 49(2), theorem 4 and proposition 9. It is exact at every number of
outcomes, asks only that each lies within known limits, and needs two running sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaln

from assay.predictions import Floats

LEVEL = 0.95
_HALVINGS = 60
_DOUBLINGS = 200


@dataclass(frozen=True)
class Boundary:
    """What a sum of surprises stays below at all times, but for a chance of `1 - level`, halved.

    A surprise is an outcome minus what was expected of it before it came.

    Attributes:
        reach: Greatest surprise against the side that is looked at; all else is scaled by it.
        aim: Sum of squared surprises at which the boundary is to be tight; any is valid.
        level: Chance that neither side is ever crossed.
    """

    reach: float
    aim: float
    level: float = LEVEL

    @property
    def threshold(self) -> float:
        """What `evidence` reaches with a chance of at most half of 1 - level (Ville 1939)."""
        return float(np.log(2 / (1 - self.level)))

    @property
    def _shape(self) -> float:
        """The shape of the mixture in units of `reach` squared, for a tight boundary at `aim`."""
        doubt = 2 * np.log(1 / (1 - self.level))
        return float(self.aim / (doubt + np.log1p(doubt)) / self.reach**2)

    def evidence(self, total: Floats | float, squares: Floats | float) -> Floats:
        """Logarithm of a supermartingale that begins at 1, if no outcome has a drift.

        It is exp(x total - psi(x) squares), psi(x) = -log(1 - x) - x, averaged over x in (0, 1) by
        a gamma density that is cut off at 1, all in units of `reach`.

        Args:
            total: Sum of the surprises, any shape.
            squares: Sum of their squares, same shape.
        """
        shape = self._shape
        of_sum = np.asarray(total, dtype=float) / self.reach
        of_squares = np.asarray(squares, dtype=float) / self.reach**2
        rate = np.maximum(of_sum + of_squares + shape, 1e-12)
        grown = of_squares + shape
        with np.errstate(divide="ignore"):
            inner = np.log(gammainc(grown, rate)) - np.log(gammainc(shape, shape))
        constant = shape * np.log(shape) - gammaln(shape)
        found = constant + gammaln(grown) + inner - grown * np.log(rate) + rate - shape
        return np.asarray(found)

    def at(self, squares: Floats | float) -> Floats:
        """The sum that surprises stay below, for sums of squares of any shape; never below it."""
        of = np.atleast_1d(np.asarray(squares, dtype=float))
        low, high = np.zeros_like(of), np.full_like(of, self.reach)
        for _ in range(_DOUBLINGS):
            short = self.evidence(high, of) < self.threshold
            if not short.any():
                break
            high[short] *= 2
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = self.evidence(middle, of) >= self.threshold
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return high.reshape(np.shape(squares))
