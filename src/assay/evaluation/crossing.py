"""Crossing: which rows teach what another fold is calibrated and decided by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def crossings(folds: NDArray[np.int64], *, ordered: bool) -> Iterator[tuple[Mask, Mask]]:
    """Each fold with its teachers, as masks of shape (n,).

    Args:
        folds: Fold of each row, shape (n,).
        ordered: Whether the folds are in time order: then the earlier folds teach, and nobody
            teaches the earliest; else all others do.
    """
    for fold in np.unique(folds):
        yield folds == fold, folds < fold if ordered else folds != fold
