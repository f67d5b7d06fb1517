"""Quick: a whole column of cells is read at once, but for those that want to be read one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inference.compiled.cells import NAN, Read

Quick = Callable[[list[Any]], tuple[NDArray[Any], Sequence[int]]]
"""Of cells to a column, float64 or object, shape (n,), and which of them are still to be read."""

_NUMBERS = frozenset((float, int, bool, type(None)))
_TEXTS = frozenset((str, type(None)))
_LARGEST_WHOLE = 9e18


def quick(read: Read, read_as: str, learnt: Mapping[str, Any], *, slack: float) -> Quick:
    """What reads the usual cells of a feature.

    Args:
        read: Reads one cell.
        read_as: As in `feature_frame`.
        learnt: What the feature was like among the rows that were learnt from.
        slack: How far beyond their range a number is still as usual, in shares of it.
    """
    kind = read_as.partition(" ")[0]
    low, high = learnt.get("low", NAN), learnt.get("high", NAN)
    beyond = slack * (high - low)
    ends = low - beyond, high + beyond
    if kind == "numeric":
        return _numbers(*ends)
    if kind == "datetime":
        return _days(read, *ends)
    if kind == "categorical" and learnt.get("levels") is not None:
        return _levels(frozenset(learnt["levels"]))
    return _texts if kind == "text" else _singly


def _singly(cells: list[Any]) -> tuple[NDArray[Any], Sequence[int]]:
    return np.empty(len(cells), dtype=object), range(len(cells))


def _numbers(low: float, high: float) -> Quick:
    def read(cells: list[Any]) -> tuple[NDArray[Any], Sequence[int]]:
        if not _NUMBERS.issuperset(map(type, cells)):
            return np.empty(len(cells), dtype=np.float64), range(len(cells))
        try:
            column = np.array(cells, dtype=np.float64)
        except OverflowError:
            return np.empty(len(cells), dtype=np.float64), range(len(cells))
        usual = (column >= low) & (column <= high) & (np.abs(column) < _LARGEST_WHOLE)
        return column, np.flatnonzero(~usual).tolist()

    return read


def _days(read_one: Read, low: float, high: float) -> Quick:
    def read(cells: list[Any]) -> tuple[NDArray[Any], Sequence[int]]:
        if not _TEXTS.issuperset(map(type, cells)):
            return np.empty(len(cells), dtype=np.float64), range(len(cells))
        known: dict[Any, float] = {}
        for cell in set(cells):
            try:
                known[cell] = read_one(cell)
            except ValueError:
                known[cell] = NAN
        column = np.array([known[cell] for cell in cells], dtype=np.float64)
        return column, np.flatnonzero(~((column >= low) & (column <= high))).tolist()

    return read


def _levels(levels: frozenset[str]) -> Quick:
    def read(cells: list[Any]) -> tuple[NDArray[Any], Sequence[int]]:
        column = np.empty(len(cells), dtype=object)
        if not _TEXTS.issuperset(map(type, cells)):
            return column, range(len(cells))
        column[:] = cells
        return column, [number for number, cell in enumerate(cells) if cell not in levels]

    return read


def _texts(cells: list[Any]) -> tuple[NDArray[Any], Sequence[int]]:
    column = np.empty(len(cells), dtype=object)
    if not all(type(cell) is str and cell.isascii() for cell in cells):
        return column, range(len(cells))
    column[:] = cells
    return column, ()
