"""Imputed: cells that a mean, a median or a commonest value filled, and of which rows it was.

The filling is the value that most rows share, or, where the table before preparation is known, what
stands in the cells that were missing there. If it is the mean of the known values of training and
test rows to the last digit, and not that of training rows, it was computed on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.exact import Sides, rounding
from assay.predictions import Floats

FEWEST_FILLED = 5
FEWEST_KNOWN = 20
LEAST_UNIQUE = 0.5
DOUBLE, SINGLE = 1e-9, 1e-6
KNOWN_GAPS = 1e-3
"""What else a constant may be that fills all gaps, is a statistic of all rows, not of training."""


@dataclass(frozen=True)
class Filling:
    """One column whose gaps were filled with a statistic of all rows.

    Attributes:
        column: The column.
        what: 'mean', 'median' or 'commonest value'.
        value: The filling.
        of_train: What training rows alone give.
        chance: Probability that the value is that of all rows by chance.
    """

    column: str
    what: str
    value: Any
    of_train: Any
    chance: float


def filling_of_numbers(name: str, column: Sides) -> Filling | None:
    """The commonest value of a column, if it is the mean or median of all others, to the digit."""
    train, test = column.known
    both = np.concatenate([train, test])
    values, counts = np.unique(both, return_counts=True)
    if len(values) < FEWEST_KNOWN or counts.max() < FEWEST_FILLED:
        return None
    value = float(values[np.argmax(counts)])
    found = _filled_with(name, value, (train[train != value], test[test != value]))
    if found is None or (found.what == "median" and not _is_continuous(counts)):
        return None
    return found


def filling_of_gaps(
    name: str, train: pd.Series[Any], test: pd.Series[Any], gaps: tuple[Any, Any]
) -> Filling | None:
    """What fills the cells that were missing, if it is a statistic of all the others.

    Args:
        name: The column.
        train: Training cells.
        test: Test cells.
        gaps: Which of them were missing, each of shape (n,).
    """
    filled = pd.concat([train[gaps[0]], test[gaps[1]]])
    known = train[~gaps[0]].dropna(), test[~gaps[1]].dropna()
    if len(filled) < FEWEST_FILLED or filled.isna().any() or filled.nunique() != 1:
        return None
    if min(map(len, known)) < FEWEST_KNOWN:
        return None
    value = filled.iloc[0]
    if pd.api.types.is_numeric_dtype(train):
        numbers = known[0].to_numpy(dtype=np.float64), known[1].to_numpy(dtype=np.float64)
        found = _filled_with(name, float(value), numbers)
        if found is not None:
            return replace(found, chance=min(found.chance, KNOWN_GAPS))
    commonest = [_commonest(each) for each in (pd.concat(known), known[0])]
    if None in commonest or commonest[0] != value or commonest[1] == value:
        return None
    return Filling(name, "commonest value", value, commonest[1], KNOWN_GAPS)


def _filled_with(name: str, value: float, known: tuple[Floats, Floats]) -> Filling | None:
    """The statistic of the known values that a filling is, if it is not that of training rows."""
    train, test = known
    n, k = len(train), len(test)
    if min(n, k) < FEWEST_KNOWN:
        return None
    both = np.concatenate(known)
    spread = float(both.std())
    if spread == 0:
        return None
    error = _error(value, both, spread)
    moves = spread * np.sqrt(k / (n * (n + k)))
    mean, of_train = float(both.mean()), float(train.mean())
    if abs(mean - value) <= error < abs(of_train - value) / 3:
        step = rounding(both) / (n + k)
        chance = min(1.0, max(2 * error, step) / (np.sqrt(2 * np.pi) * moves))
        return Filling(name, "mean", value, of_train, chance)
    middle, of_train = float(np.median(both)), float(np.median(train))
    if abs(middle - value) <= error < abs(of_train - value) / 3:
        # The median of training rows lies so many ranks beside that of all, in standard deviations.
        ranks = 0.5 * np.sqrt((n + k) * k / n)
        chance = min(1.0, 1 / (np.sqrt(2 * np.pi) * ranks))
        return Filling(name, "median", value, of_train, chance)
    return None


def _error(value: float, values: Floats, spread: float) -> float:
    """How exact a statistic of these values can be, as they are stored."""
    if rounding(np.array([value])) > 0:
        return DOUBLE * (abs(value) + spread)
    single = bool((values.astype(np.float32) == values).all()) and rounding(values) == 0
    return (SINGLE if single else DOUBLE) * (abs(value) + spread)


def _is_continuous(counts: np.ndarray[Any, Any]) -> bool:
    """Whether most values stand alone, so that one which many rows share was put there."""
    return int((counts == 1).sum()) >= LEAST_UNIQUE * (counts.sum() - counts.max())


def _commonest(values: pd.Series[Any]) -> Any:
    """The most frequent value; None if it is a close thing, which rounding may have decided."""
    counts = values.value_counts()
    if len(counts) > 1 and counts.iloc[0] == counts.iloc[1]:
        return None
    return counts.index[0]


def chance_together(found: Mapping[str, Filling]) -> float:
    """Columns are filled each by itself, so that their chances multiply."""
    return float(np.prod([each.chance for each in found.values()]))
