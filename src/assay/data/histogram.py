"""Histograms: rows by bins of equal width over where most of the values lie."""

from __future__ import annotations

import numpy as np

from assay.data.profile import Histogram
from assay.predictions import Floats

_DRAWN = (-1e300, 1e300)
_LARGEST_WHOLE = 2.0**50
_WIDEST_WHOLE = 4096
_FEW_WHOLE = 1.5


def histogram(values: Floats, within: tuple[float, float], bins: int) -> Histogram:
    """Rows by about `bins` bins over the values, without tails that would flatten all the rest.

    Whole numbers get bins that hold the same number of them each, or one each where they are few.

    Args:
        values: Finite numbers, at least one, shape (n,).
        within: Where nearly all of them lie, for example their 1 % and 99 % quantiles; the bins
            reach at most half of that range beyond it. Where it has no width they reach to the
            ends.
        bins: About how many.
    """
    least, greatest = (float(each) for each in np.clip([values.min(), values.max()], *_DRAWN))
    few = greatest - least < _FEW_WHOLE * bins and _are_whole(values)
    low, high = (least, greatest) if few else _ends(values, within, least, greatest)
    inside = values[(values >= low) & (values <= high)]
    below, above = int((values < low).sum()), int((values > high).sum())
    if high - low < _WIDEST_WHOLE and _are_whole(inside):
        n = round(high - low) + 1
        width = _whole_width(n, bins)
        bins = -(-n // width)
        low, high = low - 0.5, low - 0.5 + bins * width
    elif low == high:
        return Histogram(low, high, (len(inside),), below, above)
    part = np.floor((inside - low) / (high - low) * bins).astype(np.int64)
    counts = np.bincount(np.clip(part, 0, bins - 1), minlength=bins)
    return Histogram(low, high, tuple(counts.tolist()), below, above)


def _ends(
    values: Floats, within: tuple[float, float], least: float, greatest: float
) -> tuple[float, float]:
    """The lowest and the highest value that is drawn."""
    low, high = (float(each) for each in np.clip(within, least, greatest))
    reach = (high - low) / 2
    if reach <= 0:
        return least, greatest
    lowest = values[values >= low - reach].min(initial=low)
    highest = values[values <= high + reach].max(initial=high)
    return float(lowest), float(highest)


def _are_whole(values: Floats) -> bool:
    """Whether all are whole numbers that have halves between them."""
    return bool((values == np.rint(values)).all() and (np.abs(values) < _LARGEST_WHOLE).all())


def _whole_width(n: int, bins: int) -> int:
    """How many of `n` neighbouring whole numbers share a bin: as even as can be.

    >>> _whole_width(12, 24), _whole_width(31, 24), _whole_width(365, 24)
    (1, 1, 23)
    """
    fewest, most = -(-n * 3 // (4 * bins)), -(-n * 3 // (2 * bins))
    return min(range(max(1, fewest), max(1, most) + 1), key=lambda width: (-n % width) / width)
