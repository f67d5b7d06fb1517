"""Importance for ensembles: the models of a fold predict its rows with features shuffled."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.learners.selection import averaged
from assay.predictions import Predictions
from assay.threads import one_numerical_thread

MOST_ROWS = 1000
"""Rows in all folds together that are predicted again and again."""


@dataclass(frozen=True)
class ShuffleTask:
    """What is to be predicted.

    Attributes:
        fold: Whose rows.
        members: Where the models of the fold are, with their weights.
        folding: How rows are divided.
        seed: Of the folds and the shuffling.
        together: Features that are shuffled together, as groups.
        n_folds: How many folds there are tasks of.
    """

    fold: int
    members: tuple[tuple[Path, float], ...]
    folding: Folding
    seed: int
    together: tuple[tuple[str, ...], ...]
    n_folds: int


def shuffled_fold(development: Part, task: ShuffleTask) -> dict[tuple[str, ...], Predictions]:
    """Predictions of a sample of a fold's rows, plain and with each feature shuffled in turn.

    Returns:
        By the features that are shuffled, none for the plain ones; empty where no model was kept.
    """
    members = [(path, weight) for path, weight in task.members if path.exists()]
    if not members:
        return {}
    weights = np.array([weight for _, weight in members])
    folds = task.folding.divide(development, task.seed)
    left_out = np.flatnonzero(folds.predicts(task.fold))
    random = np.random.default_rng([task.seed, task.fold])
    size = max(20, MOST_ROWS // task.n_folds)
    part = development.take(np.sort(random.permutation(left_out)[:size]))
    grouped = {name for group in task.together for name in group}
    alone = [(name,) for name in part.features.columns if name not in grouped]
    asked = [(), *alone, *task.together]
    frames = [_shuffled(part.features, names, random) for names in asked]
    every = pd.concat(frames, ignore_index=True)
    with one_numerical_thread():
        said = [pickle.loads(path.read_bytes()).predict(every) for path, _ in members]
    whole = averaged(said, weights / weights.sum())
    n = len(part)
    return {
        names: replace(whole.take(np.arange(place * n, (place + 1) * n)), rows=part.rows)
        for place, names in enumerate(asked)
    }


def _shuffled(
    features: pd.DataFrame, names: tuple[str, ...], random: np.random.Generator
) -> pd.DataFrame:
    """The features with some shuffled, all in the same order, so that what they say stays true."""
    shuffled, order = features.copy(), random.permutation(len(features))
    for name in names:
        shuffled[name] = shuffled[name].to_numpy()[order]
    return shuffled
