"""The floor under probabilities that labels flipped at random leave (Copas 1988).

However sure a model is of a row, a label that is flipped with probability e is another one with
about that probability. Labels of classes that overlap are not: where the model is surer, fewer
contradict it. So labels are described by the probabilities, sharpened or flattened by one exponent,
with a floor under them and without, and the likelihoods say which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from assay.predictions import Floats

Codes = NDArray[np.int64]
SMALLEST = 1e-6
_SCALES, _NOISES = (-3.0, 3.0), (float(np.log(1e-6)), float(np.log(0.5)))
_STARTS = (0.01, 0.1, 0.3)


@dataclass(frozen=True)
class Floor:
    """How labels are described by probabilities and a share that is flipped.

    Attributes:
        scale: Log of the exponent that sharpens the probabilities.
        noise: Share of labels that are flipped.
        gain: Twice the log likelihood that the floor gains over none.
    """

    scale: float
    noise: float
    gain: float

    def wrong(self, log_p: Floats, truth: Codes) -> Floats:
        """Probability that a label is a flipped one, shape (n,)."""
        own = _sharpened(log_p, truth, self.scale)
        chance = (1 - own) / (log_p.shape[1] - 1)
        return self.noise * chance / (own + self.noise * (chance - own))


@dataclass(frozen=True)
class Floors:
    """Floors under the labels of two sets of rows that one model predicts.

    Attributes:
        scale: Log of the exponent that sharpens the probabilities of both.
        first: Share of labels of the first that are flipped.
        second: Likewise of the second.
        gain: Twice the log likelihood that two shares gain over one for both.
    """

    scale: float
    first: float
    second: float
    gain: float


def floor_of(log_p: Floats, truth: Codes) -> Floor:
    """The floor that explains labels best.

    Args:
        log_p: Log probabilities by models that were not fitted on these rows, shape (n, k).
        truth: The labels, 0 to k - 1, shape (n,).
    """
    plain = _least(lambda given: _lost(log_p, truth, given[0], 0.0), [[0.0]])
    best = _least(
        lambda given: _lost(log_p, truth, given[0], np.exp(given[1])),
        [[0.0, np.log(noise)] for noise in _STARTS[:2]],
    )
    scale, noise = best[1]
    return Floor(scale, float(np.exp(noise)), 2 * (plain[0] - best[0]))


def floors_of(log_p: Floats, truth: Codes, other_log_p: Floats, other_truth: Codes) -> Floors:
    """The floors that explain the labels of two sets of rows best, by one exponent for both."""

    def lost(scale: float, first: float, second: float) -> float:
        return _lost(log_p, truth, scale, first) + _lost(other_log_p, other_truth, scale, second)

    one = _least(
        lambda given: lost(given[0], np.exp(given[1]), np.exp(given[1])),
        [[0.0, np.log(noise)] for noise in _STARTS],
    )
    low, middle, high = np.log(_STARTS)
    two = _least(
        lambda given: lost(given[0], np.exp(given[1]), np.exp(given[2])),
        [[0.0, middle, low], [0.0, low, middle], [0.0, high, low], [*one[1], one[1][1]]],
    )
    scale, first, second = two[1]
    return Floors(scale, float(np.exp(first)), float(np.exp(second)), 2 * (one[0] - two[0]))


def _least(
    lost: Callable[[Floats], float], starts: Sequence[Sequence[float]]
) -> tuple[float, list[float]]:
    """The least of a function of a log exponent and log shares, and where it is."""
    bounds = [_SCALES] + [_NOISES] * (len(starts[0]) - 1)
    found = [minimize(lost, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda each: float(each.fun))
    return float(best.fun), [float(each) for each in best.x]


def _lost(log_p: Floats, truth: Codes, scale: float, noise: float) -> float:
    """The log likelihood of labels with its sign turned."""
    own = _sharpened(log_p, truth, scale)
    return -float(np.log(own + noise * ((1 - own) / (log_p.shape[1] - 1) - own)).sum())


def _sharpened(log_p: Floats, truth: Codes, scale: float) -> Floats:
    """Probability of each label after all were raised to the power exp(scale), shape (n,)."""
    return np.asarray(
        np.exp(log_softmax(np.exp(scale) * log_p, axis=1)[np.arange(len(truth)), truth])
    )
