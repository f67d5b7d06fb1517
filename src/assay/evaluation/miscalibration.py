"""Miscalibration: how far probabilities are from frequencies, and whether that is more than chance.

The plain calibration error is never nothing, however good the probabilities are, and its percentile
intervals cover 0 of a calibrated model in no sample. So chance's share is taken off (Kumar, Liang
and Ma 2019; Ferro and Fricker 2012), and the interval is that of a non-central chi-square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chndtr, chndtrinc, ndtri

from assay.data.schema import Task
from assay.estimates import Estimate, aligned, chance
from assay.evaluation.design import Design
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.result import Miscalibration
from assay.evaluation.spread import in_common
from assay.evaluation.support import FEWEST_ROWS, enough, enough_for_design
from assay.predictions import Floats

_MOST_BINS = 10
_TWENTIETHS = np.linspace(0, 1, 21)
_FEWEST_EVENTS = 5
"""Rows of the rarer kind (right or wrong, say) below which their spread is not known."""


def miscalibration(outcome: Outcome, level: float) -> Miscalibration:
    """How well a classification's probabilities match what happened.

    Of a binary task the positive class's probability is looked at, of several classes the most
    probable one's against how often it is right. Rows are put into at most ten bins of equal
    weight, at least 20 rows each; rows of the same probability stay together. The error is the
    root of the mean over the bins of (mean probability - frequency) squared, less what chance adds
    to that: at most the error without bins. The test compares it with what calibrated
    probabilities would give.

    Args:
        outcome: Of a classification.
        level: Level of the interval; the test is told at one less it.
    """
    said, happened = event(outcome)
    of_bins = binned(outcome, said, happened)
    reason = enough(outcome)
    if outcome.design is Design.TIME:
        reason = reason or enough_for_design(outcome)
    error = _error(of_bins, happened, level, reason)
    p = None if reason is not None else of_bins.chance()
    reliability, uncertainty, brier = _brier_parts(outcome, of_bins)
    return Miscalibration(
        error=error,
        p=p,
        verdict=_verdict(outcome, said, happened, error, p, level, reason),
        reliability=reliability,
        resolution=uncertainty + reliability - brier,
        uncertainty=uncertainty,
        said=tuple(np.histogram(said, _TWENTIETHS)[0].tolist()),
    )


@dataclass(frozen=True)
class Binned:
    """Gaps between what is said and what happened, by bin, with what chance does to them.

    Attributes:
        share: Weight of each bin, all together 1, shape (b,).
        gap: Mean probability less frequency, shape (b,).
        noise: Covariance of the gaps, shape (b, b).
        null: The same of calibrated probabilities.
        fourth: What the fourth moments of these add to the variance of a gap's square, shape (b,).
    """

    share: Floats
    gap: Floats
    noise: Floats
    null: Floats
    fourth: Floats

    @property
    def plain(self) -> float:
        """The squared error as it is seen, chance and all."""
        return float(self.share @ self.gap**2)

    @property
    def debiased(self) -> float:
        """The squared error less chance's share; below 0 where chance would do more."""
        return self.plain - float(self.share @ np.diag(self.noise))

    def chance(self) -> float:
        """The p value: how often calibrated probabilities would seem as far off, or further."""
        unit, degrees = _chi_square(self.share, self.null, self.fourth)
        if unit == 0:
            return 1.0 if self.plain == 0 else 0.0
        return float(chdtrc(degrees, self.plain / unit))

    def interval(self, level: float) -> tuple[float, float]:
        """Ends of the interval of the squared error."""
        unit, degrees = _chi_square(self.share, self.noise)
        if unit == 0:
            return self.plain, self.plain
        # Where the largest gaps are the noisiest, they tell less of the distance than all bins do.
        towards = self.share * self.gap
        if self.plain > 0:
            along = max(unit, float(towards @ self.noise @ towards) / self.plain)
            unit, degrees = along, degrees * unit / along
        seen, tail = self.plain / unit, (1 - level) / 2
        is_far = chndtr(seen, degrees, 0.0) > 1 - tail
        low = float(chndtrinc(seen, degrees, 1 - tail)) if is_far else 0.0
        # Less than what chance does by itself says nothing of how little there is.
        high = float(chndtrinc(max(seen, degrees), degrees, tail))
        return unit * low, unit * high


def event(outcome: Outcome) -> tuple[Floats, NDArray[np.bool_]]:
    """The probability that is looked at and whether it came true, shape (n,) each."""
    probabilities = outcome.known_probabilities
    if outcome.task is Task.BINARY:
        return probabilities[:, 1], outcome.truth == 1
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == outcome.truth


def binned(outcome: Outcome, said: Floats, happened: NDArray[Any]) -> Binned:
    """Probabilities and what happened, or how probable it truly was, shape (n,) each, in bins."""
    weights = outcome.known_weights
    number = _numbers(said, weights)
    n_bins = int(number.max()) + 1
    total = np.bincount(number, weights, n_bins)
    gap = np.bincount(number, weights * (said - happened), n_bins) / total
    part = weights / total[number]
    apart = part * (said - happened - gap[number])
    shares = total / total.sum()
    if outcome.clusters is not None:
        related = _related(outcome, outcome.clusters, number, apart)
        return Binned(shares, gap, related, related, np.zeros(n_bins))
    n = np.bincount(number, weights > 0, n_bins)
    noise = n / np.maximum(n - 1, 1) * np.bincount(number, apart**2, n_bins)
    spread = said * (1 - said)
    null = np.bincount(number, part**2 * spread, n_bins)
    fourth = np.bincount(number, part**4 * spread * (1 - 6 * spread), n_bins)
    return Binned(shares, gap, np.diag(noise), np.diag(null), np.asarray(fourth, np.float64))


def _related(outcome: Outcome, clusters: Codes, number: Codes, apart: Floats) -> Floats:
    """Covariance of the bins' gaps where the rows of a cluster are not independent.

    Blocks of time are related to those beside them too, most of all in their level, which makes
    all of it larger alike.
    """
    places, members = np.unique(clusters, return_inverse=True)
    n, n_bins = len(places), int(number.max()) + 1
    cells = np.bincount(members * n_bins + number, apart, n * n_bins)
    sums = np.asarray(cells.reshape(n, n_bins), np.float64)
    related = in_common(sums.sum(axis=1), places) if outcome.design is Design.TIME else 0.0
    return np.asarray((1 + 2 * related) * n / max(n - 1, 1) * sums.T @ sums)


def _numbers(said: Floats, weights: Floats) -> Codes:
    """The bin of each row, from 0, shape (n,): ties share one, for nothing tells them apart."""
    values, of_row = np.unique(said, return_inverse=True)
    weight = np.bincount(of_row, weights, len(values))
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    n_bins = max(1, min(_MOST_BINS, int((weights > 0).sum()) // FEWEST_ROWS))
    number = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)[of_row]
    _, number = np.unique(
        np.where(weights > 0, number, number[weights.argmax()]), return_inverse=True
    )
    return number


def _chi_square(share: Floats, noise: Floats, fourth: Floats | float = 0.0) -> tuple[float, float]:
    """Unit and degrees of freedom of the chi-square that the sum of squares is like.

    It has the mean and the variance of that sum (Satterthwaite 1946).
    """
    scaled = np.sqrt(share)[:, None] * noise * np.sqrt(share)
    mean = float(np.trace(scaled))
    variance = float(2 * (scaled**2).sum() + (share**2 * fourth).sum())
    return (variance / (2 * mean), 2 * mean**2 / variance) if variance > 0 else (0.0, 1.0)


def _error(
    of_bins: Binned, happened: NDArray[np.bool_], level: float, reason: str | None
) -> Estimate:
    value, n = max(0.0, of_bins.debiased) ** 0.5, len(happened)
    rarer = int(min(happened.sum(), n - happened.sum()))
    if reason is None and rarer < _FEWEST_EVENTS:
        reason = f"only {rarer} {'row is' if rarer == 1 else 'rows are'} of the rarer kind"
    if reason is not None:
        return Estimate.without_interval(value, n=n, reason=reason)
    low, high = (end**0.5 for end in of_bins.interval(level))
    return Estimate(value, low, high, n=n, level=level, method="non-central chi-square")


def _brier_parts(outcome: Outcome, of_bins: Binned) -> tuple[float, float, float]:
    """Reliability less chance's share, uncertainty, and the Brier score itself."""
    weights = outcome.known_weights / outcome.known_weights.sum()
    truth = np.eye(len(outcome.classes))[outcome.truth]
    shares = weights @ truth
    uncertainty = float(1 - (shares**2).sum())
    brier = float(weights @ ((outcome.known_probabilities - truth) ** 2).sum(axis=1))
    if outcome.task is Task.BINARY:
        return of_bins.debiased, uncertainty / 2, brier / 2
    each = (
        binned(outcome, said, outcome.truth == code).debiased
        for code, said in enumerate(outcome.known_probabilities.T)
    )
    return sum(each), uncertainty, brier


def _verdict(
    outcome: Outcome,
    said: Floats,
    happened: NDArray[np.bool_],
    error: Estimate,
    p: float | None,
    level: float,
    reason: str | None,
) -> str:
    """The test in words."""
    if p is None:
        return f"whether it is calibrated cannot be tested: {reason}"
    points = [100 * each for each in (error.value, error.low, error.high) if each is not None]
    value, *ends = aligned(*points, digits=2)
    if p >= 1 - level:
        most = f"; off by at most {ends[1]} points in the root mean square" if ends else ""
        return f"no sign of miscalibration ({chance(p)}){most}"
    between = f" ({' to '.join(ends)})" if ends else ""
    how = _direction(outcome, said, happened, level)
    return f"{how}: off by {value} points{between} in the root mean square ({chance(p)})"


def _direction(outcome: Outcome, said: Floats, happened: NDArray[np.bool_], level: float) -> str:
    """What kind of error it is: by the larger of two scores, of the level and of the slope.

    That of the slope is Spiegelhalter's (1986), with the level taken out.
    """
    weights, spread = outcome.known_weights, said * (1 - said)
    known = weights * spread
    middle = known @ said / known.sum() if known.any() else 0.0
    missed = weights * (happened - said)

    def score(by: Floats) -> float:
        noise = (weights**2 * spread) @ by**2
        return float(missed @ by / noise**0.5) if noise > 0 else 0.0

    raised, sloped = score(np.ones(len(said))), score(said - middle)
    if max(abs(raised), abs(sloped)) < ndtri((1 + level) / 2):
        return "off in places"
    if outcome.task is Task.MULTICLASS and abs(raised) >= abs(sloped):
        return "too sure of itself" if raised < 0 else "not sure enough of itself"
    if abs(sloped) > abs(raised):
        return "too sure of itself" if sloped < 0 else "not sure enough of itself"
    predicted, observed = (f"{np.average(each, weights=weights):.3g}" for each in (said, happened))
    label = outcome.classes[1]
    return (
        f"says {label} too {'often' if raised < 0 else 'rarely'}, {predicted} where {observed} is"
    )
