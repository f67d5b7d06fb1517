"""What a learner and a model are: the two contracts that `tests/contracts/learners.py` checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from assay.data.dataset import Part
from assay.monitor import Monitor, Onlooker
from assay.predictions import Predictions
from assay.tracking.recorder import Recorder, Silence


@dataclass(frozen=True)
class FitContext:
    """Everything a fit may depend on besides its data.

    Attributes:
        seed: Seed of every random choice; the same seed gives the same model, bit for bit.
        monitor: Told of progress; a learner that reports while it fits obeys its answer.
        recorder: Where metrics of the fit go.
        directory: A folder of the fit's own for checkpoints; None when it may write nothing.
        resume_from: A folder written by an earlier, unfinished fit of the same recipe; for learners
            that write one.
        threads: Numerical threads, the same however many fits run in parallel (law 3).
        deadline: When to stop, in seconds of `time.monotonic()`, for learners that go step by step;
            None for no limit.
        fixed: What an earlier fit chose (`Model.chosen`) and this one must take over, for example
            the number of boosting rounds; empty when the fit may choose.
    """

    seed: int = 0
    monitor: Monitor = field(default_factory=Onlooker)
    recorder: Recorder = field(default_factory=Silence)
    directory: Path | None = None
    resume_from: Path | None = None
    threads: int = 1
    deadline: float | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """What was learnt. Never changes once it exists."""

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What the fit decided by looking at validation rows; empty if nothing."""
        ...

    def predict(self, features: pd.DataFrame) -> Predictions:
        """Predict rows given as in `Part.features`; the predictions' row ids count from zero."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an existing, empty folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model that `save` wrote; it predicts the same, bit for bit."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A recipe. `fit` never changes it: there is no such state as 'not fitted'."""

    @property
    def name(self) -> str:
        """What it is called in files and reports."""
        ...

    @property
    def validates(self) -> bool:
        """Whether `fit` makes use of validation rows (to stop early)."""
        ...

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> Model:
        """Learn from the training rows.

        Args:
            train: Rows to learn from, with their targets.
            validation: Rows to stop on, never learnt from; None to go by `context.fixed` or the
                recipe's own numbers.
            context: Seed, monitor, recorder, threads and what is fixed.

        Raises:
            LearnerError: The recipe cannot be fitted to these rows.
        """
        ...
