"""Tables prepared on all rows or on training rows, and later rows that are something else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from assay.data.schema import Task
from tests.contracts.handed import Handed
from tests.tables import table

NUMBERS = ["a", "b", "c"]
Fit = Callable[[pd.DataFrame], Callable[[pd.DataFrame], pd.DataFrame]]
"""Learns from some rows what it does to others."""


def standardise(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    mean, spread = rows.mean(), rows.std(ddof=0)
    return lambda part: (part - mean) / spread


def to_range(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    low, high = rows.min(), rows.max()
    return lambda part: (part - low) / (high - low)


def by_quartiles(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    low, middle, high = (rows.quantile(share) for share in (0.25, 0.5, 0.75))
    return lambda part: (part - middle) / (high - low)


def components(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    mean = rows.mean()
    axes = np.linalg.svd((rows - mean).to_numpy(), full_matrices=False)[2].T
    return lambda part: pd.DataFrame((part - mean).to_numpy() @ axes, part.index, part.columns)


def fill_mean(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    mean = rows.mean()
    return lambda part: part.fillna(mean)


def fill_median(rows: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    median = rows.median()
    return lambda part: part.fillna(median)


def prepared_by(fit: Fit, task: Task, *, on_all: bool, n: int = 600, seed: int = 0) -> Handed:
    """The table with a step that was fitted on all of its rows, or on its training rows."""
    frame = table(task, n, seed)
    if fit is components:
        mixing = np.random.default_rng(9).normal(size=(len(NUMBERS), len(NUMBERS)))
        frame[NUMBERS] = frame[NUMBERS].fillna(0.0).to_numpy() @ mixing
    first = round(0.7 * n)
    does = fit(frame[NUMBERS] if on_all else frame.loc[: first - 1, NUMBERS])
    done = frame.assign(**dict(does(frame[NUMBERS]).items()))
    parts = done.iloc[:first], done.iloc[first:]
    return Handed(parts[0], parts[1].reset_index(drop=True))


def noise(task: Task, *, on_all: bool, n: int = 200, columns: int = 300, kept: int = 12) -> Handed:
    """Columns of noise of which those that go best with the target were kept."""
    from sklearn.feature_selection import f_classif, f_regression

    random = np.random.default_rng(4)
    X = pd.DataFrame(random.normal(size=(n, columns))).add_prefix("g")
    score = random.normal(size=n)
    y = pd.Series(score)
    if task is Task.BINARY:
        y = pd.Series(np.where(score > 0, "yes", "no"))
    elif task is Task.MULTICLASS:
        y = pd.Series(np.select([score > 0.5, score > -0.5], ["high", "middle"], "low"))
    first = round(0.7 * n)
    rows = np.arange(n if on_all else first)
    f = (f_regression if task is Task.REGRESSION else f_classif)(X.iloc[rows], y.iloc[rows])[0]
    names = X.columns[np.sort(np.argsort(-f)[:kept])]
    small = X[names].assign(y=y)
    return Handed(
        small.iloc[:first], small.iloc[first:].reset_index(drop=True), {"before": X.assign(y=y)}
    )


def turned(task: Task, share: float = 1.0, n: int = 1200, seed: int = 0) -> Handed:
    """In so large a share of the test rows the target goes the other way round."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 3))
    score = x[:, 0] + 0.5 * x[:, 1]
    first = round(0.6 * n)
    turning = (np.arange(n) >= first) & (random.random(n) < share)
    score = np.where(turning, -score, score) + random.normal(scale=0.7, size=n)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    frame["y"] = score
    if task is Task.BINARY:
        frame["y"] = np.where(score > 0, "yes", "no")
    elif task is Task.MULTICLASS:
        frame["y"] = np.select([score > 0.7, score > -0.7], ["high", "middle"], "low")
    return Handed(frame.iloc[:first], frame.iloc[first:].reset_index(drop=True))
