"""Agreement: whether the compiled path gives the very bits of the ordinary one, on given rows.

Held against each other are the features, and what is predicted. The ordinary path is asked for all
rows at once, which is quick; the first rows, and such as differ there, are asked again alone: sums
over many rows may be made in another order than those over one. It is the row alone that counts.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from assay.inference.compiled.cells import EPOCH, NAN
from assay.inference.compiled.compiling import CompiledModel
from assay.inference.compiled.reading import ReadRow, Row
from assay.inference.served import Served
from assay.inference.strictness import strict_features
from assay.predictions import Floats

_ALONE, _MOST_ALONE = 8, 64
"""Rows that are asked alone whatever they are, and most that are where they differ otherwise."""


@dataclass(frozen=True)
class Agreement:
    """How two paths compare.

    Attributes:
        n: Rows whose bits were held against each other.
        difference: What differs first, in words; empty if nothing does.
    """

    n: int
    difference: str = ""

    @property
    def is_exact(self) -> bool:
        return self.n > 0 and not self.difference


def verify(compiled: CompiledModel, served: Served, rows: Sequence[Row]) -> Agreement:
    """Hold the compiled path against the ordinary one; rows that a policy refuses are left out."""
    read = [compiled.reader.read(row, number) for number, row in enumerate(rows)]
    kept = [number for number, row in enumerate(read) if not row.problems]
    if not kept:
        return Agreement(0, "no row is at hand that it would predict")
    asked, known = [rows[number] for number in kept], [read[number] for number in kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = strict_features(_frame(asked), served.about)
        ours = compiled.reader.table(asked).features
        if not ours.equals(features):
            return Agreement(len(kept), _of_features(ours, features))
        return _of_numbers(compiled, served, features, known)


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame([dict(row) for row in rows])


def _of_numbers(
    compiled: CompiledModel, served: Served, features: pd.DataFrame, known: list[ReadRow]
) -> Agreement:
    together, n, n_alone = _ordinary(served, features), 0, 0
    for number, row in enumerate(known):
        said, other = compiled.numbers(row.values), together[number]
        is_close = np.allclose(said, other, rtol=1e-12, atol=0)
        if number >= _ALONE and is_close and not _same(said, other) and n_alone >= _MOST_ALONE:
            continue
        if number < _ALONE or not _same(said, other):
            n_alone += 1
            other = _ordinary(served, features.iloc[[number]].reset_index(drop=True))[0]
        n += 1
        if not _same(said, other):
            told = f"row {number} is {said[-1]!r}, and {other[-1]!r} by the ordinary path"
            return Agreement(n, told)
    return Agreement(n)


def _ordinary(served: Served, features: pd.DataFrame) -> Floats:
    """What the ordinary path says, shape (n, k), or (n, 1) of a regression."""
    if served.is_classifier:
        return np.asarray(served.probabilities_of(features), dtype=np.float64)
    return np.asarray(served.values_of(features), dtype=np.float64).reshape(-1, 1)


def _same(said: list[float], other: Floats) -> bool:
    return np.array(said).tobytes() == np.ascontiguousarray(other).tobytes()


def _of_features(ours: pd.DataFrame, ordinary: pd.DataFrame) -> str:
    for name in ordinary:
        if not ours[name].equals(ordinary[name]):
            return f"column {name!r} is read otherwise"
    return "features are read otherwise"


def probes(about: Mapping[str, Any], examples: Sequence[Row], n: int, seed: int = 0) -> list[Row]:
    """Rows to hold paths against each other on, drawn from what the model has seen.

    They reach further than rows of the training table would, none of which a model has to keep:
    every feature takes levels, ranges and gaps independently of the others.

    Args:
        about: Of the model, as `strict_features` takes it.
        examples: Rows kept with the model, which come first; texts are drawn from them.
        n: Number of rows, the examples included.
        seed: Of what is drawn.
    """
    random = np.random.default_rng(seed)
    columns = {
        name: _drawn(name, read_as, about["seen"][name], examples, n, random)
        for name, read_as in about["kinds"].items()
    }
    drawn = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [*examples[:n], *drawn[len(examples) :]]


def _drawn(
    name: str,
    read_as: str,
    learnt: Mapping[str, Any],
    examples: Sequence[Row],
    n: int,
    random: np.random.Generator,
) -> list[Any]:
    """Cells of a column; a gap now and then, where there were any."""
    kind, _, form = read_as.partition(" ")
    low, high = learnt.get("low", NAN), learnt.get("high", NAN)
    if kind in ("numeric", "datetime") and math.isfinite(low) and math.isfinite(high):
        cells: list[Any] = random.uniform(low, high, n).tolist()
        # Many numbers are whole, and trees part them there.
        whole = random.random(n) < 0.5
        cells = [
            float(min(max(round(cell), low), high)) if is_whole else cell
            for cell, is_whole in zip(cells, whole, strict=True)
        ]
        if kind == "datetime":
            cells = [_date(cell, form) for cell in cells]
    else:
        known = learnt.get("levels") or [row[name] for row in examples if row.get(name) is not None]
        cells = [known[at] for at in random.integers(0, len(known), n)] if known else [None] * n
    gaps = random.random(n) < 0.1 if learnt["gaps"] else np.zeros(n, dtype=bool)
    return [None if gap else cell for gap, cell in zip(gaps, cells, strict=True)]


def _date(days: float, form: str) -> str:
    instant = EPOCH + timedelta(seconds=round(days * 86_400))
    return instant.strftime(form) if form else instant.isoformat()
