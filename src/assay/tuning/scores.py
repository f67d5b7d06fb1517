"""Scores: the metric of what was predicted; that of a configuration is measured once."""

from __future__ import annotations

from assay.data.dataset import Part
from assay.evaluation.evaluate import outcome_of
from assay.evaluation.metrics import METRICS
from assay.predictions import Predictions
from assay.tuning.configurations import Configuration


class Scores:
    """Measures a metric on rows that were left out.

    Args:
        development: All rows but test.
        metric: Its name.
    """

    def __init__(self, development: Part, metric: str) -> None:
        self._development = development
        self.metric = METRICS[development.schema.task][metric]
        self._known: dict[tuple[int, ...], float] = {}

    def of(self, predictions: Predictions) -> float:
        """Of predictions of some rows."""
        part = self._development.take(self._development.rows.searchsorted(predictions.rows))
        outcome = outcome_of(predictions, part.known_target, part.schema, weights=part.weights)
        return self.metric.of(outcome)

    def of_configuration(self, configuration: Configuration, folds: list[int]) -> float:
        """Of what a configuration predicted of the rows of these folds."""
        key = configuration.number, *folds
        if key not in self._known:
            self._known[key] = self.of(configuration.predictions(folds))
        return self._known[key]
