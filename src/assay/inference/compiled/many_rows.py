"""Many rows: what a fitted ColumnTransformer does, with little of pandas in between.

Most of the time that a thousand rows take goes into frames, names and checks around the numbers.
Here categories are looked up in tables that the transformer itself fills, level by level, and
numbers go to its own steps as an array. It takes the transformer's place in its pipeline, where it
gave the same bits on rows at hand; else everything stays as it was.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assay.inference.compiled.agreement import probes
from assay.inference.compiled.columns import goes_by_column, levels_of, of_each_level
from assay.inference.compiled.steps import step_of
from assay.inference.loading import LoadedModel
from assay.inference.served import Served
from assay.inference.strictness import strict_features
from assay.predictions import Floats

_VERIFIED = 1000
"""Rows on which both ways are held against each other."""
_INSIDE = ("estimator", "estimator_", "regressor_", "estimators_", "calibrated_classifiers_")
_Fill = Callable[[pd.DataFrame, Floats], None]
"""Writes what a part makes of some rows into its columns of the output."""


def quicken_model(loaded: LoadedModel) -> int:
    """As `quicken`, on rows that are drawn from what the model has seen."""
    served = loaded.served
    if served.about["model_class"] is not None:
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = pd.DataFrame(probes(served.about, loaded.examples, _VERIFIED))
            features = strict_features(rows, served.about)
    except ValueError:  # a policy refuses some of them
        return 0
    return quicken(served, features)


def quicken(served: Served, features: pd.DataFrame) -> int:
    """Put quick columns into the pipelines of a model, where they give the same bits.

    Args:
        served: The model; changed in place.
        features: Rows that both ways are held against each other on, as `strict_features` gives
            them.

    Returns:
        In how many pipelines.
    """
    n = 0
    for pipeline in _pipelines(served.predictor, set()):
        name, transformer = pipeline.steps[0]
        quick = _quick_and_same(transformer, features)
        if quick is not None:
            pipeline.steps[0] = (name, quick)
            n += 1
    return n


class QuickColumns:
    """Stands where a fitted ColumnTransformer stood.

    Args:
        width: Number of outputs.
        fills: What its parts do.
    """

    def __init__(self, width: int, fills: Sequence[_Fill]) -> None:
        self._width = width
        self._fills = fills

    def transform(self, features: pd.DataFrame) -> Floats:
        """What it makes of some rows, float64, shape (n, width)."""
        out = np.zeros((len(features), self._width))
        for fill in self._fills:
            fill(features, out)
        return out


def _pipelines(estimator: Any, seen: set[int]) -> Iterator[Any]:
    """Pipelines within an estimator that begin with a ColumnTransformer."""
    if id(estimator) in seen:
        return
    seen.add(id(estimator))
    steps = getattr(estimator, "steps", None)
    if steps and type(steps[0][1]).__name__ == "ColumnTransformer":
        yield estimator
    for attribute in _INSIDE:
        inner = getattr(estimator, attribute, None)
        for each in inner if isinstance(inner, list | tuple) else [inner]:
            if each is not None:
                yield from _pipelines(each, seen)


def _quick(transformer: Any) -> QuickColumns | None:
    """The quick form of a transformer; None where there is none."""
    if transformer.sparse_output_:
        return None
    fills, width = [], 0
    for label, part, columns in transformer.transformers_:
        where = transformer.output_indices_[label]
        width = max(width, where.stop)
        if part == "drop" or where.start == where.stop:
            continue
        if isinstance(columns, str) or not all(isinstance(each, str) for each in columns):
            return None
        fills.append(_fill(part, list(columns), where))
    return QuickColumns(width, fills)


def _fill(part: Any, columns: list[str], where: slice) -> _Fill:
    if part != "passthrough" and goes_by_column(part):
        made = _of_levels(part, columns, where)
        if made is not None:
            return made
    if part == "passthrough" or step_of(part) is None:
        return _asked(part, columns, where)
    return _of_numbers(_nameless(part), columns, where)


def _asked(part: Any, columns: list[str], where: slice) -> _Fill:
    """A part that is asked as it was before."""

    def fill(features: pd.DataFrame, out: Floats) -> None:
        made = features[columns] if part == "passthrough" else part.transform(features[columns])
        out[:, where] = made.toarray() if hasattr(made, "toarray") else made

    return fill


def _of_numbers(part: Any, columns: list[str], where: slice) -> _Fill:
    def fill(features: pd.DataFrame, out: Floats) -> None:
        out[:, where] = part.transform(features[columns].to_numpy(dtype=np.float64))

    return fill


def _nameless(part: Any) -> Any:
    """A copy of a fitted part that expects arrays, and so does not look for names."""
    part = copy.copy(part)
    for inside in ("steps", "transformer_list"):
        if hasattr(part, inside):
            copies = [(name, _nameless(each)) for name, each in getattr(part, inside)]
            setattr(part, inside, copies)
            return part
    if hasattr(part, "feature_names_in_"):
        del part.feature_names_in_
    return part


def _of_levels(part: Any, columns: list[str], where: slice) -> _Fill | None:
    """Tables of what a part makes of each level of each column; None if it refuses a new one."""
    levels = levels_of(part)
    if len(levels) != len(columns) or not all(levels):
        return None
    made = of_each_level(part, columns, levels)
    if made is None:
        return None
    dense = np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)
    return _looked_up(dense, columns, levels, where)


def _looked_up(made: Floats, columns: list[str], levels: list[list[str]], where: slice) -> _Fill:
    tables, first = [], 1
    for name, column in zip(columns, levels, strict=True):
        rows = made[first : first + len(column) + 2]
        first += len(rows)
        own = np.flatnonzero((rows != made[0]).any(axis=0))
        codes: dict[Any, int] = {level: code for code, level in enumerate(column)}
        codes[None] = len(column)
        tables.append((name, codes.get, len(column) + 1, where.start + own, rows[:, own]))

    def fill(features: pd.DataFrame, out: Floats) -> None:
        out[:, where] = made[0]
        for name, code_of, unseen, places, table in tables:
            cells = features[name].to_numpy(dtype=object, na_value=None)
            out[:, places] = table[[code_of(cell, unseen) for cell in cells]]

    return fill


def _quick_and_same(transformer: Any, features: pd.DataFrame) -> QuickColumns | None:
    """The quick form of a transformer, if there is one and it gives the same bits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quick = _quick(transformer)
            if quick is None:
                return None
            said, expected = quick.transform(features), transformer.transform(features)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        # what is read here of fitted parts is not all public, and what they refuse stays refused
        return None
    same = said.shape == expected.shape and expected.dtype == np.float64
    same = same and said.tobytes() == np.ascontiguousarray(expected).tobytes()
    return quick if same else None
