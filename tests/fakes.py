"""One fake learner, store and check: the smallest things that keep the contracts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.base import View
from assay.data.dataset import Part
from assay.data.schema import label_array
from assay.findings import Finding, NotApplicable, Severity
from assay.learners.protocol import FitContext
from assay.predictions import Predictions
from assay.tracking.memory import MemoryStore

FakeStore = MemoryStore


@dataclass(frozen=True)
class FakeModel:
    """Predicts by one number: above the middle of feature 'a' or not."""

    classes: tuple[Any, ...]
    middle: float
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"middle": self.middle}

    def predict(self, features: pd.DataFrame) -> Predictions:
        above = features["a"].to_numpy() > self.middle
        numbers = np.where(above[:, None], self.high, self.low)
        rows = np.arange(len(features))
        if not self.classes:
            return Predictions(rows, values=numbers[:, 0])
        return Predictions(rows, probabilities=numbers, classes=label_array(self.classes))

    def save(self, folder: Path) -> None:
        (folder / "fake.json").write_text(json.dumps(vars(self)))

    @classmethod
    def load(cls, folder: Path) -> FakeModel:
        about = json.loads((folder / "fake.json").read_text())
        return cls(*(tuple(v) if isinstance(v, list) else v for v in about.values()))


@dataclass(frozen=True)
class FakeLearner:
    """Learns the shares of the classes, or the mean, on both sides of the middle of 'a'."""

    name: str = "fake"
    validates: bool = True

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> FakeModel:
        a = train.features["a"].to_numpy()
        middle = float(context.fixed.get("middle", np.median(a)))
        context.recorder.series("training_loss", [1.0, 0.5])
        sides = [tuple(self._mean(train, side)) for side in (a <= middle, a > middle)]
        return FakeModel(train.schema.classes, middle, *sides)

    def _mean(self, train: Part, side: np.ndarray) -> np.ndarray:
        if not train.schema.classes:
            return np.array([train.known_target[side].mean()])
        codes = train.schema.codes(train.known_target[side])
        shares = np.bincount(codes, minlength=len(train.schema.classes)) / len(codes)
        return shares / shares.sum()


@dataclass(frozen=True)
class FakeCheck:
    """Finds a column named 'forbidden'."""

    severity: Severity = Severity.WARN
    code: str = "AS999"
    name: str = "forbidden-column"

    def __call__(
        self, view: View, settings: Mapping[str, Any]
    ) -> Sequence[Finding] | NotApplicable:
        if "forbidden" not in view.raw_train.column_names:
            return []
        return [
            Finding(
                self.code,
                self.severity,
                "A column is forbidden.",
                evidence={"columns": len(view.raw_train.column_names)},
                mend="drop it",
                columns=("forbidden",),
            )
        ]
