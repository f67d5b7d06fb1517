"""Shifts of counts: rows by bins or levels, one sample of training against many later ones at once.

Whoever keeps counts needs no rows: a monitor holds each hour against training by them. Chances are
right far out in their tails, where a monitor that looks every hour has its level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.predictions import Floats

Counts = NDArray[Any]
"""Numbers of rows: whole, or whole as float64."""


def shifts_of_order(ours: Counts, theirs: Counts, thinning: float = 1.0) -> tuple[Floats, Floats]:
    """Whether later rows lie elsewhere: by order (Mann-Whitney) or anyhow (Kolmogorov-Smirnov).

    Args:
        ours: Training rows by bin, the bins in rising order, shape (b,).
        theirs: Later rows by bin, shape (..., b); each sample has at least one.
        thinning: How many rows say as much as one that stands for itself.

    Returns:
        The probability of a difference as large by chance, both tests counted, and its size in
        standard deviations of an equal shift of a normal distribution; each of shape (...).
    """
    from scipy.special import ndtr, ndtri
    from scipy.stats import kstwobign

    ours, theirs = (np.asarray(each, dtype=np.float64) for each in (ours, theirs))
    n, k = ours.sum(), theirs.sum(axis=-1)
    below = ours.cumsum()
    apart = below / n - theirs.cumsum(axis=-1) / k[..., None]
    distance = np.abs(apart).max(axis=-1)
    above = theirs @ (below - ours / 2) / (n * k)
    tied = ours + theirs
    tied = (tied**3 - tied).sum(axis=-1) / ((n + k) * (n + k - 1.0))
    spread = np.sqrt(np.maximum(n + k + 1 - tied, 0.0) / (12.0 * n * k) * thinning)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_order = np.where(spread > 0, 2 * ndtr(-np.abs(above - 0.5) / spread), 1.0)
    p_any = kstwobign.sf(distance * np.sqrt(n * k / (n + k) / thinning))
    # A shift of d standard deviations has P(later > earlier) = Phi(d / sqrt 2), and a largest
    # distance of 2 Phi(d / 2) - 1 between the distribution functions.
    by_order = np.abs(ndtri(np.clip(above, 1e-9, 1 - 1e-9))) * np.sqrt(2)
    anyhow = 2 * ndtri(np.clip((1 + distance) / 2, 1e-9, 1 - 1e-9))
    return np.minimum(1.0, 2 * np.minimum(p_order, p_any)), np.maximum(by_order, anyhow)


def shifts_of_levels(ours: Counts, theirs: Counts) -> tuple[Floats, Floats]:
    """Whether levels have other shares: that of the one that moved most, all of them counted.

    Args:
        ours: Training rows by level, shape (b,).
        theirs: Later rows by level, shape (..., b); each sample has at least one.

    Returns:
        As `shifts_of_order`; the size is the root of the squared differences, each over the mean
        of both shares, without what chance makes of them.
    """
    ours, theirs = (np.asarray(each, dtype=np.float64) for each in (ours, theirs))
    n, k = ours.sum(), theirs.sum(axis=-1, keepdims=True)
    chances = chances_of_shares(ours, n, theirs, k)
    p = np.minimum(1.0, chances.min(axis=-1) * len(ours))
    before, after = ours / n, theirs / k
    mean = (before + after) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(mean > 0, (after - before) ** 2 / mean, 0.0).sum(axis=-1)
    by_chance = ((mean > 0).sum(axis=-1) - 1) * (1 / n + 1 / k[..., 0])
    return p, np.sqrt(np.maximum(0.0, apart - by_chance))


def shifts_of_share(hit: float, n: float, hits: Counts, of: Counts) -> tuple[Floats, Floats]:
    """Whether a share of rows, as of those without a value, is another.

    Args:
        hit: Training rows that have it.
        n: Training rows.
        hits: Later rows that have it, shape (...).
        of: Later rows, shape (...), at least one each.

    Returns:
        As `shifts_of_order`; the size is the difference in standard deviations of such a row.
    """
    hits, of = (np.asarray(each, dtype=np.float64) for each in (hits, of))
    mean = (hit / n + hits / of) / 2
    spread = np.sqrt(mean * (1 - mean))
    difference = np.abs(hits / of - hit / n)
    size = np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0)
    return chances_of_shares(np.float64(hit), n, hits, of), size


def chances_of_shares(ours: Any, n: Any, theirs: Any, of: Any) -> Floats:
    """The probability of shares as different by chance: the signed root of the deviance.

    Of 17 rows in 1,000 where 5 are usual Pearson's z says 8e-8, and Fisher's exact test 2e-5; this
    says 5e-5. Half a row is taken from the difference, as Yates does. Why the root of a deviance is
    so near normal: Pierce and Schafer (1986), 'Residuals in generalized linear models', Journal of
    the American Statistical Association 81.

    Args:
        ours: Training rows that have it.
        n: Training rows.
        theirs: Later rows that have it.
        of: Later rows. All of them broadcast.
    """
    from scipy.special import ndtr, xlogy

    expected = (ours + theirs) * of / (n + of)
    moved = theirs - expected
    x = expected + np.sign(moved) * np.maximum(np.abs(moved) - 0.5, 0.0)
    y = ours + theirs - x
    hits, others = (n + of) / np.maximum(ours + theirs, 1e-300), (n + of) - (ours + theirs)
    rest = (n + of) / np.maximum(others, 1e-300)
    deviance = 2 * (
        xlogy(x, x * hits / of)
        + xlogy(y, y * hits / n)
        + xlogy(of - x, (of - x) * rest / of)
        + xlogy(n - y, (n - y) * rest / n)
    )
    return np.asarray(2 * ndtr(-np.sqrt(np.maximum(deviance, 0.0))), dtype=np.float64)
