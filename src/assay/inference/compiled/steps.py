"""Steps: transformers of numbers and dates, as functions from a list of floats to another.

Each repeats the operations of scikit-learn's transformer on single floats, in its order, so that
the results have the same bits. What is not known here is left to the transformer itself.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[list[float]], list[float]]


def step_of(transformer: Any) -> Step | None:
    """What a fitted transformer does to a row of numbers; None if it is not known here."""
    if transformer == "passthrough":
        return list
    if transformer == "drop":
        return lambda values: []  # noqa: ARG005
    make = _MAKE.get(type(transformer).__name__)
    return make(transformer) if make is not None else None


def _pipeline(pipeline: Any) -> Step | None:
    steps = [step_of(step) for _, step in pipeline.steps]
    if None in steps:
        return None

    def step(values: list[float]) -> list[float]:
        for each in steps:
            values = each(values)  # type: ignore[misc]
        return values

    return step


def _union(union: Any) -> Step | None:
    if union.transformer_weights:
        return None
    parts = [step_of(part) for _, part in union.transformer_list]
    if None in parts:
        return None

    def step(values: list[float]) -> list[float]:
        return [made for part in parts for made in part(values)]  # type: ignore[misc]

    return step


def _imputer(imputer: Any) -> Step | None:
    """SimpleImputer of numbers, with the columns that say what was missing."""
    is_plain = isinstance(imputer.missing_values, float) and math.isnan(imputer.missing_values)
    if not is_plain or imputer.statistics_.dtype != np.float64:
        return None
    fills = imputer.statistics_.tolist()
    if any(map(math.isnan, fills)):
        return None
    indicator = imputer.indicator_
    flagged = [] if indicator is None else indicator.features_.tolist()

    def step(values: list[float]) -> list[float]:
        pairs = zip(values, fills, strict=True)
        filled = [value if value == value else fill for value, fill in pairs]  # noqa: PLR0124
        return filled + [0.0 if values[at] == values[at] else 1.0 for at in flagged]

    return step


def _scaler(scaler: Any) -> Step | None:
    centers = scaler.mean_.tolist() if scaler.with_mean else None
    scales = scaler.scale_.tolist() if scaler.with_std else None

    def step(values: list[float]) -> list[float]:
        if centers is not None:
            values = [value - center for value, center in zip(values, centers, strict=True)]
        if scales is not None:
            values = [value / scale for value, scale in zip(values, scales, strict=True)]
        return values

    return step


def _function(transformer: Any) -> Step | None:
    """What passes numbers through; and np.interp from a period to itself, days since it began."""
    given = transformer.kw_args or {}
    if transformer.func is None and not given:
        return list
    if transformer.func is not np.interp or set(given) != {"xp", "fp", "period"}:
        return None
    period, ends = given["period"], list(given["xp"])
    if ends != list(given["fp"]) or ends != [0.0, float(np.nextafter(period, 0.0))]:
        return None
    return lambda values: [value % period for value in values]


def _splines(transformer: Any) -> Step | None:
    """Periodic splines of degree 1 without bias, zero where a value is missing.

    Between two knots it is the recursion of de Boor, as scipy's `BSpline` computes it.
    """
    settings = transformer.get_params()
    wanted = {"degree": 1, "extrapolation": "periodic", "include_bias": True}
    wanted |= {"handle_missing": "zeros", "sparse_output": False}
    if any(settings[name] != value for name, value in wanted.items()):
        return None
    parts = [_spline(spline) for spline in transformer.bsplines_]
    if None in parts:
        return None

    def step(values: list[float]) -> list[float]:
        pairs = zip(parts, values, strict=True)
        return [made for part, value in pairs for made in part(value)]  # type: ignore[misc]

    return step


def _spline(spline: Any) -> Callable[[float], list[float]] | None:
    knots, degree, n_outputs = spline.t.tolist(), spline.k, spline.c.shape[1]
    first, last = knots[degree], knots[len(knots) - degree - 1]
    places = [int(np.flatnonzero(row)[0]) for row in spline.c]
    is_plain = all(row.sum() == 1 and (row != 0).sum() == 1 for row in spline.c)
    if degree != 1 or not is_plain or last <= first or sorted(set(knots)) != knots:
        return None
    inner = knots[degree : len(knots) - degree]

    def made(value: float) -> list[float]:
        out = [0.0] * n_outputs
        if value != value:  # noqa: PLR0124 - missing
            return out
        value = first + (value - first) % (last - first)
        at = min(bisect_right(inner, value), len(inner) - 1) - 1
        low, high = inner[at], inner[at + 1]
        weight = 1.0 / (high - low)
        out[places[at]] += weight * (high - value)
        out[places[at + 1]] += weight * (value - low)
        return out

    return made


_MAKE: dict[str, Callable[[Any], Step | None]] = {
    "Pipeline": _pipeline,
    "FeatureUnion": _union,
    "SimpleImputer": _imputer,
    "StandardScaler": _scaler,
    "FunctionTransformer": _function,
    "SplineTransformer": _splines,
}
