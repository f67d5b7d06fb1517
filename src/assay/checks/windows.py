"""Windows: the values that a column takes some rows before and after each row of its series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.checks.base import View
from assay.data.schema import Kind, Task
from assay.predictions import Floats

REACH = 10
MOST_ROWS = 20_000
MOST_WINDOWS = 4000
SHORTEST = 8
MOST_COLUMNS = 40
MOST_AT_ONCE = 0.01


@dataclass(frozen=True)
class Series:
    """Rows of one or several series in their order, in time within each.

    Attributes:
        columns: Numbers by name, NaN where missing, shape (n,).
        target: The target as numbers; NaN where unknown, shape (n,).
        middle: Rows that have enough rows of their series before and after, shape (m,).
        reach: How many: windows go from so many rows before to so many after.
    """

    columns: Mapping[str, Floats]
    target: Floats
    middle: NDArray[np.int64]
    reach: int

    def window(self, values: Floats) -> Floats:
        """Values around the middle rows, from the earliest to the latest, (m, 2 reach + 1)."""
        steps = np.arange(-self.reach, self.reach + 1)
        return np.asarray(values[self.middle[:, None] + steps])


def series_of(view: View) -> Series | str:
    """The rows of a view in their order; why not, if they have none.

    Training and test rows are taken together where both are at hand: what is the future of a
    training row may lie among those of the test.
    """
    parts = [view.train] + ([view.test] if view.test is not None and len(view.test) else [])
    if view.train.times is None or any(part.times is None for part in parts):
        return "no column of times was declared"
    times = np.concatenate([np.asarray(part.times, dtype=np.float64) for part in parts])
    codes = _entities(view, len(parts))
    order = np.lexsort((times, codes))
    order = order[np.isfinite(times[order])]
    same = np.diff(codes[order]) == 0
    if (same & (np.diff(times[order]) == 0)).sum() > MOST_AT_ONCE * len(order):
        return "several rows are of the same time, and no column says of which series each is"
    order = order[:MOST_ROWS]
    lengths = np.unique(codes[order], return_counts=True)[1]
    reach = min(REACH, (int(np.median(lengths)) - 1) // 3)
    middle = _middle(codes[order], reach)
    if reach < 1 or int(np.median(lengths)) < SHORTEST or len(middle) < 10 * reach:
        return "series are too short to look ahead in them"
    names = sorted(view.schema.named(Kind.NUMERIC))[:MOST_COLUMNS]
    columns = {
        name: np.concatenate([part.features[name].to_numpy(np.float64) for part in parts])[order]
        for name in names
    }
    return Series(columns, _target(view, len(parts))[order], middle, reach)


def _middle(codes: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Rows with so many rows of their series on both sides, at most some thousand of them."""
    at = np.arange(reach, len(codes) - reach)
    inside = at[codes[at - reach] == codes[at + reach]]
    return inside[:: max(1, len(inside) // MOST_WINDOWS)]


def _entities(view: View, n_parts: int) -> NDArray[np.int64]:
    """The series of each row; all rows are one where none is declared."""
    given = view.given
    if given is not None and given.series is not None and view.raw_test is not None:
        tables = [view.raw_train, view.raw_test][:n_parts]
        names = pd.concat([each[given.series].to_pandas() for each in tables], ignore_index=True)
        return pd.factorize(names)[0].astype(np.int64)
    parts = [view.train, view.test][:n_parts]
    groups = [part.groups for part in parts if part is not None and part.groups is not None]
    if len(groups) == n_parts:
        return np.concatenate(groups)
    return np.zeros(sum(len(part) for part in parts if part is not None), dtype=np.int64)


def _target(view: View, n_parts: int) -> Floats:
    """The target as numbers: of two classes 0 and 1, of several their numbers if they are such."""
    schema = view.schema
    unknown = np.full(len(view.test) if view.test is not None and n_parts > 1 else 0, np.nan)
    parts = [view.train.known_target]
    if len(unknown) and view.test is not None and view.test.target is not None:
        parts.append(view.test.target)
    if schema.task is Task.REGRESSION:
        numbers = np.concatenate(parts).astype(np.float64)
    elif schema.task is Task.BINARY:
        numbers = np.concatenate([schema.codes(part) for part in parts]).astype(np.float64)
    else:
        numbers = np.full(sum(map(len, parts)), np.nan)
    return numbers if len(parts) > 1 else np.concatenate([numbers, unknown])
