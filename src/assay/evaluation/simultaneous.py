"""Several at once: at which level each interval must stand so that all hold together.

The more runs are compared with one, the likelier one of them looks better by chance. How much
likelier hangs on how alike they are, which their common resamples tell: the largest of all
standardised differences is read off them (max-T; Westfall and Young 1993). It is never wider than
what is right however they hang together (Bonferroni), and never narrower than one interval alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from assay.predictions import Floats


def level_of_each(differences: Sequence[Floats], level: float) -> float:
    """The level at which each of several intervals must be read.

    Args:
        differences: Each difference on every common resample, shape (b,) each.
        level: The level at which all are to hold together.
    """
    many = len(differences)
    if many < 2:
        return level
    widest = 1 - (1 - level) / many
    resampled = np.array(differences)
    resampled = resampled[:, np.isfinite(resampled).all(axis=0)]
    spread = resampled.std(axis=1) if resampled.shape[1] else np.zeros(many)
    varies = spread > 0
    if not varies.any():
        return level
    apart = resampled[varies] - resampled[varies].mean(axis=1, keepdims=True)
    largest = np.abs(apart / spread[varies, None]).max(axis=0)
    reach = float(np.quantile(largest, level))
    return min(widest, max(level, float(2 * ndtr(reach) - 1)))
