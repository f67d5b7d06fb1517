"""Drawing rows: systematic sampling over a shuffled order, so that every class gets its share.

Groups are drawn whole, stratified by their most frequent class; times are cut, never drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.data.keys import Codes
from assay.predictions import Floats

Mask = NDArray[np.bool_]


def drawn(n: int, strata: Codes | None, share: float, seed: int) -> Mask:
    """Which of n rows are drawn, shape (n,); a class of one row never is."""
    taken = np.floor(np.arange(n + 1) * share)
    chosen = np.zeros(n, dtype=bool)
    chosen[_shuffled(n, strata, seed)] = taken[1:] > taken[:-1]
    if strata is not None:
        chosen &= np.bincount(strata)[strata] > 1
    return chosen


def dealt(n: int, strata: Codes | None, hands: int, seed: int) -> Codes:
    """A number from 0 to hands - 1 for each of n rows, shape (n,), balanced within each class."""
    numbers = np.empty(n, dtype=np.int64)
    numbers[_shuffled(n, strata, seed)] = np.arange(n) % hands
    return numbers


def drawn_groups(groups: Codes, strata: Codes | None, share: float, seed: int) -> Mask:
    """Which rows are drawn when groups are drawn whole, shape (n,)."""
    local, order = _ordered_groups(groups, strata, seed)
    n = len(order)
    # A random start, so that the largest group of a class has its chance like any other.
    taken = np.floor(np.arange(n + 1) * share + np.random.default_rng([seed, n]).random())
    chosen = np.zeros(n, dtype=bool)
    chosen[order] = taken[1:] > taken[:-1]
    if n > 1 and not chosen.any():
        chosen[order[-1]] = True
    return chosen[local] & (n > 1)


def dealt_groups(groups: Codes, strata: Codes | None, hands: int, seed: int) -> Codes:
    """A number for each row, the same within a group, shape (n,), balanced in class and size."""
    local, order = _ordered_groups(groups, strata, seed)
    there_and_back = np.concatenate([np.arange(hands), np.arange(hands)[::-1]])
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = there_and_back[np.arange(len(order)) % (2 * hands)]
    return numbers[local]


def latest(times: Floats, share: float) -> Mask:
    """Which rows are the latest share, shape (n,); rows of one time stay together."""
    ordered = np.sort(times)
    cut = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - share)))]
    later = times >= cut
    return later if not later.all() else times > cut


def blocks(times: Floats, n_blocks: int) -> Codes:
    """Blocks of about equal size in the order of time, from 0, shape (n,).

    Rows of one time stay together, so there may be fewer blocks than asked for.
    """
    ordered = np.sort(times)
    before = np.searchsorted(ordered, times, side="left")
    up_to = np.searchsorted(ordered, times, side="right")
    middle = (before + up_to - 1) / 2
    rough = np.minimum((middle * n_blocks / len(times)).astype(np.int64), n_blocks - 1)
    return np.unique(rough, return_inverse=True)[1].astype(np.int64)


def _shuffled(n: int, strata: Codes | None, seed: int) -> Codes:
    """Positions in random order, each class together, so that taking every k-th is fair."""
    order = np.random.default_rng(seed).permutation(n)
    return order if strata is None else order[np.argsort(strata[order], kind="stable")]


def _ordered_groups(groups: Codes, strata: Codes | None, seed: int) -> tuple[Codes, Codes]:
    """The group of each row, counted from 0, and the groups in an order fit for dealing.

    By their most frequent class, then from the largest to the smallest, then at random.
    """
    local = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    n_groups = int(local.max()) + 1
    sizes = np.bincount(local)
    classes = np.zeros(n_groups, dtype=np.int64)
    if strata is not None:
        width = int(strata.max()) + 1
        cells, counts = np.unique(local * width + strata, return_counts=True)
        # Ascending counts, so that each group's most frequent class is written last.
        by_count = np.argsort(counts, kind="stable")
        classes[cells[by_count] // width] = cells[by_count] % width
    random = np.random.default_rng(seed).permutation(n_groups)
    return local, np.lexsort((random, -sizes, classes))
