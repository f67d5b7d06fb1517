"""Related features: those that say much the same, so that one can stand in for another.

Shuffled one by one each looks dispensable, because the others still tell the model what it lost.
So related features are shuffled together, and the importance is that of the group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.schema import Kind

RELATED = 0.3
"""Share of what the simpler of two features says that the other says too.

Two normal numbers reach it at a correlation of about 0.9.
"""

MOST_FEATURES = 150
_ROWS = 2000
_BINS = 16
_LEAST_ENTROPY = 1e-9  # of a constant, but for rounding


def related_features(part: Part) -> tuple[tuple[str, ...], ...]:
    """Groups of at least two features that say much the same, in the order of the columns.

    Pairs are held together by their mutual information over the smaller of their entropies, in at
    most 16 bins, on the rows that know both; groups by average linkage. Of more than 150 features,
    or on fewer than 256 rows, nothing is looked for.
    """
    names = [column.name for column in part.schema.features if column.kind is not Kind.IMAGE]
    if not 2 <= len(names) <= MOST_FEATURES or len(part) < _BINS**2:
        return ()
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    chosen = np.sort(np.random.default_rng(0).permutation(len(part))[:_ROWS])
    features = part.features.iloc[chosen]
    shared = _shared([_binned(features[name]) for name in names])
    tree = linkage(squareform(1 - shared, checks=False), method="average")
    clusters = fcluster(tree, 1 - RELATED, criterion="distance")
    groups = [
        tuple(name for name, each in zip(names, clusters, strict=True) if each == cluster)
        for cluster in dict.fromkeys(clusters.tolist())
    ]
    return tuple(group for group in groups if len(group) > 1)


def _binned(values: pd.Series[Any]) -> NDArray[np.int64]:
    """At most 16 values, bins of equal count or frequent levels; one more for what is missing."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        codes = pd.factorize(values)[0]
        frequent = np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable")
        rank = np.empty(len(frequent), dtype=np.int64)
        rank[frequent] = np.arange(len(frequent))
        return np.where(codes < 0, _BINS, np.minimum(rank[np.maximum(codes, 0)], _BINS - 1))
    numbers = values.to_numpy(dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    if len(known) == 0:
        return np.full(len(numbers), _BINS, dtype=np.int64)
    edges = np.unique(known)[1:]
    if len(edges) >= _BINS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, numbers, side="right")
    return np.where(np.isnan(numbers), _BINS, bins).astype(np.int64)


def _shared(columns: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Mutual information over the smaller entropy of each pair, 0 to 1, shape (p, p)."""
    n, p, width = len(columns[0]), len(columns), _BINS + 1
    cells = np.column_stack(columns) + width * np.arange(p)
    present = np.zeros((n, p * width), dtype=np.float32)
    present[np.arange(n)[:, None], cells] = 1
    joint = (present.T @ present).reshape(p, width, p, width).transpose(0, 2, 1, 3)
    # What is missing together says nothing of what is there.
    joint = joint[:, :, :_BINS, :_BINS].astype(np.float64)
    known = joint.sum(axis=(2, 3))
    joint /= np.maximum(known, 1)[:, :, None, None]
    first, second = joint.sum(axis=3), joint.sum(axis=2)
    entropies = _plogp(first).sum(axis=2), _plogp(second).sum(axis=2)
    # Chance makes features of many levels agree a little (Miller 1955).
    used = [(each > 0).sum(axis=2) - 1 for each in (first, second)]
    by_chance = used[0] * used[1] / (2 * np.maximum(known, 1))
    mutual = sum(entropies) - _plogp(joint).sum(axis=(2, 3)) - by_chance
    smaller = np.minimum(*entropies)
    is_told = (smaller > _LEAST_ENTROPY) & (known >= _BINS**2)
    shared = np.divide(mutual, smaller, out=np.zeros((p, p)), where=is_told)
    np.fill_diagonal(shared, 1.0)
    return np.clip(shared, 0.0, 1.0)


def _plogp(shares: NDArray[Any]) -> NDArray[np.float64]:
    """-p log p, and 0 where p is 0."""
    safe = np.where(shares > 0, shares, 1.0).astype(np.float64)
    return -np.asarray(shares * np.log(safe), dtype=np.float64)
