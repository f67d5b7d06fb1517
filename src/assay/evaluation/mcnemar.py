"""McNemar's test: whether two classifiers decide equally many rows right, on the same rows.

Only rows that one of them decides right and the other wrong tell them apart. If both are equally
good, each of these is a toss of a coin (McNemar 1947): no interval is needed, and few rows do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy.special import bdtr

from assay.evaluation.contrast import Decisions
from assay.evaluation.outcome import Outcome


def p_values(only_first: int, only_second: int) -> tuple[float, float]:
    """The mid-p value and the exact one, two-sided.

    >>> [round(each, 4) for each in p_values(1, 7)]
    [0.0391, 0.0703]
    """
    apart, fewer = only_first + only_second, min(only_first, only_second)
    if apart == 0:
        return 1.0, 1.0
    upto = float(bdtr(fewer, apart, 0.5))
    below = float(bdtr(fewer - 1, apart, 0.5)) if fewer else 0.0
    return upto + below, min(1.0, 2 * upto)


def decisions(outcomes: Sequence[Outcome]) -> tuple[Decisions | None, ...]:
    """Of each but the first beside the first; None where rows are not tosses of one coin.

    Args:
        outcomes: On the same rows. Regressions decide nothing; rows in groups, in time or of
            unequal weight are not independent tosses.
    """
    first, *others = outcomes
    if first.decided is None or first.clusters is not None or first.weights is not None:
        return (None,) * len(others)
    found = [_parted(first.decided_right, other.decided_right) for other in others]
    adjusted = holm([p_values(each[1], each[2])[0] for each in found])
    return tuple(
        Decisions(*each, *p_values(each[1], each[2]), adjusted=together)
        for each, together in zip(found, adjusted, strict=True)
    )


def holm(values: Sequence[float]) -> list[float]:
    """p-values of several tests, so that all together err no more often than one (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, largest = [0.0] * len(values), 0.0
    for place, number in enumerate(sorted(range(len(values)), key=lambda each: values[each])):
        largest = max(largest, min(1.0, (len(values) - place) * values[number]))
        adjusted[number] = largest
    return adjusted


def _parted(first: Any, second: Any) -> tuple[int, int, int, int]:
    parts = (first & second, first & ~second, ~first & second, ~first & ~second)
    return tuple(int(each.sum()) for each in parts)  # type: ignore[return-value]
