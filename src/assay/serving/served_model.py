"""A model that is being served: what predicts, and by what name and version it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assay.inference.loading import LoadedModel

Row = dict[str, Any]
Answer = dict[str, Any]


class RowPredictor(Protocol):
    """Predicts rows as they come out of JSON; the same numbers as `LoadedModel` gives."""

    def predict_rows(self, rows: Sequence[Row]) -> list[Answer]:
        """An answer for each row.

        Returns:
            'prediction' (a label, a list of labels, or a number) and, of a classifier,
            'probabilities' by label as text.

        Raises:
            DataError: The rows do not fit the model.
        """


@dataclass(frozen=True)
class ServedModel:
    """One version of a model, ready to answer.

    Attributes:
        reference: What was asked for: NAME@STAGE, NAME/VERSION, a folder.
        version: What it turned out to be: NAME/VERSION; the reference where it has no version.
        digest: Of its files; empty where none is known.
        loaded: The model.
        predictor: Predicts its rows.
    """

    reference: str
    version: str
    digest: str
    loaded: LoadedModel
    predictor: RowPredictor
