"""Two clusters: values in two units with an empty stretch between them.

Here no law of the values is needed: those beyond the stretch, divided by a factor between two
units, must be such as the others are (Kolmogorov and Smirnov), and so many that the factor is known
well enough to be told from the other ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from assay.checks.unit_factors import FACTORS
from assay.predictions import Floats

FEWEST_AWAY = 8
MOST_AWAY = 0.3
CLEAR = 3.0
"""Spreads of the logs that the empty stretch must be wide."""
SURE = 0.15
"""Largest error of the log of a factor that is still told from other ones."""
NEAR = 3.0
LEAST_ALIKE = 0.05


@dataclass(frozen=True)
class TwoClusters:
    """Values that an empty stretch parts.

    Attributes:
        factor: By which the fewer differ from the others, below 1 if they are smaller.
        cut: The middle of the stretch.
        spreads: How wide it is, in spreads of the logs of the others.
    """

    factor: float
    cut: float
    spreads: float

    def are_away(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are in the other unit, shape (n,); gaps and zeros are not."""
        beyond = values > self.cut if self.factor > 1 else values < self.cut
        return np.asarray(beyond & (values > 0))


def two_clusters(values: Floats) -> TwoClusters | None:
    """The clusters of two units; None if there are none.

    Args:
        values: Positive numbers, shape (n,).
    """
    logs = np.sort(np.log(values))
    if len(logs) < 2 * FEWEST_AWAY:
        return None
    gaps = np.diff(logs)
    at = int(gaps.argmax()) + 1
    few, many = (logs[at:], logs[:at]) if 2 * at > len(logs) else (logs[:at], logs[at:])
    low, high = np.quantile(many, [0.16, 0.84])
    spread = float(high - low) / 2
    if spread == 0 or gaps[at - 1] < CLEAR * spread:
        return None
    error = NEAR * 1.25 * spread / np.sqrt(len(few))
    if not FEWEST_AWAY <= len(few) <= MOST_AWAY * len(logs) or error > SURE:
        return None
    away = float(np.median(few) - np.median(many))
    factor = min(FACTORS, key=lambda each: abs(abs(away) - np.log(each)))
    step = float(np.copysign(np.log(factor), away))
    if abs(away - step) > error or ks_2samp(few - step, many).pvalue < LEAST_ALIKE:
        return None
    cut = float(np.exp((logs[at - 1] + logs[at]) / 2))
    return TwoClusters(factor if away > 0 else 1 / factor, cut, float(gaps[at - 1]) / spread)
