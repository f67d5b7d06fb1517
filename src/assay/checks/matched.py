"""Matched: training and later rows whose targets are spread alike, so that only features differ.

Where classes have other shares, every feature that tells them apart is spread otherwise too: that
is one change, not many. Of rows drawn so that the shares agree, what still differs is another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assay.checks.later import Later
from assay.checks.shifts import Shift, shift_of_shares
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.predictions import Labels, Rows

FEWEST_OF_CLASS = 10
BANDS = 5


@dataclass(frozen=True)
class Matched:
    """Rows with the same shares of the target.

    Attributes:
        shift: How the target itself is spread otherwise.
        ours: Positions of training rows.
        theirs: Positions of later rows.
    """

    shift: Shift
    ours: Rows
    theirs: Rows


def target_shift(train: Part, later: Later, ours: Rows, theirs: Rows) -> Matched | None:
    """How the target differs, by class or by fifths of its values; None where it is not known.

    Args:
        train: Training rows.
        later: Later rows.
        ours: Training rows to match, by position.
        theirs: Later rows to match.
    """
    if train.target is None or later.target is None or train.schema.task is Task.MULTILABEL:
        return None
    bands = _bands(train.target, later.target, train.schema.task)
    shift = shift_of_shares(*(pd.Series(each).astype(str) for each in bands))
    if shift is None:
        return None
    kept = _alike(bands[0][ours], bands[1][theirs])
    return Matched(shift, ours[kept[0]], theirs[kept[1]])


def _bands(ours: Labels, theirs: Labels, task: Task) -> tuple[Labels, Labels]:
    if task.is_classification:
        return ours, theirs
    edges = np.unique(np.quantile(ours, np.linspace(0, 1, BANDS + 1)[1:-1]))
    return np.searchsorted(edges, ours), np.searchsorted(edges, theirs)


def _alike(ours: Labels, theirs: Labels) -> tuple[Rows, Rows]:
    """All training rows, and as many later ones of each class as give the same shares."""
    random = np.random.default_rng(0)
    by_class = []
    for each in pd.unique(pd.Series(ours)):
        here, there = np.flatnonzero(ours == each), np.flatnonzero(theirs == each)
        if min(len(here), len(there)) >= FEWEST_OF_CLASS:
            by_class.append((here, there))
    if not by_class:
        return np.arange(0), np.arange(0)
    ratio = min(len(there) / len(here) for here, there in by_class)
    kept = [random.permutation(there)[: round(ratio * len(here))] for here, there in by_class]
    return np.sort(np.concatenate([here for here, _ in by_class])), np.sort(np.concatenate(kept))
