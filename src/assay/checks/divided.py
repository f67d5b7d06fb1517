"""Divided: how training rows were parted from later ones, as far as roles and columns say.

Rows parted by time drift, and rows parted by group are fewer than they seem: neither is chance,
and neither is a mistake. A column by which rows were parted has no value on both sides, although
its values repeat on either, or all of its values are later on one side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assay.checks.base import View
from assay.checks.later import Later, features_in_both
from assay.data.keys import Codes
from assay.data.schema import Kind, Role

FEWEST_ROWS_EACH = 20
FEWEST_KEYS = 5
LEAST_ALONE = 0.95


@dataclass(frozen=True)
class Divided:
    """How two parts came apart.

    Attributes:
        by_time: The column along which all later rows come later, or why so; None if none does.
        by_key: Columns with other values on either side, each value of some rows.
        clusters: For training and later rows the number of the group that each belongs to, where
            rows were parted by groups; None where each row stands for itself.
    """

    by_time: str | None = None
    by_key: tuple[str, ...] = ()
    clusters: tuple[Codes, Codes] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that differ because rows were parted by them."""
        return self.by_key if self.by_time is None else (*self.by_key, self.by_time)


def divided(view: View, later: Later) -> Divided:
    """How the later rows were parted from the training rows."""
    keys = _keys(view, later)
    clusters = _clusters(view, later, keys)
    return Divided(by_time=_time(view, later), by_key=tuple(keys), clusters=clusters)


def _time(view: View, later: Later) -> str | None:
    """The column by which later rows are later; serving rows are whenever no column says else."""
    train = view.train
    roles = {column.role: column.name for column in view.schema.columns}
    if train.times is not None and later.times is not None and _follows(train.times, later.times):
        return roles.get(Role.TIME, "time")
    for name in view.schema.named(Kind.DATETIME):
        if _follows(train.features[name].to_numpy(), later.features[name].to_numpy()):
            return name
    for name in _counters(view):
        if _follows(train.features[name].to_numpy(), later.features[name].to_numpy()):
            return name
    return None


def _follows(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether no value is earlier after than before."""
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    enough = min(len(before), len(after)) >= FEWEST_ROWS_EACH
    return enough and bool(before.max() <= after.min()) and before.min() < after.max()


def _counters(view: View) -> list[str]:
    """Whole numbers, nearly all different: what numbers the rows."""
    n = len(view.train)
    return [
        column.name
        for column in view.schema.features
        if column.kind is Kind.NUMERIC
        and column.stored == "integer"
        and column.n_distinct >= LEAST_ALONE * n
    ]


def _keys(view: View, later: Later) -> list[str]:
    """Columns of names or codes of which no value is on both sides, though most repeat."""
    found = []
    for name in features_in_both(view.schema, later):
        column = next(each for each in view.schema.features if each.name == name)
        is_code = column.kind is Kind.CATEGORICAL or column.stored == "integer"
        if not is_code or column.n_distinct < FEWEST_KEYS:
            continue
        ours, theirs = (part[name].dropna() for part in (view.train.features, later.features))
        apart = not set(pd.unique(ours)) & set(pd.unique(theirs))
        repeats = len(ours) >= 2 * column.n_distinct
        if apart and repeats and theirs.nunique() >= FEWEST_KEYS and _is_varied(column.n_distinct):
            found.append(name)
    return found


def _is_varied(n_distinct: int) -> bool:
    """Whether it has more values than categories have that somebody may have coded anew."""
    return n_distinct >= 4 * FEWEST_KEYS


def _clusters(view: View, later: Later, keys: list[str]) -> tuple[Codes, Codes] | None:
    if view.train.groups is not None and later.groups is not None:
        return view.train.groups, later.groups
    if not keys:
        return None
    name = min(keys, key=lambda each: view.train.features[each].nunique())
    both = pd.concat([view.train.features[name], later.features[name]])
    codes = pd.factorize(both, use_na_sentinel=False)[0].astype(np.int64)
    return codes[: len(view.train)], codes[len(view.train) :]
