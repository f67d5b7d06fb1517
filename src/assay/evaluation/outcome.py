"""An outcome: what was predicted for some rows beside what was true. All metrics start here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Task
from assay.evaluation.design import Design
from assay.predictions import EVEN, Floats, Rows

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """Predictions, decisions and truth of the same rows.

    Attributes:
        task: What was predicted.
        rows: Row numbers in the source, int64, shape (n,), ascending.
        truth: For a classification the position of the true class in `classes`, int64; for a
            regression the true value, float64; shape (n,). With several labels 1 where a row has
            one and 0 where not, int64, shape (n, k).
        classes: Class labels; for a binary task the positive one comes last. Empty for regression.
        probabilities: Of classes, or of each label by itself, float64, shape (n, k); None for
            regression.
        decided: What was decided, as `truth` has it; None for regression.
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
    def has_labels(self) -> bool:
        """Whether rows may have several labels, or none."""
        return self.task is Task.MULTILABEL

    def of_class(self, code: int) -> NDArray[np.bool_]:
        """Which rows are of a class, or have a label, shape (n,)."""
        held = self.truth[:, code] == 1 if self.has_labels else self.truth == code
        return np.asarray(held, dtype=np.bool_)

    @property
    def decided_right(self) -> NDArray[np.bool_]:
        """Which rows are decided right, in all their labels, shape (n,)."""
        right = np.asarray(self.decided == self.truth, dtype=np.bool_)
        return np.all(right, axis=1) if self.has_labels else right

    @property
    def n_known(self) -> int:
        """How many classes the model knows."""
        return len(self.classes) - self.n_unknown

    @property
    def class_counts(self) -> Codes:
        """How many rows are of each class, or have each label, shape (k,)."""
        if self.has_labels:
            return np.asarray(self.truth.sum(axis=0), dtype=np.int64)
        return np.bincount(self.truth, minlength=len(self.classes))

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


def most_probable(task: Task, probabilities: Floats) -> Codes:
    """What is decided where nothing else is asked for.

    Args:
        task: A classification.
        probabilities: Shape (n, k).

    Returns:
        The most probable class, shape (n,); of several labels 1 for each that is as probable as
        not, shape (n, k).
    """
    if task is Task.MULTILABEL:
        return (probabilities >= EVEN).astype(np.int64)
    return np.argmax(probabilities, axis=1)
