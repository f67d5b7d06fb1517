"""What a learner and a model are: the two contracts that `tests/contracts/learners.py` checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import pandas as pd

from assay.data.dataset import Part
from assay.monitor import Announce, Monitor, Onlooker, silent
from assay.predictions import Predictions
from assay.tracking.recorder import Recorder, Silence
from assay.training.settings import LoopSettings

CHOSEN = "chosen."
"""How params begin that say what a fit chose by measuring."""


@dataclass(frozen=True)
class FitContext:
    """Everything a fit may depend on besides its data.

    Attributes:
        seed: Seed of every random choice; the same seed gives the same model, bit for bit.
        monitor: Told of progress; a learner that reports while it fits obeys its answer.
        recorder: Where metrics of the fit go.
        directory: A folder of the fit's own for checkpoints; None when it may write nothing.
        resume_from: A folder written by an earlier, unfinished fit of the same recipe, mostly
            `directory` itself; for learners that write one.
        threads: Numerical threads, the same however many fits run in parallel (law 3). A learner
            that holds out is told how many there are, and decides.
        deadline: When to stop, in seconds of `time.monotonic()`, for learners that go step by step;
            None for no limit.
        fixed: What an earlier fit chose (`Model.chosen`) and this one must take over, for example
            the number of boosting rounds, or a precision; empty when the fit may choose. A learner
            that is given validation rows still stops on them.
        announce: Told how far a fit has got that goes step by step, to show it.
        profiles: Whether to find out where the time of a step goes, for learners that can.
    """

    seed: int = 0
    monitor: Monitor = field(default_factory=Onlooker)
    recorder: Recorder = field(default_factory=Silence)
    directory: Path | None = None
    resume_from: Path | None = None
    threads: int = 1
    deadline: float | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    announce: Announce = silent
    profiles: bool = False

    def chose(self, **choices: Any) -> None:
        """Record at once what the fit chose by measuring, so that it is taken over if it resumes.

        Args:
            choices: As they will be in `Model.chosen`: texts, numbers, booleans.
        """
        told = {f"{CHOSEN}{name}": json.dumps(value) for name, value in choices.items()}
        self.recorder.params(told)


def chosen_in(params: Mapping[str, str]) -> dict[str, Any]:
    """What a fit said it chose, of the params that it recorded.

    >>> chosen_in({"chosen.precision": '"bf16"', "chosen.threads": "2", "epochs": "3"})
    {'precision': 'bf16', 'threads': 2}
    """
    return {
        name.removeprefix(CHOSEN): json.loads(value)
        for name, value in params.items()
        if name.startswith(CHOSEN)
    }


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


@runtime_checkable
class StepwiseLearner(Learner, Protocol):
    """A learner that trains in steps, as networks do: what it may be besides a learner.

    It is fitted by holding out, where `holds_out` says so: once, on the training rows; the
    validation rows stop it, calibrate it and judge it. While it fits it records through
    `FitContext.recorder`, and writes checkpoints into `FitContext.directory`.
    """

    @property
    def holds_out(self) -> bool:
        """Whether validation rows are held out for it; else it is fitted on folds."""
        ...

    def trained_on(self, n_rows: int) -> LoopSettings:
        """How it is trained on so many rows: what is set, and its own defaults."""
        ...

    def with_training(self, given: Mapping[str, Any]) -> Self:
        """The same recipe, trained otherwise.

        Args:
            given: Fields of `LoopSettings` by name; the others stay what they are.
        """
        ...


def holds_out(learner: Learner) -> bool:
    """Whether validation rows are held out for a learner; those who do not say are cross-fitted."""
    return bool(getattr(learner, "holds_out", False))
