"""Closed forms: intervals of metrics that are shares of rows, which need no resamples.

They hold for independent rows of equal weight, however few, and at shares of 0 and 1 too. Where the
number of rows of each class is fixed, only those hold that count each class by itself: a share over
all rows then is as many binomials as there are classes, and Wilson's interval of one is too wide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv, ndtri

from assay.estimates import Estimate
from assay.predictions import Floats

Ends = tuple[float, float]

FEWEST_OF_CLASS = 5
"""Rows of each class below which there is no interval of their mean recall."""


@dataclass(frozen=True)
class ClosedForm:
    """An interval in closed form.

    Attributes:
        method: Whose it is.
        ends: Its ends, of a confusion matrix of counts, true class down, (k, k), and a level; None
            where there is none.
        undefined: Why there then is none.
        given_classes: What holds where the number of rows of each class is fixed; None where
            nothing in closed form does.
    """

    method: str
    ends: Callable[[Floats, float], Ends | None]
    undefined: str = "it is not defined on these rows"
    given_classes: ClosedForm | None = None


def wilson(k: float, m: float, level: float) -> Ends:
    """Wilson's score interval (1927) of k out of m, at least one.

    >>> [round(end, 4) for end in wilson(8, 10, 0.95)]
    [0.4902, 0.9433]
    """
    z = float(ndtri(0.5 + level / 2))
    centre = (k + z**2 / 2) / (m + z**2)
    half = z / (m + z**2) * np.sqrt(k * (m - k) / m + z**2 / 4)
    # At the ends the two cancel only up to the last digit.
    low = 0.0 if k == 0 else max(0.0, float(centre - half))
    return low, 1.0 if k == m else min(1.0, float(centre + half))


def clopper_pearson(k: float, n: float, level: float) -> Ends:
    """The exact interval (Clopper and Pearson 1934) of k out of n, more than nothing.

    >>> [round(end, 4) for end in clopper_pearson(8, 10, 0.95)]
    [0.4439, 0.9748]
    """
    tail = (1 - level) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    return low, float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0


def of_difference(first: float, ends: Ends, second: float, other_ends: Ends) -> Ends:
    """Of second minus first, where no row tells both, from the interval of each.

    The distances to their ends add up as squares (Zou and Donner 2008, 'MOVER').

    >>> [round(end, 2) for end in of_difference(0.5, (0.1, 0.8), 0.9, (0.5, 0.94))]
    [-0.1, 0.8]
    """
    (low, high), (other_low, other_high) = ends, other_ends
    value = second - first
    down = np.hypot(second - other_low, high - first)
    up = np.hypot(other_high - second, first - low)
    return float(value - down), float(value + up)


def of_mean(counts: Floats, values: Floats, level: float) -> Ends:
    """Of the mean of a number that has few values, from how many rows have each.

    The intervals of the shares are put together by the distances to their ends, with the
    correlation that shares of the same rows have (Zou and Donner 2008, 'MOVER'): where what counts
    most happens to few rows, no resample shows how many more it may happen to.

    Args:
        counts: Rows, shape (k,).
        values: What each of them has, shape (k,).
        level: Nominal coverage.

    >>> [round(end, 3) for end in of_mean(np.array([90, 8, 2]), np.array([0.0, 1.0, 20.0]), 0.95)]
    [0.189, 1.48]
    """
    most = values[counts.argmax()]
    others = np.unique(values[values != most])
    shares = np.array([counts[values == each].sum() for each in others]) / counts.sum()
    ends = [wilson(float(share * counts.sum()), float(counts.sum()), level) for share in shares]
    low, high = np.array(ends).reshape(-1, 2).T
    weights, odds = others - most, np.sqrt(shares / (1 - shares))
    correlations = -np.outer(odds, odds)
    np.fill_diagonal(correlations, 1.0)
    mean = float(most + weights @ shares)
    down, up = (
        weights * np.where((weights > 0) == lower, shares - low, high - shares)
        for lower in (True, False)
    )
    below, above = (float(np.sqrt(max(0.0, each @ correlations @ each))) for each in (down, up))
    return mean - below, mean + above


def of_right(confusion: Floats, level: float) -> Ends | None:
    """Of the share of rows that are decided right."""
    return _share(np.trace(confusion), confusion.sum(), level)


def of_right_given_classes(confusion: Floats, level: float) -> Ends | None:
    """Of the share of rows that are decided right, where so many of each class were asked for.

    >>> [round(end, 3) for end in of_right_given_classes(np.array([[90, 10], [2, 8]]), 0.95)]
    [0.818, 0.934]
    """
    support = confusion.sum(axis=1)
    return _added_up(confusion, support / max(1, support.sum()), level)


def of_decided(confusion: Floats, level: float) -> Ends | None:
    """Of the share of rows decided positive that are."""
    return _share(confusion[1, 1], confusion[:, 1].sum(), level)


def of_found(confusion: Floats, level: float) -> Ends | None:
    """Of the share of positive rows that are decided so."""
    return _share(confusion[1, 1], confusion[1].sum(), level)


def of_f1(confusion: Floats, level: float) -> Ends | None:
    """Of F1: it rises with the share j of true positives among all but true negatives.

    F1 = 2 j / (1 + j), and given their number true positives are binomial.
    """
    ends = _share(confusion[1, 1], confusion.sum() - confusion[0, 0], level)
    return None if ends is None else (2 * ends[0] / (1 + ends[0]), 2 * ends[1] / (1 + ends[1]))


def of_mean_recall(confusion: Floats, level: float) -> Ends | None:
    """Of the mean recall, from the interval of each (Newcombe 1998, 'square and add').

    >>> [round(end, 3) for end in of_mean_recall(np.array([[9, 1], [2, 8]]), 0.95)]
    [0.633, 0.933]
    """
    if confusion.sum(axis=1).min() < FEWEST_OF_CLASS:
        return None
    return _added_up(confusion, np.full(len(confusion), 1 / len(confusion)), level)


def _added_up(confusion: Floats, shares: Floats, level: float) -> Ends | None:
    """Of the sum of the recalls times these shares, from the interval of each that counts."""
    support, found = confusion.sum(axis=1), np.diag(confusion)
    counts = support > 0
    if not counts.any():
        return None
    recalls, shares = found[counts] / support[counts], shares[counts]
    each = zip(found[counts], support[counts], strict=True)
    low, high = np.array([wilson(k, m, level) for k, m in each]).T
    value = float(shares @ recalls)
    below, above = (np.sqrt(((shares * (recalls - end)) ** 2).sum()) for end in (low, high))
    return value - float(below), value + float(above)


def of_share(value: float, n: int, level: float) -> Estimate:
    """A share of n independent rows of equal weight with its interval."""
    ends = wilson(round(value * n), n, level)
    return Estimate(value, *ends, n=n, level=level, method=RIGHT.method)


def _share(k: float, m: float, level: float) -> Ends | None:
    return wilson(float(k), float(m), level) if m > 0 else None


def _by_class(form: ClosedForm) -> ClosedForm:
    """A form that counts each class by itself, which holds whether their rows are fixed or not."""
    return replace(form, given_classes=form)


RIGHT = ClosedForm("Wilson", of_right, given_classes=ClosedForm("Newcombe", of_right_given_classes))
DECIDED = ClosedForm("Wilson", of_decided, "it is not defined: no row is decided positive")
FOUND = _by_class(ClosedForm("Wilson", of_found, "it is not defined: no row is positive"))
F1 = ClosedForm("Wilson", of_f1, "it is not defined: no row is positive or decided so")
MEAN_RECALL = _by_class(
    ClosedForm("Newcombe", of_mean_recall, f"a class has fewer than {FEWEST_OF_CLASS} rows")
)
