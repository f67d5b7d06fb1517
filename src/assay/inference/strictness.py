"""Strictness: rows are held against those that the model learnt from, before it predicts them.

This module stands alone beside `assay.data.features`, because its text travels inside every logged
model: plain MLflow is as strict as Assay.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from assay.data.features import feature_frame

MOST_LEVELS = 10_000
"""Levels of a category that are remembered; of one with more, every level is welcome."""

SLACK = 0.5
"""How far beyond the range that was seen a value may lie, in shares of that range.

The largest of a fifth more rows often lies a little beyond; another unit lies far beyond.
"""

_SHOWN = 3


class RowsUnlikeTraining(UserWarning):
    """Rows are predicted although they are not like those that the model learnt from."""


def seen(features: pd.DataFrame, kinds: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the model learnt from, by feature: gaps, and the range or the levels.

    Args:
        features: As `feature_frame` gives them.
        kinds: How each is read.
    """
    about: dict[str, dict[str, Any]] = {}
    for name, read_as in kinds.items():
        values, kind = features[name], read_as.partition(" ")[0]
        about[name] = {"gaps": bool(values.isna().any())}
        if kind in ("numeric", "datetime"):
            about[name] |= {"low": float(values.min()), "high": float(values.max())}
        elif kind == "categorical":
            levels = sorted(values.dropna().unique())
            about[name] |= {"levels": levels if len(levels) <= MOST_LEVELS else None}
    return about


def strict_features(frame: pd.DataFrame, about: dict[str, Any]) -> pd.DataFrame:
    """The features of some rows, after what the policies say was done about odd ones.

    Args:
        frame: Raw rows.
        about: Of the model: 'kinds' as `feature_frame` takes them, 'seen' as above, and 'policies'
            by name: 'error', 'warn', 'impute' or 'clip'.

    Raises:
        ValueError: A policy says error; the message names column, rows and value. Or several
            columns have the name of a feature.
    """
    kinds, policies = about["kinds"], about["policies"]
    twice = sorted({name for name in frame.columns[frame.columns.duplicated()] if name in kinds})
    if twice:
        raise ValueError(f"several columns have the name: {', '.join(twice)}")
    absent = [name for name in kinds if name not in frame.columns]
    if absent and policies["missing_column"] == "impute":
        frame = frame.copy()
        frame[absent] = np.nan
        _warn(absent_told(absent))
    if policies["wrong_type"] == "impute":
        frame = _readable(frame, kinds)
    features = feature_frame(frame, kinds)
    first = first_row(frame)
    features.index = pd.RangeIndex(first, first + len(frame))
    for name, learnt in about["seen"].items():
        features[name] = _held_against(features[name], name, learnt, kinds[name], policies)
    return features


def first_row(frame: pd.DataFrame | pd.Series[Any]) -> int:
    """The number of the first row: a piece of a long table goes on where it begins."""
    index = frame.index
    return index.start if isinstance(index, pd.RangeIndex) and index.step == 1 else 0


def _held_against(
    values: pd.Series[Any],
    name: str,
    learnt: dict[str, Any],
    read_as: str,
    policies: dict[str, str],
) -> pd.Series[Any]:
    missing = values.isna().to_numpy()
    if missing.any() and not learnt["gaps"]:
        _apply(policies["unexpected_null"], values, missing, partial(null_told, name))
    if "low" in learnt:
        low, high = learnt["low"], learnt["high"]
        slack = SLACK * (high - low)
        beyond = ((values < low - slack) | (values > high + slack)).to_numpy()
        if beyond.any():
            policy = policies["out_of_range"]
            told = partial(range_told, name, values[beyond].tolist(), learnt, read_as)
            _apply(policy, values, beyond, told)
            if policy == "clip":
                return values.where(~beyond, values.clip(low, high))
            return values.where(~beyond) if policy == "impute" else values
    if learnt.get("levels") is not None:
        unseen = ~values.isin(learnt["levels"]).to_numpy() & ~missing
        if unseen.any():
            policy = policies["unseen_category"]
            told = partial(level_told, name, values[unseen].tolist(), read_as)
            _apply(policy, values, unseen, told)
            return values.where(~unseen) if policy == "impute" else values
    return values


def absent_told(names: list[str]) -> str:
    """What is said of columns that are not there."""
    return f"columns are missing and count as empty: {', '.join(names)}"


def unread_told(name: str, read_as: str, where: str) -> str:
    """What is said of cells that cannot be read as their kind, and count as missing."""
    return f"{name} cannot be read as {read_as.partition(' ')[0]}{where}"


def null_told(name: str, where: str) -> str:
    """What is said of a value that is missing where none was; `where` names rows, or is empty."""
    return f"{name} is missing{where}"


def range_told(name: str, odd: list[Any], learnt: dict[str, Any], read_as: str, where: str) -> str:
    """What is said of values far beyond those that were seen."""
    limits = " to ".join(_in_words(learnt[end], read_as) for end in ("low", "high"))
    return f"{name} is {_shown(odd, read_as)}{where}, seen was {limits}"


def level_told(name: str, odd: list[Any], read_as: str, where: str) -> str:
    """What is said of levels that no row had."""
    return f"{name} is {_shown(odd, read_as)}{where}, never seen before"


def _apply(
    policy: str, values: pd.Series[Any], odd: np.ndarray[Any, Any], told: Callable[..., str]
) -> None:
    """Raise or warn of odd values, by what is told of their rows."""
    if policy == "error":
        raise ValueError(told(where=within(values.index[odd])))
    if policy == "warn":
        _warn(told(where=within(values.index[odd])))


def _warn(text: str) -> None:
    warnings.warn(text, RowsUnlikeTraining, stacklevel=2)


def _readable(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """The frame with missing values where a cell cannot be read as its kind."""
    columns = {}
    for name, read_as in kinds.items():
        if name not in frame.columns:
            continue
        try:
            feature_frame(frame[[name]], {name: read_as})
        except ValueError:
            cells = frame[name].astype(object)
            odd = np.array([not _can_be_read(cell, name, read_as) for cell in cells])
            columns[name] = cells.mask(odd, None)
            _warn(unread_told(name, read_as, within(frame.index[odd])))
    frame = frame.copy()
    for name, cells in columns.items():
        frame[name] = cells
    return frame


def _can_be_read(cell: Any, name: str, read_as: str) -> bool:
    try:
        feature_frame(pd.DataFrame({name: [cell]}), {name: read_as})
    except ValueError:
        return False
    return True


def within(rows: pd.Index[Any] | list[int]) -> str:
    """In which rows, counted from the first.

    >>> within([0, 2])
    ' in 2 rows (0, 2)'
    """
    listed = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f" in {len(rows):,} row{'' if len(rows) == 1 else 's'} ({listed})"


def _shown(values: list[Any], read_as: str) -> str:
    odd = list(dict.fromkeys(values))
    listed = ", ".join(_in_words(value, read_as) for value in odd[:_SHOWN])
    return listed + (", ..." if len(odd) > _SHOWN else "")


def _in_words(value: Any, read_as: str) -> str:
    if read_as.startswith("datetime"):
        instant = np.datetime64(round(value * 86_400), "s")  # pandas ends with the year 2262
        return str(instant).replace("T", " ").removesuffix(" 00:00:00")
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
