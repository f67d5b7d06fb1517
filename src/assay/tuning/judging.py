"""Judging configurations while a search goes on: their losses, and what last fits will take."""

from __future__ import annotations

from collections.abc import Sequence

from assay.data.dataset import Part
from assay.learners.selection import Errors, selected
from assay.tuning.configurations import Configuration
from assay.tuning.pace import is_hopeless, seconds_of_refits

_SAMPLED_ROWS = 4_000


class Judging:
    """Judges by what was predicted of rows that were left out.

    Args:
        development: All rows but test.
        most_members: Of the ensemble.
        n_folds: Folds there are.
        workers: Fits at the same time.
    """

    def __init__(self, development: Part, most_members: int, n_folds: int, workers: int) -> None:
        self._development, self._most_members = development, most_members
        self._n_folds, self._workers = n_folds, workers
        self._reserved: tuple[tuple[int, int], float] = ((0, 0), 0.0)

    def loss(self, configuration: Configuration, folds: list[int]) -> float:
        """Of the rows of these folds."""
        return float(self._errors([configuration], folds).alone[0])

    def falls_behind(
        self, configuration: Configuration, tried: Sequence[Configuration], fold: int
    ) -> bool:
        """Whether it is hopeless beside others that predicted the same fold."""
        rivals = [each for each in tried if fold in each.fits and not each.dropped]
        if configuration.dropped or len(rivals) < 2:
            return False
        return is_hopeless(self._errors(rivals, [fold]), rivals.index(configuration))

    def reserve(self, complete: Sequence[Configuration], folds: list[int]) -> float:
        """Seconds that the fits of members to all rows would take, of an ensemble of these."""
        key = len(complete), len(folds)
        if self._reserved[0] != key:
            errors = self._errors(complete, folds)
            step = max(1, errors.values.shape[1] // _SAMPLED_ROWS)
            some = Errors(errors.values[:, ::step], errors.of_classes, errors.weights[::step])
            weights = selected(some, self._most_members, steps=20)
            members = [each for each, weight in zip(complete, weights, strict=True) if weight]
            self._reserved = key, seconds_of_refits(members, self._n_folds, self._workers)
        return self._reserved[1]

    def _errors(self, configurations: Sequence[Configuration], folds: list[int]) -> Errors:
        predicted = [each.predictions(folds) for each in configurations]
        part = self._development
        known = part.take(part.rows.searchsorted(predicted[0].rows))
        return Errors.of(predicted, known.known_target, known.schema, known.weights)
