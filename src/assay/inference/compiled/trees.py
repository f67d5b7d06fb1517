"""Trees: a row goes down fitted trees as it does in scikit-learn, node by node.

A tree is a nest of tuples (column, limit, node below, node above) with leaves of any other type. A
row is a list of numbers, to which `laid_out` appends what missing values count as where they
go to the left; so one comparison decides. What the leaves say is added up in the order of the
trees, as scikit-learn does, for another order has other last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from assay.predictions import Floats

MOST_NODES = 500_000
"""Nodes above which trees stay where they are: as tuples a million takes 100 MiB."""

Node = Any
"""A tuple, or what a leaf says: a value, or its number."""

Grown = Callable[[list[float]], Any]
"""What trees say of a row, already laid out."""


def down(node: Node, row: list[float]) -> Any:
    """The leaf in which a row ends.

    >>> tree = (0, 1.5, "few", (1, frozenset({2.0}), "two", "other"))
    >>> down(tree, [1.0, 2.0]), down(tree, [9.0, 2.0]), down(tree, [9.0, 3.0])
    ('few', 'two', 'other')
    """
    while node.__class__ is tuple:
        column, limit, below, above = node
        if limit.__class__ is float:
            node = below if row[column] <= limit else above
        else:
            node = below if row[column] in limit else above
    return node


def laid_out(row: list[float]) -> list[float]:
    """A row, followed by itself with missing values below all others, shape (2 d,)."""
    return row + [value if value == value else -math.inf for value in row]  # noqa: PLR0124


def nested(
    root: int,
    children: Callable[[int], tuple[int, int] | None],
    split: Callable[[int], tuple[int, Any]],
    leaf: Callable[[int], Any],
) -> Node:
    """A tree as tuples, built from its leaves up, however deep it is.

    Args:
        root: Number of its first node.
        children: The nodes below and above a limit; None for a leaf.
        split: Column and limit of a node.
        leaf: What a leaf says.
    """
    order, stack = [], [root]
    while stack:
        number = stack.pop()
        order.append(number)
        stack += children(number) or ()
    made: dict[int, Node] = {}
    for number in reversed(order):
        both = children(number)
        if both is None:
            made[number] = leaf(number)
        else:
            made[number] = (*split(number), made[both[0]], made[both[1]])
    return made[root]


def histogram_trees(estimator: Any) -> tuple[Callable[[list[float]], list[float]], Grown]:
    """HistGradientBoosting: what lays out an encoded row, and what gives its raw predictions.

    Returns:
        The layout; and a function of a laid-out row to a list of one number for each tree of a
        round, baseline included.
    """
    known, of_feature = estimator._bin_mapper.make_known_categories_bitsets()
    n = estimator._n_features
    rounds = [
        [_histogram_tree(tree, n) for tree in predictors] for predictors in estimator._predictors
    ]
    per_output = list(zip(*rounds, strict=True))
    baseline = (np.zeros(len(rounds[0])) + estimator._baseline_prediction[0]).tolist()
    prepare = _codes_first(estimator, _bits(known), of_feature)

    def raw(row: list[float]) -> list[float]:
        totals = []
        for total, trees in zip(baseline, per_output, strict=True):
            for tree in trees:
                total += down(tree, row)  # noqa: PLW2901
            totals.append(total)
        return totals

    return prepare, raw


def _histogram_tree(predictor: Any, n: int) -> Node:
    nodes = predictor.nodes
    left, right = nodes["left"].tolist(), nodes["right"].tolist()
    column, limit = nodes["feature_idx"].tolist(), nodes["num_threshold"].tolist()
    is_leaf, value = nodes["is_leaf"].tolist(), nodes["value"].tolist()
    goes_left = nodes["missing_go_to_left"].tolist()
    is_of_levels, bits = nodes["is_categorical"].tolist(), nodes["bitset_idx"].tolist()
    sets = _bits(predictor.raw_left_cat_bitsets)

    def split(number: int) -> tuple[int, Any]:
        if is_of_levels[number]:
            missing = {_NO_LEVEL} if goes_left[number] else set()
            return column[number], frozenset(sets[bits[number]] | missing)
        return column[number] + n * bool(goes_left[number]), limit[number]

    return nested(
        0,
        lambda number: None if is_leaf[number] else (left[number], right[number]),
        split,
        value.__getitem__,
    )


_NO_LEVEL = -1.0
"""Stands for a missing or unknown level."""


def _bits(bitsets: Any) -> list[set[float]]:
    """The members of sets that are written as bits, eight words of 32 each."""
    words = np.asarray(bitsets, dtype="<u4").reshape(-1, 8)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    return [set(np.flatnonzero(row).astype(float).tolist()) for row in bits]


def _codes_first(
    estimator: Any, known: list[set[float]], of_feature: Any
) -> Callable[[list[float]], list[float]]:
    """What puts the codes of categories first, as these trees do, and lays the row out."""
    encoding = estimator._preprocessor
    if encoding is None:
        return laid_out
    is_code = np.asarray(estimator.is_categorical_, dtype=bool)
    codes, numbers = np.flatnonzero(is_code).tolist(), np.flatnonzero(~is_code).tolist()
    tables = []
    for number, values in enumerate(encoding.named_transformers_["encoder"].categories_):
        levels = known[int(of_feature[number])]
        ranks = {value: float(rank) for rank, value in enumerate(values.tolist())}
        tables.append({value: rank for value, rank in ranks.items() if rank in levels})

    def prepare(row: list[float]) -> list[float]:
        first = [table.get(row[at], _NO_LEVEL) for at, table in zip(codes, tables, strict=True)]
        return laid_out(first + [row[at] for at in numbers])

    return prepare


def forest(estimator: Any) -> Callable[[list[float]], Floats]:
    """What the trees of a forest say of an encoded row: the mean over them, shape (k,).

    The numbers are rounded to 32 bits before, as scikit-learn does. Such trees are many and deep;
    each is asked for its leaf by its own compiled walk, which is quick without the checks before
    it, and takes no memory.
    """
    trees = [each.tree_ for each in estimator.estimators_]
    said = np.concatenate([tree.value[:, 0, :] for tree in trees])
    first = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    leaf_of, n = [tree.apply for tree in trees], len(trees)

    def mean(row: list[float]) -> Floats:
        rounded = np.array([row], dtype=np.float32)
        if np.isinf(rounded).any():
            raise ValueError("a number is too large")
        leaves = first + np.array([apply(rounded)[0] for apply in leaf_of])
        total: Floats = np.add.accumulate(said[leaves], axis=0)[-1]
        return total / n

    return mean
