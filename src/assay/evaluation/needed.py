"""Rows needed: how many more would tell two models apart, if they are as far apart as they look.

What a difference is known to narrows with the root of the rows. So many are named that the interval
would leave out zero in four of five such samples, if the true difference is the one that was seen,
further rows are like these, and the models stay what they are.
"""

from __future__ import annotations

import math

from scipy.special import ndtri

from assay.estimates import Estimate
from assay.evaluation.contrast import RowsNeeded

POWER = 0.8
"""How often so many rows would tell."""

LEAST_ERRORS = 0.5
"""Standard errors that a difference must be from zero for a number to be named: of a smaller one
not even the sign is known, and the rows that it would ask for are anybody's guess."""

_DIGITS = 2


def rows_needed(difference: Estimate) -> RowsNeeded | None:
    """How many rows more would tell; None where these tell, or nothing is known of the noise.

    >>> rows_needed(Estimate(0.01, -0.01, 0.03, n=1000)).more
    7200
    >>> rows_needed(Estimate(0.0001, -0.02, 0.02, n=1000)).reason
    'the difference is about nothing'
    """
    if difference.low is None or difference.high is None or difference.excludes_zero:
        return None
    reach = float(ndtri(0.5 + difference.level / 2))
    error = (difference.high - difference.low) / 2 / reach
    if abs(difference.value) < LEAST_ERRORS * error:
        return RowsNeeded(None, POWER, "the difference is about nothing")
    times = ((reach + float(ndtri(POWER))) * error / difference.value) ** 2
    return RowsNeeded(_rounded(difference.n * max(0.0, times - 1)), POWER)


def _rounded(rows: float) -> int:
    """A number of rows to two digits, at least one."""
    if rows < 1:
        return 1
    unit = 10 ** max(0, math.floor(math.log10(rows)) + 1 - _DIGITS)
    return int(round(rows / unit) * unit)
