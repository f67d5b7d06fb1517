"""Labels that rows have together, more or less often than chance would have it."""

from __future__ import annotations

import numpy as np

from assay.data.labels import Held
from assay.data.profile import Together
from assay.predictions import Floats

MOST_PAIRS = 6
LEVEL = 0.95
_ROWS_AT_ONCE = 65_536


def together(held: Held, names: tuple[str, ...]) -> tuple[Together, ...]:
    """The pairs of labels least like chance, at most `MOST_PAIRS`, the least like it first.

    Chance is the hypergeometric distribution: the rows of the one label drawn from all rows without
    regard to the other, which takes each row to stand for itself (Fisher 1935). Pairs are put in
    order by the likelihood ratio of their table of two by two (Dunning 1993), and what chance gives
    is at 95 % over all pairs (Bonferroni).

    Args:
        held: 1 where a row has a label, else 0, shape (n, k).
        names: The labels, in the order of the columns.
    """
    from scipy.stats import hypergeom

    n, both = len(held), _both(held)
    rows = np.diag(both)
    first, second = np.triu_indices(len(rows), k=1)
    surprise = _likelihood_ratio(both[first, second], rows[first], rows[second], n)
    tail = (1 - LEVEL) / 2 / max(1, len(first))
    found = []
    for at in np.argsort(-surprise, kind="stable")[:MOST_PAIRS]:
        one, other = sorted((first[at], second[at]), key=lambda code: -rows[code])
        drawn, seen = hypergeom(n, rows[one], rows[other]), int(both[one, other])
        tells = bool(min(drawn.cdf(seen), drawn.sf(seen - 1)) < tail)
        expected = float(rows[one] * rows[other] / n)
        found.append(Together(names[one], names[other], seen, expected, tells))
    return tuple(found)


def _both(held: Held) -> Held:
    """How many rows have both of two labels, shape (k, k): sums that floats hold exactly."""
    both = np.zeros((held.shape[1],) * 2)
    for start in range(0, len(held), _ROWS_AT_ONCE):
        part = held[start : start + _ROWS_AT_ONCE].astype(np.float64)
        both += part.T @ part
    return both.astype(np.int64)


def _likelihood_ratio(both: Held, first: Held, second: Held, n: int) -> Floats:
    """G of tables of two by two, shape (pairs,): twice the sum of o log(o / e) over the cells."""
    seen = np.stack([both, first - both, second - both, n - first - second + both]).astype(float)
    expected = np.stack(
        [first * second, first * (n - second), (n - first) * second, (n - first) * (n - second)]
    ) / max(1, n)
    ratio = np.divide(seen, expected, out=np.ones_like(seen), where=seen > 0)
    g: Floats = 2 * (seen * np.log(ratio)).sum(axis=0)
    return g
