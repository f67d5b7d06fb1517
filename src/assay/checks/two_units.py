"""Two units: one law of values, and a share of them times the factor between two units.

The values are described twice: by one smooth law of any skewness and tails (the sinh-arcsinh law
of Jones and Pewsey 2009, of the values or of their logs), and by that law with a share of the same
law a known factor away. Of a second unit three things are true that are not of a long tail, nor of
a second population: the likelihood gains much by it, the mixture then fits, and the values that are
away lie and spread as the factor says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, ndtr
from scipy.stats import kstest

from assay.checks.unit_factors import FACTORS
from assay.predictions import Floats

FEWEST_ROWS = 100
FEWEST_DISTINCT = 30
FEWEST_AWAY = 8
MOST_AWAY = 0.3
MOST_FITTED = 3000
TRIED = 3
LEAST_GAIN = 50.0
LEAST_FIT = 0.05
NEAR = 3.0
ALIKE = (0.6, 1.6)
_TINY = 1e-300


@dataclass(frozen=True)
class TwoUnits:
    """A share of values that are in another unit.

    Attributes:
        factor: By which they differ from the others, below 1 if they are too small.
        share: Of the values that are.
        gain: Twice the log likelihood that two units gain over one law.
        fit: Chance of a distance from the mixture as large as that of the values.
        median: Of all values.
        law: Place, log scale, skewness and log tail weight of the law.
    """

    factor: float
    share: float
    gain: float
    fit: float
    median: float
    law: tuple[float, float, float, float]

    def are_away(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are more likely in the other unit, shape (n,); gaps are not."""
        own = (1 - self.share) * _density(values, self.law)
        other = self.share * _density(values / self.factor, self.law) / self.factor
        centre = self.median * self.factor
        beyond = values >= centre if self.factor > 1 else values <= centre
        return np.asarray((other > own) | beyond)


def two_units(values: Floats) -> TwoUnits | None:
    """The factor by which a share of values is away from the others; None if there is none.

    Args:
        values: Positive numbers, shape (n,).
    """
    if len(values) < FEWEST_ROWS or values.min() <= 0:
        return None
    found = sorted(_candidates(values), key=lambda each: each[1])[:TRIED]
    if not found or len(np.unique(values)) < FEWEST_DISTINCT:
        return None
    drawn = np.random.default_rng(0).permutation(values)[:MOST_FITTED]
    alone = min(_fitted_alone(drawn), _fitted_alone(np.log(drawn)) + np.log(drawn).sum())
    mixed = [_mixed(drawn, factor, alone) for factor, _ in found]
    best = max(mixed, key=lambda each: each.gain)
    return best if best.gain >= LEAST_GAIN and best.fit >= LEAST_FIT else None


def _candidates(values: Floats) -> Iterator[tuple[float, float]]:
    """Factors at which values lie and spread as the others do; and how far off, in errors."""
    logs = np.log(values)
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    for side in (1, -1):
        # near zero the logs of any honest column have a long tail
        if side < 0 and middle < 2 * (high - low):
            continue
        sizes = side * logs
        left, centre, right = np.quantile(sizes, [0.16, 0.5, 0.84])
        spread = max(centre - left, right - centre)
        usual = float(np.median(np.abs(sizes - centre)))
        if usual == 0:
            continue
        for factor in FACTORS:
            away = np.log(factor)
            if away < 3 * spread:
                continue
            beyond = sizes[sizes > centre + max(away - 2.2 * spread, 2.2 * spread)]
            if not FEWEST_AWAY <= len(beyond) <= MOST_AWAY * len(values):
                continue
            lies = float(np.median(beyond))
            off = abs(lies - centre - away) / (1.25 * spread / np.sqrt(len(beyond)))
            alike = float(np.median(np.abs(beyond - lies))) / usual
            if off <= NEAR and ALIKE[0] <= alike <= ALIKE[1]:
                yield (factor if side > 0 else 1 / factor), off


def _density(values: Floats, law: tuple[float, ...]) -> Floats:
    place, log_scale, skew, log_tail = law
    steps = np.clip((values - place) / np.exp(log_scale), -_FARTHEST, _FARTHEST)
    inner = np.clip(np.exp(log_tail) * np.arcsinh(steps) - skew, -30, 30)
    z = np.sinh(inner)
    slope = np.exp(log_tail - log_scale) * np.cosh(inner) / np.sqrt(1 + steps**2)
    return np.asarray(slope * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def _below(values: Floats, law: tuple[float, ...]) -> Floats:
    place, log_scale, skew, log_tail = law
    inner = np.exp(log_tail) * np.arcsinh((values - place) / np.exp(log_scale)) - skew
    return np.asarray(ndtr(np.sinh(np.clip(inner, -30, 30))))


_FARTHEST = 1e150
"""Steps beyond which a square would overflow; the density is zero long before."""
_BOUNDS = [(None, None), (None, None), (-3.0, 3.0), (-1.5, 1.0)]


def _start(values: Floats) -> list[float]:
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    return [float(middle), float(np.log(max((high - low) / 2, 1e-12))), 0.0, 0.0]


def _fitted_alone(values: Floats) -> float:
    """The log likelihood of one law at its best, with its sign turned."""
    return _fitted(lambda given: _density(values, tuple(given)), _start(values), _BOUNDS)[0]


def _fitted(
    density: Callable[[Floats], Floats],
    start: list[float],
    bounds: list[tuple[float | None, float | None]],
) -> tuple[float, list[float]]:
    def lost(given: Floats) -> float:
        return -float(np.log(np.maximum(density(given), _TINY)).sum())

    found = minimize(lost, start, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), [float(each) for each in found.x]


def _mixed(values: Floats, factor: float, alone: float) -> TwoUnits:
    def mixture(given: Floats) -> Floats:
        share, law = expit(given[4]), tuple(given[:4])
        return np.asarray(
            (1 - share) * _density(values, law) + share * _density(values / factor, law) / factor
        )

    bounds = [*_BOUNDS, (-6.9, -0.8)]
    lost, (*law, logit) = _fitted(mixture, [*_start(values), -3.0], bounds)
    share = float(expit(logit))
    place, scale, skew, tail = law
    final = (place, scale, skew, tail)

    def below(at: Floats) -> Floats:
        return (1 - share) * _below(at, final) + share * _below(at / factor, final)

    fit = float(kstest(values, below).pvalue)
    return TwoUnits(factor, share, 2 * (alone - lost), fit, float(np.median(values)), final)
