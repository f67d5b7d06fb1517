"""The ensemble of a run: its weights, and predictions whose score the choice does not flatter.

What a fold's rows are predicted with are weights that the other folds' rows chose, as calibration
is learnt from other folds: no row has a say in the weights by which it is judged. The model itself
has the weights that all rows choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.evaluation.crossing import crossings
from assay.learners.selection import Errors, averaged, selected, selection
from assay.predictions import Floats, Predictions


@dataclass(frozen=True)
class Chosen:
    """An ensemble, and what it is worth.

    Attributes:
        weights: Of each candidate in the model, shape (m,), summing to one.
        touched: Whether any choice, of the model or of a fold, ever took the candidate in, shape
            (m,): without the others all comes to the very same.
        by_fold: Those that the rows of each fold are predicted with, by fold.
        predictions: Of all rows, each fold by its weights.
        flattered: The same by the weights of the model, which these rows chose.
    """

    weights: Floats
    touched: NDArray[np.bool_]
    by_fold: dict[int, Floats]
    predictions: Predictions
    flattered: Predictions


def choose(
    candidates: Sequence[Predictions],
    part: Part,
    folds: NDArray[np.int64],
    *,
    most: int,
    ordered: bool,
) -> Chosen:
    """Choose an ensemble.

    Args:
        candidates: What each predicted of the rows, out of fold; the first one stands alone where
            nothing can be chosen by, as in the first of folds that go forward in time.
        part: The rows, with their target.
        folds: The fold of each row, shape (n,).
        most: Members it may have.
        ordered: Whether folds go forward in time, so that only earlier ones choose.
    """
    errors = Errors.of(list(candidates), part.known_target, part.schema, part.weights)
    whole = selection(errors, most)
    touched = whole.touched.copy()
    by_fold: dict[int, Floats] = {}
    pieces = []
    for held, teachers in crossings(folds, ordered=ordered):
        of_fold = np.zeros(len(candidates))
        of_fold[0] = 1.0
        if teachers.any():
            choice = selection(errors.take(teachers), most)
            of_fold = choice.weights
            touched |= choice.touched
        by_fold[int(folds[held][0])] = of_fold
        pieces.append(averaged([each.take(held) for each in candidates], of_fold))
    touched[0] |= ordered
    return Chosen(
        weights=whole.weights,
        touched=touched,
        by_fold=by_fold,
        predictions=Predictions.concatenate(pieces),
        flattered=averaged(list(candidates), whole.weights),
    )


def quick_enough(
    candidates: Sequence[Predictions],
    part: Part,
    latencies: Floats,
    limit_ms: float,
    most: int,
) -> list[int]:
    """The candidates that may stay so that the ensemble predicts a row in time.

    As long as it is too slow, the member goes without which the rest, weighed anew, loses least.

    Args:
        candidates: What each predicted of the rows, out of fold.
        part: The rows.
        latencies: Milliseconds that each takes for a row by itself, shape (m,).
        limit_ms: What all members together may take.
        most: Members there may be.

    Returns:
        Positions of those that stay; the quickest, if even one alone is too slow.
    """
    errors = Errors.of(list(candidates), part.known_target, part.schema, part.weights)
    stay = [each for each in range(len(candidates)) if latencies[each] <= limit_ms]
    if not stay:
        return [int(np.argmin(latencies))]
    while True:
        weights = selected(_of(errors, stay), most)
        members = [each for each, weight in zip(stay, weights, strict=True) if weight]
        if sum(latencies[each] for each in members) <= limit_ms:
            return stay
        losses = {each: _least(errors, [other for other in stay if other != each], most)
                  for each in members}  # fmt: skip
        stay.remove(min(losses, key=lambda each: losses[each]))


def _of(errors: Errors, places: Sequence[int]) -> Errors:
    return Errors(errors.values[list(places)], errors.of_classes, errors.weights)


def _least(errors: Errors, places: Sequence[int], most: int) -> float:
    """The loss of the best ensemble of some candidates."""
    some = _of(errors, places)
    return float(some.losses(selected(some, most) @ some.values))
