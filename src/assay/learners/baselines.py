"""Baselines: what can be had without looking at any feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.data.dataset import Part


@dataclass(frozen=True)
class BuildConstant:
    """Predicts the class shares of the training rows, or their mean."""

    def __call__(self, train: Part, seed: int) -> Any:  # noqa: ARG002
        from sklearn.dummy import DummyClassifier, DummyRegressor

        if train.schema.task.is_classification:
            return DummyClassifier(strategy="prior")
        return DummyRegressor(strategy="mean")
