"""Selection: which members an ensemble has, and with which weights.

Greedy selection with replacement (Caruana, Niculescu-Mizil, Crew & Ksikes, ICML 2004): the ensemble
begins with the best candidate, and takes in, again and again, the one that lowers its loss most.
What it is judged on must be predictions of rows that no candidate learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.data.schema import Schema
from assay.predictions import Floats, Labels, Predictions

STEPS = 20
MOST_MEMBERS = 8
_LEAST = 1e-9


@dataclass(frozen=True)
class Errors:
    """What several candidates predicted of the same rows, as far as losses of averages need it.

    Attributes:
        values: Of each candidate the probability of the true class, or the error of the value,
            float64, shape (m, n): either is of an average the average of both.
        of_classes: Whether they are probabilities, and the loss is the log loss; else the mean of
            squared errors.
        weights: Sample weights, shape (n,).
    """

    values: Floats
    of_classes: bool
    weights: Floats

    @classmethod
    def of(
        cls,
        candidates: list[Predictions],
        target: Labels,
        schema: Schema,
        weights: Floats | None = None,
    ) -> Errors:
        """Of candidates that predicted the same rows, with the target of these.

        Args:
            candidates: Their predictions.
            target: True labels or values, shape (n,).
            schema: Task and classes.
            weights: Sample weights, shape (n,); None when all rows count the same.
        """
        counted = np.ones(len(target)) if weights is None else weights
        if not schema.task.is_classification:
            values = np.stack([_values(each) - target for each in candidates])
            return cls(values, False, counted)
        codes, rows = schema.codes(target), np.arange(len(target))
        probabilities = np.stack([_probabilities(each)[rows, codes] for each in candidates])
        return cls(probabilities, True, counted)

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Errors:
        """The same of these rows, a mask or an index of shape (n,)."""
        return Errors(self.values[:, rows], self.of_classes, self.weights[rows])

    def weighted(self, weights: Floats) -> Errors:
        """The same with other weights of the rows; those of weight zero are left out."""
        counted = weights > 0
        return Errors(self.values[:, counted], self.of_classes, weights[counted])

    def losses(self, values: Floats) -> Floats:
        """The loss of predictions.

        Args:
            values: As the attribute, shape (..., n).

        Returns:
            Shape (...).
        """
        each = -np.log(np.maximum(values, _LEAST)) if self.of_classes else values**2
        return np.asarray(each @ self.weights / self.weights.sum())

    @property
    def alone(self) -> Floats:
        """The loss of each candidate by itself, shape (m,)."""
        return self.losses(self.values)


@dataclass(frozen=True)
class Selected:
    """What greedy selection came to.

    Attributes:
        weights: Of the candidates, shape (m,), summing to one.
        touched: Whether each was ever taken in, shape (m,): without the others it comes to the
            very same.
    """

    weights: Floats
    touched: np.ndarray[tuple[int], np.dtype[np.bool_]]


def selected(errors: Errors, most: int = MOST_MEMBERS, steps: int = STEPS) -> Floats:
    """Weights of the candidates, shape (m,), which sum to one: those of `selection`."""
    return selection(errors, most, steps).weights


def selection(errors: Errors, most: int = MOST_MEMBERS, steps: int = STEPS) -> Selected:
    """Select members, with replacement.

    Never worse, on these rows, than the best candidate alone.

    Args:
        errors: What the candidates predicted.
        most: Members there may be.
        steps: How often a member is taken in.
    """
    if not errors.of_classes:
        return _selected_by_products(errors, most, steps)
    alone = errors.alone
    counts = np.zeros(len(alone))
    first = int(np.argmin(alone))
    counts[first] = 1
    total, least, best = errors.values[first].copy(), float(alone[first]), counts.copy()
    for size in range(2, steps + 1):
        allowed = _allowed(counts, most)
        losses = errors.losses((total + errors.values[allowed]) / size)
        taken = int(allowed[np.argmin(losses)])
        counts[taken] += 1
        total += errors.values[taken]
        if losses.min() < least:
            least, best = float(losses.min()), counts.copy()
    return Selected(best / best.sum(), counts > 0)


def _selected_by_products(errors: Errors, most: int, steps: int) -> Selected:
    """The same for squared errors, which products of pairs of candidates say all about."""
    weighted = errors.values * errors.weights / errors.weights.sum()
    products = weighted @ errors.values.T
    counts = np.zeros(len(products))
    first = int(np.argmin(np.diag(products)))
    counts[first] = 1
    least, best = float(products[first, first]), counts.copy()
    for size in range(2, steps + 1):
        allowed = _allowed(counts, most)
        cross = products[allowed] @ counts
        losses = (counts @ products @ counts + 2 * cross + np.diag(products)[allowed]) / size**2
        counts[int(allowed[np.argmin(losses)])] += 1
        if losses.min() < least:
            least, best = float(losses.min()), counts.copy()
    return Selected(best / best.sum(), counts > 0)


def _allowed(counts: Floats, most: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The candidates that may be taken in: only members once there are enough."""
    members = np.flatnonzero(counts)
    return members if len(members) >= most else np.arange(len(counts))


def averaged(candidates: list[Predictions], weights: Floats) -> Predictions:
    """The weighted average of predictions of the same rows.

    Args:
        candidates: The predictions.
        weights: Of each, shape (m,), which sum to one.
    """
    first = candidates[0]
    members = [(each, weight) for each, weight in zip(candidates, weights, strict=True) if weight]
    if first.values is not None:
        values = np.sum([weight * _values(each) for each, weight in members], axis=0)
        return Predictions(first.rows, values=values)
    probabilities = np.sum([weight * _probabilities(each) for each, weight in members], axis=0)
    return Predictions(first.rows, probabilities=probabilities, classes=first.classes)


def _values(predictions: Predictions) -> Floats:
    assert predictions.values is not None
    return predictions.values


def _probabilities(predictions: Predictions) -> Floats:
    assert predictions.probabilities is not None
    return predictions.probabilities
