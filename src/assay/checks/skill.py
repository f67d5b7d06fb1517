"""Skill: the share of the target's deviance that bins of the rows explain, out of fold.

Deviance is twice the log loss for classes and the squared error for numbers; 0 is no better than
the mean, 1 is perfect. Each row is predicted by the mean of its bin over the other folds, shrunk by
one row to the mean. Beyond 20,000 rows a sample of so many is looked at, which moves a skill by
less than 0.01.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.predictions import Floats

Bins = NDArray[np.int64]
MOST_BINS = 64
ROWS_PER_BIN = 20
FOLDS = 5
MOST_ROWS = 20_000
_EPS = 1e-6


def few(part: Part, most: int = MOST_ROWS) -> Part:
    """The part, or a random sample of so many of its rows, in their order."""
    if len(part) <= most:
        return part
    return part.take(np.sort(np.random.default_rng(0).permutation(len(part))[:most]))


def feature_skills(train: Part) -> dict[str, float]:
    """What each feature explains alone, by name; images are left out."""
    sample = few(train)
    seen = [column for column in train.schema.features if column.kind is not Kind.IMAGE]
    kinds = {column.name: column.kind for column in seen}
    return skills({name: bins(sample.features[name], kind) for name, kind in kinds.items()}, sample)


def skills(binned: Mapping[Any, Bins], train: Part) -> dict[Any, float]:
    """What each way of putting the rows into bins explains.

    Args:
        binned: The bin of each row, from 0, shape (n,), by whatever names the way.
        train: The rows with their targets.
    """
    truth = _as_columns(train)
    folds = np.random.default_rng(0).permutation(len(train)) % FOLDS
    null = _deviance(truth, _bin_means(np.zeros(len(train), dtype=np.int64), folds, truth), train)
    return {
        key: 1 - _deviance(truth, _bin_means(each, folds, truth), train) / null if null > 0 else 0.0
        for key, each in binned.items()
    }


def bins(values: Any, kind: Kind, most: int = MOST_BINS) -> Bins:
    """Bins of a feature: quantiles of numbers, levels of all else, one for what is missing."""
    missing = values.isna().to_numpy()
    n_bins = min(most, max(2, len(values) // ROWS_PER_BIN))
    if kind not in (Kind.NUMERIC, Kind.DATETIME):
        codes = _codes(values)
        frequent = np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable")
        rank = np.empty(len(frequent), dtype=np.int64)
        rank[frequent] = np.arange(len(frequent))
        found = np.minimum(rank[np.maximum(codes, 0)], n_bins - 1)
    else:
        numbers = values.to_numpy(dtype=np.float64)
        known = numbers[~missing]
        if len(known) == 0:
            return np.zeros(len(numbers), dtype=np.int64)
        edges = np.unique(np.quantile(known, np.linspace(0, 1, n_bins + 1)[1:-1]))
        found = np.searchsorted(edges, np.where(missing, 0.0, numbers), side="right")
    return np.where(missing, n_bins, found).astype(np.int64)


def _codes(values: Any) -> Bins:
    import pandas as pd

    return pd.factorize(values)[0].astype(np.int64)


def _as_columns(train: Part) -> Floats:
    """The target as indicator columns of its classes, or as one centred column, shape (n, k)."""
    target = train.known_target
    if train.schema.task is Task.REGRESSION:
        values = target.astype(np.float64)
        return (values - values.mean())[:, None]
    codes = train.schema.codes(target)
    return np.eye(len(train.schema.classes))[codes]


def _bin_means(binned: Bins, folds: Bins, truth: Floats) -> Floats:
    """Mean of the truth in each row's bin over the other folds, shrunk by one row to the mean."""
    cells = binned * FOLDS + folds
    size = (int(binned.max()) + 1) * FOLDS
    counts = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    others = counts.sum(axis=1, keepdims=True) - counts
    in_others = counts.sum() - counts.sum(axis=0)
    means = np.empty_like(truth)
    for column in range(truth.shape[1]):
        sums = np.bincount(cells, weights=truth[:, column], minlength=size).reshape(-1, FOLDS)
        overall = (sums.sum() - sums.sum(axis=0)) / in_others
        other_sums = sums.sum(axis=1, keepdims=True) - sums
        means[:, column] = ((other_sums + overall) / (others + 1))[binned, folds]
    return means


def _deviance(truth: Floats, means: Floats, train: Part) -> float:
    if train.schema.task is Task.REGRESSION:
        return float(((truth - means) ** 2).mean())
    probabilities = np.clip((truth * means).sum(axis=1), _EPS, 1)
    return float(-2 * np.log(probabilities).mean())
