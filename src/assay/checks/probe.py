"""The probe: a small forest that shows what one way of dividing the rows is worth beside another.

It is no model to use, it is a quick one with an honest difference: the same rows, the same trees,
only the division changes. All tasks share one loss, the squared error (of indicator columns for
classes, which is the Brier score), so that skill always means the share of variance explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.schema import Schema, Task
from assay.predictions import Floats, Labels

Whole = NDArray[np.int64]
TREES = 12
LEAF_ROWS = 3
MOST_TRIED = 24


@dataclass(frozen=True)
class Cost:
    """What the second division costs, measured on the same rows.

    Attributes:
        before: Skill under the first division, 1 is perfect, 0 is no better than the mean.
        after: Skill under the second.
        z: The difference of the losses in standard errors, over clusters of rows.
    """

    before: float
    after: float
    z: float

    @property
    def drop(self) -> float:
        """The skill that is lost."""
        return self.before - self.after


def target_columns(part: Part) -> Floats:
    """The target as centred columns, (n, k): one of numbers, or an indicator for each class."""
    return columns_of(part.known_target, part.schema)


def columns_of(target: Labels, schema: Schema) -> Floats:
    """Targets as centred columns, (n, k), as `target_columns` gives them."""
    if schema.task is Task.REGRESSION:
        columns = target.astype(np.float64)[:, None]
    else:
        columns = np.eye(len(schema.classes))[schema.codes(target)]
    return columns - columns.mean(axis=0)


def encoded(part: Part, without: tuple[str, ...] = ()) -> Floats:
    """The features as numbers, shape (n, p), in the order of their names.

    Levels become their rank by frequency, what is missing lies below everything else.
    """
    import pandas as pd

    columns = []
    for name in sorted(set(part.features.columns) - set(without)):
        values = part.features[name]
        if pd.api.types.is_numeric_dtype(values):
            numbers = values.to_numpy(dtype=np.float64)
        else:
            codes = pd.factorize(values, sort=True)[0]
            counts = np.bincount(codes[codes >= 0], minlength=1)
            rank = np.empty(len(counts))
            rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
            numbers = np.where(codes < 0, np.nan, rank[np.maximum(codes, 0)])
        known = np.isfinite(numbers)
        if known.any():
            lowest = numbers[known].min()
            columns.append(np.where(known, numbers, lowest - 1 - abs(lowest)))
    return np.column_stack(columns) if columns else np.zeros((len(part), 1))


def errors(
    X: Floats, truth: Floats, train: Whole, held_out: Whole, leaf_rows: int = LEAF_ROWS
) -> Floats:
    """What a forest that learns from some rows misses on others, shape (held out, k)."""
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(
        n_estimators=TREES,
        min_samples_leaf=leaf_rows,
        max_features=min(0.5, MOST_TRIED / X.shape[1]) if X.shape[1] > 1 else 1.0,
        random_state=0,
        n_jobs=1,
    )
    forest.fit(X[train], truth[train] if truth.shape[1] > 1 else truth[train, 0])
    guessed = forest.predict(X[held_out]).reshape(len(held_out), -1)
    return np.asarray(truth[held_out] - guessed)


def fold_errors(X: Floats, truth: Floats, folds: Whole) -> Floats:
    """What the forest misses on each row out of its fold, shape (n, k)."""
    out = np.empty_like(truth)
    for fold in np.unique(folds):
        held_out = np.flatnonzero(folds == fold)
        out[held_out] = errors(X, truth, np.flatnonzero(folds != fold), held_out)
    return out


def cost(before: Floats, after: Floats, truth: Floats, clusters: NDArray[Any]) -> Cost:
    """Compare the squared errors of the same rows under two divisions.

    Args:
        before: Squared errors under the first, shape (n,).
        after: Squared errors under the second, shape (n,).
        truth: Centred target columns of the same rows, shape (n, k).
        clusters: Rows that are not independent share a value, shape (n,).
    """
    total = float((truth**2).sum())
    more = after - before
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=more)
    spread = float(np.sqrt((sums**2).sum()))
    return Cost(
        before=1 - float(before.sum()) / total if total else 0.0,
        after=1 - float(after.sum()) / total if total else 0.0,
        z=float(more.sum()) / spread if spread else 0.0,
    )
