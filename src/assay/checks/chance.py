"""Chance: how likely counts as large as these are, by the laws that counts follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.predictions import Floats

Mask = NDArray[np.bool_]


def at_least(found: ArrayLike, n: ArrayLike, share: ArrayLike) -> Floats:
    """The chance of so many of n or more, each with the same chance; 1 for none (binomial law).

    >>> at_least([0, 1, 2], 2, 0.5).tolist()
    [1.0, 0.75, 0.25]
    """
    from scipy import special

    found, n = np.asarray(found, dtype=np.float64), np.asarray(n, dtype=np.float64)
    # P(X >= k) = I_p(k, n - k + 1), the regularised incomplete beta function.
    chance = special.betainc(np.maximum(found, 1), np.maximum(n - found + 1, 1e-9), share)
    return np.asarray(np.where(found <= 0, 1.0, np.where(found > n, 0.0, chance)))


def at_least_of(found: ArrayLike, expected: ArrayLike) -> Floats:
    """The chance of so many or more where some are expected; 1 for none (Poisson law).

    >>> at_least_of([0, 1], 1.0).round(3).tolist()
    [1.0, 0.632]
    """
    from scipy import special

    found = np.asarray(found, dtype=np.float64)
    chance = special.gammainc(np.maximum(found, 1), expected)
    return np.asarray(np.where(found <= 0, 1.0, chance))


def is_more_often(ours: Mask, others: Mask, chance: float) -> bool:
    """Whether something is truer of ours than of others, but for a chance as small as this.

    Given how many it is true of in all, each of them is one of ours with the share that ours have:
    the binomial law, which is wider than the exact one of drawing without putting back.
    """
    if not len(ours) or not len(others):
        return False
    n = int(ours.sum() + others.sum())
    return bool(at_least(ours.sum(), n, len(ours) / (len(ours) + len(others))) < chance)
