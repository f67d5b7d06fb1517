"""The verdict: what two runs predicted, number by number, and whether it is the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa

from assay.data.sources.settling import settled
from assay.evaluation.recorded import coded
from assay.inference.loading import LoadedModel
from assay.inference.testing import predict_sealed

TOLERANCE = 1e-9
"""Largest difference that is rounding: absolute in probabilities, relative in values."""

_NUMBERS = ("value", "probability_")
_OTHERWISE = "something else was chosen"
_DIVISION = {"row": "other rows", "truth": "other targets", "fold": "other folds"}


class Verdict(StrEnum):
    """How near the second run came to the first."""

    IDENTICAL = "identical"
    AS_FAR_AS_COMPARED = "identical as far as it could be compared"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Compared:
    """Two sets of numbers beside each other.

    Attributes:
        what: What they are.
        n: How many rows, or numbers, were compared.
        verdict: How near they are; None where nothing could be compared.
        difference: The largest difference: absolute in probabilities and metrics, relative in
            values; NaN where nothing could be compared.
        labels: Share of rows of which a label differs; 0 where there are no labels.
        note: Why nothing could be compared; else empty.
    """

    what: str
    n: int
    verdict: Verdict | None
    difference: float = 0.0
    labels: float = 0.0
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "verdict": self.verdict.value if self.verdict is not None else None}


def overall(compared: Sequence[Compared]) -> Verdict:
    """The worst of all; where something could not be compared, it is never simply identical."""
    order = list(Verdict)
    told = [each.verdict or Verdict.AS_FAR_AS_COMPARED for each in compared]
    return max(told, key=order.index)


def tables(what: str, before: pa.Table, now: pa.Table, tolerance: float) -> Compared:
    """Predictions of the same rows, as tables of `row`, `value` or `probability_0`, ..., `decided`.

    Of rows that may have several labels, truth and decision are columns by position as well.

    Args:
        what: What they are.
        before: Those that were recorded.
        now: Those of the second run.
        tolerance: The largest difference that counts as none.
    """
    n = before.num_rows
    if before.column_names != now.column_names:
        return Compared(what, n, Verdict.DIFFERENT, math.nan, note="other classes were predicted")
    for name, text in _DIVISION.items():
        if any(not before[each].equals(now[each]) for each in _coded(before, name)):
            return Compared(what, n, Verdict.DIFFERENT, math.nan, note=f"they are of {text}")
    names = [name for name in before.column_names if name.startswith(_NUMBERS)]
    pairs = [(before[name].to_numpy(), now[name].to_numpy()) for name in names]
    is_value = names == ["value"]
    difference = max(_largest(*pair, relative=is_value) for pair in pairs)
    decided = _coded(before, "decided")
    otherwise = [before[name].to_numpy() != now[name].to_numpy() for name in decided]
    labels = float(np.mean(np.any(otherwise, axis=0))) if decided else 0.0
    same = labels == 0 and all(a.tobytes() == b.tobytes() for a, b in pairs)
    return Compared(what, n, _verdict(same, difference, labels, tolerance), difference, labels)


def _coded(table: pa.Table, name: str) -> list[str]:
    """The column of this name, or those by position."""
    return [each for each in table.column_names if each.partition("_")[0] == name]


def numbers(
    what: str, before: Mapping[str, float], now: Mapping[str, float], tolerance: float
) -> Compared:
    """Numbers by name, such as metrics; relative where they are larger than one."""
    names = sorted({*before, *now})
    first, second = (
        np.array([float(each.get(name, math.nan)) for name in names]) for each in (before, now)
    )
    difference = _largest(first, second, relative=False) if names else 0.0
    if before.keys() != now.keys():
        return Compared(what, len(names), Verdict.DIFFERENT, math.nan, note="others were computed")
    size = np.maximum(1.0, np.nan_to_num(np.maximum(np.abs(first), np.abs(second))))
    scaled = _largest(first / size, second / size, relative=False) if names else 0.0
    same = first.tobytes() == second.tobytes()
    return Compared(what, len(names), _verdict(same, scaled, 0.0, tolerance), difference)


def choices(
    what: str, before: Mapping[str, Any], now: Mapping[str, Any], tolerance: float
) -> Compared:
    """What was chosen, by name: numbers as numbers, also those of labels, all else as it is."""
    before, now = _one_by_one(before), _one_by_one(now)
    told = {
        name: (before.get(name), now.get(name))
        for name in {*before, *now}
        if not all(isinstance(each.get(name, 0), int | float) for each in (before, now))
    }
    if any(first != second for first, second in told.values()):
        return Compared(what, len({*before, *now}), Verdict.DIFFERENT, math.nan, note=_OTHERWISE)
    first, second = (
        {name: value for name, value in each.items() if name not in told} for each in (before, now)
    )
    return replace(numbers(what, first, second, tolerance), n=len({*before, *now}))


def _one_by_one(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is chosen for each label, as a choice of its own."""
    found: dict[str, Any] = {}
    for name, value in chosen.items():
        if isinstance(value, list):
            found |= {f"{name} {number}": each for number, each in enumerate(value, start=1)}
        else:
            found[name] = value
    return found


def predictions(model: LoadedModel, table: pa.Table, rows: np.ndarray[Any, Any]) -> pa.Table:
    """What a finished model says of these rows of a source, as a table to be compared."""
    features = settled(table.take(pa.array(rows)), "the rows")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a row is odd was told when the model was judged
        predicted = predict_sealed(model, features)
    columns: dict[str, Any] = {"row": rows}
    if predicted.probabilities is None:
        return pa.table({**columns, "value": predicted.values})
    columns |= coded("decided", predicted.decided)
    columns |= coded("probability", predicted.probabilities)
    return pa.table(columns)


def _verdict(same: bool, difference: float, labels: float, tolerance: float) -> Verdict:
    if same:
        return Verdict.IDENTICAL
    is_close = labels == 0 and difference <= tolerance
    return Verdict.WITHIN_TOLERANCE if is_close else Verdict.DIFFERENT


def _largest(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], *, relative: bool) -> float:
    """The largest difference; infinite where one of two is missing."""
    if len(first) == 0:
        return 0.0
    apart = np.abs(first - second)
    apart[np.isnan(first) & np.isnan(second)] = 0.0
    apart[np.isnan(apart)] = math.inf
    if relative:
        size = np.maximum(np.abs(first), np.abs(second))
        apart = np.divide(apart, size, out=np.zeros_like(apart), where=apart > 0)
    return float(apart.max())
