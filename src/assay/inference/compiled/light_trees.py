"""LightGBM's trees, read from the text that its models are saved as, and walked as it walks them.

The format: `src/io/tree.cpp` and `include/LightGBM/tree.h` of LightGBM 4. Decision types are bits:
1 for sets of levels, 2 where missing values go left, and above them how missing values are told:
0 not at all, so that they count as zero, 1 as zero, 2 as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from assay.inference.compiled.trees import MOST_NODES, Node, down, nested

_SMALLEST = float(np.float32(1e-35))
"""LightGBM reads what is not larger as zero."""
_OF_LEVELS, _GOES_LEFT = 1, 2
_AS_ZERO, _AS_NAN = 1, 2


class UnknownTreesError(Exception):
    """A booster of a kind that is not read here; the text says which."""


def light_trees(booster: Any) -> Callable[[list[float]], list[float]]:
    """The raw scores of a booster, by encoded row: one for each tree of a round.

    Args:
        booster: A `lightgbm.Booster`.

    Raises:
        UnknownTreesError: Its trees are linear, averaged, too many, or take zero for missing.
    """
    n = booster.num_feature()
    best = booster.best_iteration
    text = booster.model_to_string(num_iteration=best if best > 0 else -1)
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    if "\naverage_output" in head:
        raise UnknownTreesError("its trees are averaged")
    fields = [_fields(block) for block in blocks]
    if 2 * sum(int(each["num_leaves"]) for each in fields) > MOST_NODES:
        raise UnknownTreesError("its trees are too many")
    trees = [_tree(each, n) for each in fields]
    n_outputs = booster.num_model_per_iteration()
    per_output = [trees[output::n_outputs] for output in range(n_outputs)]

    def raw(row: list[float]) -> list[float]:
        laid = _laid_out(row)
        totals = []
        for output in per_output:
            total = 0.0
            for tree in output:
                total += down(tree, laid)
            totals.append(total)
        return totals

    return raw


def _laid_out(row: list[float]) -> list[float]:
    """A row thrice: as it is, missing values below all others, and missing values zero."""
    row = [0.0 if abs(value) <= _SMALLEST else value for value in row]
    gaps = [value if value == value else -math.inf for value in row]  # noqa: PLR0124
    zeros = [value if value == value else 0.0 for value in row]  # noqa: PLR0124
    return row + gaps + zeros


def _fields(block: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in block.splitlines()[1:] if "=" in line)
    return {name: value for name, _, value in pairs}


def _tree(fields: Mapping[str, str], n: int) -> Node:
    if fields.get("is_linear", "0") != "0":
        raise UnknownTreesError("its leaves hold linear models")
    values = [float(each) for each in fields["leaf_value"].split()]
    if len(values) == 1:
        return values[0]
    left, right, column, kinds = (
        [int(each) for each in fields[name].split()]
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    limits = [float(each) for each in fields["threshold"].split()]
    sets = _sets(fields)

    def split(number: int) -> tuple[int, Any]:
        kind = kinds[number]
        if kind & _OF_LEVELS:
            return column[number], sets[int(limits[number])]
        told = kind >> 2 & 3
        if told == _AS_ZERO:
            raise UnknownTreesError("its trees take zero for missing")
        if told != _AS_NAN:
            return column[number] + 2 * n, limits[number]
        return column[number] + n * bool(kind & _GOES_LEFT), limits[number]

    # Leaves are numbered -1, -2 and so on where nodes are from 0 on.
    return nested(
        0,
        lambda number: None if number < 0 else (left[number], right[number]),
        split,
        lambda number: values[-number - 1],
    )


def _sets(fields: Mapping[str, str]) -> list[frozenset[float]]:
    """The sets of levels that go left."""
    if fields.get("num_cat", "0") == "0":
        return []
    ends = [int(each) for each in fields["cat_boundaries"].split()]
    words = [int(each) for each in fields["cat_threshold"].split()]
    return [
        frozenset(
            float(32 * at + bit)
            for at, word in enumerate(words[first:last])
            for bit in range(32)
            if word >> bit & 1
        )
        for first, last in pairwise(ends)
    ]
