"""Patterns in the residuals of a regression, each tested; chance and trifles are passed over.

Whether residuals, or how large they are, depend on the prediction: score tests on polynomials of
its rank, which hold whatever else the errors do (White 1980, Wooldridge 1990); of the size that is
Koenker's (1981) studentised form of Breusch and Pagan's test, on absolute residuals (Glejser 1969),
whose tails are lighter than those of squares. Neighbours may err alike, so scores are summed by
groups, or else by blocks of rows in order. Heavy tails: the kurtosis test of Anscombe and Glynn
(1983). Rows in order: Box and Pierce's (1970) test with Diebold's (1986) variance of a correlation,
which holds where spread comes and goes. P-values are Holm's (1979) over all that were looked at.

Predictions are those of models that were not fitted on the rows, so no degree of freedom is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.stats import binom, chi2, kurtosis, kurtosistest, norm, rankdata

from assay.evaluation.curves import (
    Autocorrelation,
    Bias,
    Heteroscedasticity,
    ResidualPatterns,
    Tails,
)
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.time_blocks import time_blocks
from assay.predictions import Floats

LEVEL = 0.05
"""How often something is said of residuals without a pattern, at most."""
FEWEST = 50
"""Rows, or groups of rows, that a test needs."""
LEAST_EXPLAINED = 0.01
LEAST_RATIO = 1.25
LEAST_KURTOSIS = 1.0
LEAST_CORRELATION = 0.1
FIFTHS = 5
MOST_LAGS = 10
_TELLS = 25.0
_POINTS = 41
_LEAST_SCALE = 0.1
_SORTED = 0.95

_Pattern = Bias | Heteroscedasticity | Tails | Autocorrelation


@dataclass(frozen=True)
class _Residuals:
    """Residuals of an outcome along its predictions.

    Attributes:
        outcome: The outcome.
        error: True minus predicted, shape (n,).
    """

    outcome: Outcome
    error: Floats

    @cached_property
    def ranks(self) -> Floats:
        """Ranks of the predictions, from -1 to 1, shape (n,)."""
        n = len(self.error)
        return np.asarray((2 * rankdata(self.outcome.known_values) - n - 1) / n)

    @cached_property
    def units(self) -> Codes:
        """Which rows stand together, numbered from 0, shape (n,)."""
        if self.outcome.groups is None:
            return np.arange(len(self.error))
        return np.unique(self.outcome.groups, return_inverse=True)[1]

    @cached_property
    def times(self) -> Floats | None:
        """When each row was, or its place in the table; None where these order nothing."""
        outcome = self.outcome
        if outcome.groups is not None:
            return None
        if outcome.times is not None:
            return outcome.times
        return None if _is_sorted(outcome.truth) else np.arange(len(self.error), dtype=np.float64)

    @cached_property
    def blocks(self) -> Codes:
        """Which rows may err alike, numbered from 0, shape (n,): of a group, or near in order."""
        return self.units if self.times is None else time_blocks(self.times)

    @cached_property
    def fifths(self) -> list[Codes]:
        """Rows by prediction, the lowest fifth first."""
        return np.array_split(np.argsort(self.outcome.known_values, kind="stable"), FIFTHS)

    @cached_property
    def bias(self) -> Floats:
        """Coefficients of a cubic in the ranks, fitted to the residuals."""
        return self.fitted(self.error, 3)

    @cached_property
    def centred(self) -> Floats:
        """The residuals without what a cubic says of them, shape (n,)."""
        return self.error - legvander(self.ranks, len(self.bias) - 1) @ self.bias

    def fitted(self, values: Floats, degree: int) -> Floats:
        """Coefficients of a polynomial in the ranks by least squares."""
        degree = min(degree, len(np.unique(self.ranks)) - 1)
        root = np.sqrt(self.outcome.known_weights)
        basis = legvander(self.ranks, degree) * root[:, None]
        return np.asarray(np.linalg.lstsq(basis, values * root)[0])

    def depends(self, values: Floats, degree: int) -> tuple[float, float]:
        """Score statistic of values that may depend on the prediction, and its p-value."""
        weights = self.outcome.known_weights
        degree = min(degree, len(np.unique(self.ranks)) - 1)
        basis = legvander(self.ranks, degree)[:, 1:]
        apart = values - np.average(values, weights=weights)
        basis = basis - np.average(basis, axis=0, weights=weights)
        scores = (weights * apart)[:, None] * basis
        by_block = np.column_stack([np.bincount(self.blocks, each) for each in scores.T])
        total = by_block.sum(axis=0)
        statistic = float(total @ np.linalg.pinv(by_block.T @ by_block) @ total)
        return statistic, float(chi2.sf(statistic, degree))

    def mean_square(self, values: Floats, rows: Any = slice(None)) -> float:
        """Weighted mean of the squares."""
        return float(np.average(values[rows] ** 2, weights=self.outcome.known_weights[rows]))


def residual_patterns(outcome: Outcome) -> ResidualPatterns | None:
    """The patterns that residuals show; None of a classification, and where rows are too few.

    Args:
        outcome: Predictions by models that were not fitted on these rows.
    """
    if outcome.task.is_classification:
        return None
    if outcome.weights is not None:  # rows of no weight say nothing
        outcome = outcome.take(np.flatnonzero(outcome.weights > 0))
    if len(outcome) < FEWEST:
        return None
    residuals = _Residuals(outcome, np.asarray(outcome.truth - outcome.known_values, np.float64))
    if np.ptp(residuals.error) <= 1e-9 * np.abs(outcome.truth).max():
        return None
    if residuals.units.max() + 1 < FEWEST:
        return None
    looks: list[tuple[_Pattern, bool] | None] = [_tails(residuals), _order(residuals)]
    if _tells_apart(residuals):
        looks += [_bias(residuals), _spread(residuals)]
    looked_at = [each for each in looks if each is not None]
    corrected = _holm([pattern.p for pattern, _ in looked_at])
    told = {
        type(pattern): replace(pattern, p=p)
        for (pattern, matters), p in zip(looked_at, corrected, strict=True)
        if matters and p <= LEVEL
    }
    kinds: dict[str, Any] = {
        "bias": Bias,
        "spread": Heteroscedasticity,
        "tails": Tails,
        "order": Autocorrelation,
    }
    found: dict[str, Any] = {name: told.get(kind) for name, kind in kinds.items()}
    return ResidualPatterns(looked_at=len(looked_at), **found)


def _tells_apart(residuals: _Residuals) -> bool:
    """Whether predictions differ by more than the means of folds do.

    A fold's mean is predicted by the other folds', so that it lies above where they lie below: of a
    model that knows nothing, this alone would show.
    """
    return bool(
        len(residuals.error) * residuals.outcome.known_values.var()
        >= _TELLS * residuals.error.var()
    )


def _bias(residuals: _Residuals) -> tuple[Bias, bool]:
    error, weights = residuals.error, residuals.outcome.known_weights
    statistic, p = residuals.depends(error, 3)
    apart = error - np.average(error, weights=weights)
    explained = 1 - residuals.mean_square(residuals.centred) / residuals.mean_square(apart)
    at = np.linspace(-0.99, 0.99, _POINTS)  # a single row decides what is said at the very ends
    found = Bias(
        statistic=statistic,
        p=p,
        explained=explained,
        means=tuple(
            float(np.average(error[rows], weights=weights[rows])) for rows in residuals.fifths
        ),
        predicted=np.quantile(residuals.outcome.known_values, (at + 1) / 2),
        residual=legvander(at, len(residuals.bias) - 1) @ residuals.bias,
    )
    return found, explained >= LEAST_EXPLAINED


def _spread(residuals: _Residuals) -> tuple[Heteroscedasticity, bool]:
    centred = residuals.centred
    statistic, p = residuals.depends(np.abs(centred), 2)
    deviations = tuple(residuals.mean_square(centred, rows) ** 0.5 for rows in residuals.fifths)
    found = Heteroscedasticity(statistic, p, deviations)
    return found, max(deviations) >= LEAST_RATIO * min(deviations)


def _tails(residuals: _Residuals) -> tuple[Tails, bool]:
    """Tails of residuals on the scale that rows of their prediction have; of a group its first."""
    size = np.abs(residuals.centred)
    coefficients = residuals.fitted(size, 2)
    scale = legvander(residuals.ranks, len(coefficients) - 1) @ coefficients
    scaled = residuals.centred / np.maximum(scale, _LEAST_SCALE * size.mean())
    scaled = scaled[np.unique(residuals.units, return_index=True)[1]]
    found = kurtosistest(scaled, alternative="greater")
    squares = residuals.error**2
    worst = np.argsort(-squares, kind="stable")[: -(-len(squares) // 100)]
    excess = float(kurtosis(scaled))
    tails = Tails(
        statistic=float(found.statistic),
        p=float(found.pvalue),
        kurtosis=excess,
        n=len(worst),
        of=len(squares),
        share=float(squares[worst].sum() / squares.sum()),
        normal=normal_share(len(squares), len(worst)),
        above=float((residuals.error[worst] > 0).mean()),
    )
    return tails, excess >= LEAST_KURTOSIS


@cache
def normal_share(n: int, most: int) -> float:
    """What the largest few of n normal errors make of the sum of their squares, on average.

    The share does not depend on the sum, so that its mean is one of means: of the square of each
    error, times the chance that fewer than so many of the others are larger.

    >>> round(normal_share(2, 1), 4)  # 1/2 + 1/pi
    0.8183
    """
    size, step = np.linspace(0, 12, 20_001, retstep=True)
    is_among = binom.cdf(most - 1, n - 1, 2 * norm.sf(size))
    return float(2 * step * (size**2 * norm.pdf(size) * is_among).sum())


def _order(residuals: _Residuals) -> tuple[Autocorrelation, bool] | None:
    """Correlation of rows apart, in time order, or as they stand; None of rows in groups."""
    outcome = residuals.outcome
    if residuals.times is None:
        return None
    order = np.argsort(residuals.times, kind="stable")
    error = residuals.error[order] - residuals.error.mean()
    lags = range(1, min(MOST_LAGS, len(error) // 5) + 1)
    products = [error[lag:] * error[:-lag] for lag in lags]
    correlations = tuple(float(each.sum() / (error @ error)) for each in products)
    statistic = sum(float(each.sum() ** 2 / max(each @ each, 1e-300)) for each in products)
    found = Autocorrelation(
        statistic=statistic,
        p=float(chi2.sf(statistic, len(products))),
        correlations=correlations,
        n=len(error),
        by_time=outcome.times is not None,
        design=outcome.design,
    )
    return found, max(map(abs, correlations)) >= LEAST_CORRELATION


def _is_sorted(truth: Floats) -> bool:
    """Whether rows stand in the order of their target: neighbours then err alike by nature."""
    steps = np.diff(truth)
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= _SORTED)


def _holm(chances: Sequence[float]) -> list[float]:
    """P-values that hold together (Holm 1979).

    >>> _holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    factors = np.arange(len(chances), 0, -1)
    corrected = np.empty(len(chances))
    corrected[order] = np.maximum.accumulate(np.asarray(chances)[order] * factors)
    return [float(each) for each in np.minimum(1.0, corrected)]
