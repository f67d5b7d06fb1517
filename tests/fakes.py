"""One fake learner, store and check: the smallest things that keep the contracts."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.base import View
from assay.data.dataset import Part
from assay.data.schema import Task, label_array
from assay.errors import LearnerError
from assay.findings import Finding, NotApplicable, Severity
from assay.learners.protocol import FitContext
from assay.monitor import Step
from assay.predictions import Predictions
from assay.tracking.memory import MemoryStore
from assay.training.settings import LoopSettings

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
        return FakeModel(train.schema.classes, middle, *self.sides(train, middle))

    def sides(self, train: Part, middle: float) -> list[tuple[float, ...]]:
        """The shares of the classes, or the mean, below and above the middle."""
        a = train.features["a"].to_numpy()
        return [tuple(self._mean(train, side)) for side in (a <= middle, a > middle)]

    def _mean(self, train: Part, side: np.ndarray) -> np.ndarray:
        if not train.schema.classes:
            return np.array([train.known_target[side].mean()])
        codes = train.schema.codes(train.known_target[side])
        if train.schema.task is Task.MULTILABEL:
            return codes.mean(axis=0)
        shares = np.bincount(codes, minlength=len(train.schema.classes)) / len(codes)
        return shares / shares.sum()


@dataclass(frozen=True)
class SteppingModel(FakeModel):
    """A fake model that knows which pace was chosen for it."""

    pace: str = "slow"

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"pace": self.pace}


@dataclass(frozen=True)
class FakeStepping(FakeLearner):
    """Goes step by step to the middle of 'a', as a network would: epoch by epoch, with checkpoints.

    What it chooses 'by measuring' is what the file `measured` says, if there is one; where the file
    `fails_after` names an epoch, it fails after that.
    """

    name: str = "stepping"
    training: LoopSettings = field(default_factory=lambda: LoopSettings(epochs=6, warmup=0.0))
    measured: Path | str = ""
    pause_s: float = 0.0
    fails_after: Path | str = ""
    holds_out: bool = True

    def trained_on(self, n_rows: int) -> LoopSettings:
        """By the number of rows, as far as nobody has set it."""
        return self.training.model_copy(update={"batch_size": n_rows})

    def with_training(self, given: Mapping[str, Any]) -> FakeStepping:
        return replace(self, training=LoopSettings(**{**self.training.model_dump(), **given}))

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> SteppingModel:
        assert validation is not None
        measured = Path(self.measured).read_text() if self.measured else "slow"
        pace = context.fixed.get("pace", measured)
        context.chose(pace=pace)
        done, middle = self._left(context.resume_from)
        random = np.random.default_rng([context.seed, len(train)])
        a = random.permutation(train.features["a"].to_numpy())
        for epoch in range(done, self.training.epochs):
            middle += (float(np.median(a[: (epoch + 1) * 20])) - middle) / 2
            error = float(np.mean(validation.features["a"].to_numpy() > middle))
            context.recorder.metrics({"training_loss": abs(middle), "share": error}, epoch + 1)
            context.announce(
                Step("Fitting stepping", epoch + 1, self.training.epochs, detail=f"loss {middle}")
            )
            time.sleep(self.pause_s)
            if self.fails_after and Path(self.fails_after).read_text() == str(epoch + 1):
                raise LearnerError(f"It failed after epoch {epoch + 1}.", mend="mend it")
            if context.directory is not None and epoch % 2:
                state = json.dumps([epoch + 1, middle])
                (context.directory / "state.json").write_text(state)
        return SteppingModel(train.schema.classes, middle, *self.sides(train, middle), pace=pace)

    def _left(self, folder: Path | None) -> tuple[int, float]:
        if folder is None or not (folder / "state.json").exists():
            return 0, 0.0
        done, middle = json.loads((folder / "state.json").read_text())
        return done, middle


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
