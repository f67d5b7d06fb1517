"""Folds and seeds: whether a difference holds when the learners are fitted on other rows again.

Resamples of rows keep the models as they are. That another fit might have come out otherwise, the
folds show: but these share most of what they learn from, so that their scores vary less than those
of fresh data would. The corrected resampled t-test allows for it (Nadeau and Bengio 2003; for
folds that are repeated with other seeds, Bouckaert and Frank 2004).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from assay.estimates import Estimate
from assay.evaluation.contrast import OverFits


def over_fits(
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
    *,
    n: int,
    level: float,
) -> OverFits:
    """Second minus first in each fold of each repetition, as a corrected resampled t-test.

    The variance of the mean of J = k r differences is taken to be (1 / J + 1 / (k - 1)) times that
    of one: 1 / (k - 1) are the rows that a fold predicts by those that it learns from.

    Args:
        first: A metric by repetition and fold, r times k.
        second: The other's, on the same folds.
        n: Rows that are predicted.
        level: Level of the interval.

    >>> print(over_fits([[0.0, 0.0, 0.0]], [[0.1, 0.2, 0.3]], n=30, level=0.95).estimate)
    0.200 (-0.193 to 0.593)
    """
    apart = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    seeds, folds = apart.shape
    if not np.isfinite(apart).all():
        reason = "it is not defined in every fold"
        value = float(np.nanmean(apart)) if np.isfinite(apart).any() else float("nan")
        return OverFits(Estimate.without_interval(value, n=n, reason=reason), folds, seeds)
    mean, deviation = float(apart.mean()), float(apart.std(ddof=1))
    if deviation == 0:
        reason = "it is the same in every fold"
        return OverFits(Estimate.without_interval(mean, n=n, reason=reason), folds, seeds, 0.0)
    error = deviation * float(np.sqrt(1 / apart.size + 1 / (folds - 1)))
    freedom = apart.size - 1
    reach = error * float(stdtrit(freedom, 0.5 + level / 2))
    return OverFits(
        Estimate(
            mean, mean - reach, mean + reach, n=n, level=level, method="corrected resampled t"
        ),
        folds,
        seeds,
        deviation,
        2 * float(stdtr(freedom, -abs(mean) / error)),
    )
