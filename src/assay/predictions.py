"""Predictions: the currency between learners and evaluation, which never sees a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Labels = NDArray[Any]

EVEN = 0.5
"""The probability from which a label is given to a row that may have several."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of some rows.

    A classifier fills `probabilities` and `classes`; a regressor fills `values`.

    Attributes:
        rows: Row numbers in the source table, int64, shape (n,).
        values: Predicted values, float64, shape (n,); None for a classifier.
        probabilities: Class probabilities, float64, shape (n, k), rows summing to one unless they
            may have several labels; None for a regressor.
        classes: The class labels in the order of the columns of `probabilities`, shape (k,).
        scores: What a calibrator reads: the decision function or the logits, shape (n,) for a
            binary margin, else (n, k); None where the probabilities are all there is.
    """

    rows: Rows
    values: Floats | None = None
    probabilities: Floats | None = None
    classes: Labels | None = None
    scores: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.rows)
        assert (self.values is None) != (self.probabilities is None), "values or probabilities"
        assert self.values is None or self.values.shape == (n,), "values: shape (n,)"
        if self.probabilities is not None:
            assert self.classes is not None, "probabilities need their classes"
            assert self.probabilities.shape == (n, len(self.classes)), "probabilities: (n, k)"

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[Any]) -> Predictions:
        """The predictions at these positions (an index or a mask of shape (n,))."""

        def at(array: Any) -> Any:
            return None if array is None else array[index]

        return replace(
            self,
            rows=self.rows[index],
            values=at(self.values),
            probabilities=at(self.probabilities),
            scores=at(self.scores),
        )

    @classmethod
    def concatenate(cls, parts: list[Predictions]) -> Predictions:
        """Join the predictions of disjoint rows, sorted by row number."""

        def joined(name: str) -> Any:
            arrays = [getattr(part, name) for part in parts]
            return None if any(each is None for each in arrays) else np.concatenate(arrays)

        whole = cls(
            rows=np.concatenate([part.rows for part in parts]),
            values=joined("values"),
            probabilities=joined("probabilities"),
            classes=parts[0].classes,
            scores=joined("scores"),
        )
        return whole.take(np.argsort(whole.rows, kind="stable"))
