"""An outcome: what was predicted for some rows beside what was true. All metrics start here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.predictions import Floats, Rows

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """Predictions, decisions and truth of the same rows.

    Attributes:
        task: What was predicted.
        rows: Row numbers in the source, int64, shape (n,), ascending.
        truth: For a classification the position of the true class in `classes`, int64; for a
            regression the true value, float64; shape (n,).
        classes: Class labels; for a binary task the positive one comes last. Empty for regression.
        probabilities: Class probabilities, float64, shape (n, k); None for regression.
        decided: Position of the decided class in `classes`, int64, shape (n,); None for regression.
        values: Predicted values, float64, shape (n,); None for a classification.
        weights: Sample weights, float64, shape (n,); None when all rows count the same.
        clusters: Which group each row belongs to, int64, shape (n,): rows of one group are not
            independent of each other. With the design 'time', which block of time it is in. None
            when each row stands for itself.
        times: When each row was, float64, shape (n,); None when rows have no order.
        design: How the rows came about.
        ranks: Whether probabilities tell rows apart. Not those of a model that says the same of
            all rows of a fold: what differs between folds then is which rows it was fitted on.
        n_unknown: How many classes, the last of `classes`, the model does not know: no row that it
            could learn from had them, so that it gives them no probability.
    """

    task: Task
    rows: Rows
    truth: NDArray[Any]
    classes: tuple[Any, ...] = ()
    probabilities: Floats | None = None
    decided: Codes | None = None
    values: Floats | None = None
    weights: Floats | None = None
    clusters: Codes | None = None
    times: Floats | None = None
    design: Design = Design.CHANCE
    ranks: bool = True
    n_unknown: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def on_rows(self, rows: Sequence[int]) -> Outcome:
        """The outcome of these rows only; `rows` ascending, all of them its own."""
        return self.take(np.searchsorted(self.rows, np.asarray(rows, dtype=np.int64)))

    def take(self, index: Codes) -> Outcome:
        """The outcome of the rows in these positions, in their order."""

        def at(array: Any) -> Any:
            return None if array is None else array[index]

        return replace(
            self,
            rows=self.rows[index],
            truth=self.truth[index],
            probabilities=at(self.probabilities),
            decided=at(self.decided),
            values=at(self.values),
            weights=at(self.weights),
            clusters=at(self.clusters),
            times=at(self.times),
        )

    @property
    def n_known(self) -> int:
        """How many classes the model knows."""
        return len(self.classes) - self.n_unknown

    @property
    def groups(self) -> Codes | None:
        """The clusters that were declared, not made of what is near in time."""
        return None if self.design is Design.TIME else self.clusters

    @property
    def known_weights(self) -> Floats:
        """The sample weights, 1 each where there are none."""
        return np.ones(len(self)) if self.weights is None else self.weights

    @property
    def known_probabilities(self) -> Floats:
        """The probabilities of a classification."""
        assert self.probabilities is not None
        return self.probabilities

    @property
    def known_values(self) -> Floats:
        """The predicted values of a regression."""
        assert self.values is not None
        return self.values
