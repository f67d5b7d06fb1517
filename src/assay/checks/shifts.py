"""Shifts: whether a column of later rows is drawn from another distribution, and how far it moved.

Two questions, answered apart, so that the verdict does not depend on the number of rows: is it
chance (a p-value), and is it enough to matter (an effect size)? Effects are on one scale, that of
the population stability index of a small shift: 0.25 is what moving a normal distribution by 0.25
standard deviations does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assay.checks.counted_shifts import shifts_of_order
from assay.data.keys import Codes
from assay.predictions import Floats

LEAST_EXPECTED = 5.0
LEAST_SIZE = 0.25
"""How large a shift is that is worth a word: smaller ones many rows tell from chance as well."""


@dataclass(frozen=True)
class Shift:
    """How one column of later rows differs from training.

    Attributes:
        what: What differs: 'values', 'shares' or 'missing'.
        p: Probability of a difference as large by chance, several tests of it counted.
        size: How large the difference is, in standard deviations of an equal shift of a normal
            distribution.
        before: What it was: the median, the share of a level, the share missing.
        after: What it is.
        level: The level whose share changed most, of categories.
    """

    what: str
    p: float
    size: float
    before: float
    after: float
    level: str | None = None


def shift_of_numbers(ours: Floats, theirs: Floats, thinning: float = 1.0) -> Shift:
    """Whether later numbers are others: by order (Mann-Whitney) or anyhow (Kolmogorov-Smirnov).

    Args:
        ours: Training values, none missing.
        theirs: Later values, none missing.
        thinning: How many rows say as much as one that stands for itself.
    """
    both, codes = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    before, after = (
        np.bincount(each, minlength=len(both)) for each in np.split(codes, [len(ours)])
    )
    p, size = (float(each) for each in shifts_of_order(before, after, thinning))
    return Shift("values", p, size, float(np.median(ours)), float(np.median(theirs)))


def shift_of_shares(
    ours: pd.Series[str], theirs: pd.Series[str], thinning: float = 1.0
) -> Shift | None:
    """Whether levels that training knows have other shares, by chi-squared; None without two.

    Args:
        ours: Training values, none missing.
        theirs: Later values, none missing; those that training does not know do not count.
        thinning: How many rows say as much as one that stands for itself.
    """
    from scipy.stats import chi2

    counts = pd.concat([ours.value_counts(), theirs.value_counts()], axis=1).fillna(0)
    known = counts[counts.iloc[:, 0] > 0]
    levels, counts = known.index, known.to_numpy(dtype=np.float64)
    total = counts.sum(axis=0)
    if min(total) == 0:
        return None
    enough = counts.sum(axis=1) * min(total) / total.sum() >= LEAST_EXPECTED
    merged = np.vstack([counts[enough], counts[~enough].sum(axis=0, keepdims=True)])
    merged = merged[merged.sum(axis=1) > 0]
    if len(merged) < 2:
        return None
    expected = merged.sum(axis=1, keepdims=True) * total / total.sum()
    statistic = float(((merged - expected) ** 2 / expected).sum())
    free = len(merged) - 1
    p = float(chi2.sf(statistic / thinning, free))
    # Chance alone makes `free` of it; the rest, per row, is the squared effect.
    beyond = max(0.0, statistic - free) * total.sum() / (total[0] * total[1])
    shares = counts / total
    most = int(np.argmax(np.abs(shares[:, 1] - shares[:, 0])))
    before, after = map(float, shares[most])
    return Shift("shares", p, beyond**0.5, before, after, str(levels[most]))


def shift_of_gaps(ours: int, n: int, theirs: int, k: int, thinning: float = 1.0) -> Shift:
    """Whether more or fewer values are missing.

    Args:
        ours: Training rows without a value.
        n: Training rows.
        theirs: Later rows without one.
        k: Later rows.
        thinning: How many rows say as much as one that stands for itself.
    """
    from scipy.stats import fisher_exact, norm

    before, after, mean = ours / n, theirs / k, (ours + theirs) / (n + k)
    spread = np.sqrt(mean * (1 - mean))
    if spread == 0:
        return Shift("missing", 1.0, 0.0, before, after)
    z = abs(after - before) / (spread * np.sqrt((1 / n + 1 / k) * thinning))
    few = mean * min(n, k) < LEAST_EXPECTED
    exact = fisher_exact([[ours, n - ours], [theirs, k - theirs]])[1] if few else 0.0
    return Shift("missing", max(2 * float(norm.sf(z)), exact), abs(after - before) / spread,
                 before, after)  # fmt: skip


def thinning(values: Floats, clusters: Codes) -> float:
    """How many rows of groups say as much as one row that stands for itself.

    The design effect 1 + (m - 1) r, with r the correlation within groups by the analysis of
    variance of ranks, and m the mean size of the group that a row is in.

    Args:
        values: One number per row, none missing, shape (n,).
        clusters: The group of each, shape (n,).
    """
    from scipy.stats import rankdata

    ranks = rankdata(values)
    ranks = ranks - ranks.mean()
    code = np.unique(clusters, return_inverse=True)[1]
    sizes = np.bincount(code).astype(np.float64)
    n, groups = len(ranks), len(sizes)
    if groups < 2 or groups == n:
        return 1.0
    between = float((np.bincount(code, ranks) ** 2 / sizes).sum())
    within = float((ranks**2).sum()) - between
    typical = (n - (sizes**2).sum() / n) / (groups - 1)
    apart, inside = between / (groups - 1), max(within, 0.0) / (n - groups)
    alike = (apart - inside) / (apart + (typical - 1) * inside) if apart > 0 else 0.0
    return float(1 + ((sizes**2).sum() / n - 1) * max(0.0, alike))
