"""The objective: what one set of settings is worth, out of fold, and how it goes on the way there.

Folds are the same for all trials, so that these differ by their settings alone. A trial is told of
to the study while it goes: within its first fold by round or epoch, then once for every fold. Where
it falls behind it ends, whatever learner it is of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.evaluation.evaluate import outcome_of
from assay.evaluation.metrics import METRICS
from assay.fitting.jobs import Fitted, Job, fit
from assay.learners.protocol import FitContext, Learner, Model
from assay.monitor import Answer
from assay.predictions import Predictions
from assay.threads import THREADS
from assay.tracking.recorder import Silence
from assay.tuning.study import Direction

LATENCY, SIZE = "latency_ms", "size_mib"
"""Objectives that are no metrics: of one row, median of several; of what the fold's model saves."""
COSTS = (LATENCY, SIZE)
FOLD_STEP = 1_000_000
"""The steps of folds come after those of any round or epoch."""
_LATENCY_ROWS = 30
SAFETY = 1.3
"""How much longer than those before it a fit may take."""


class Course(Protocol):
    """How a trial goes, as the study is told of it."""

    def report(self, value: float, step: int) -> bool:
        """A value at a step, in the direction of the objective; whether to go on."""
        ...


class Unwatched:
    """The course of a trial that nobody ends."""

    def report(self, value: float, step: int) -> bool:  # noqa: ARG002
        return True


class PrunedError(Exception):
    """The trial fell behind."""


class OutOfTimeError(Exception):
    """The search was over before the trial was."""


@dataclass(frozen=True)
class Tried:
    """What a trial gave.

    Attributes:
        values: Of each objective.
        predictions: Of every row that was left out.
        by_fold: The first objective in each fold.
        steps: Rounds or epochs in all folds; 0 where the learner has none.
    """

    values: tuple[float, ...]
    predictions: Predictions
    by_fold: tuple[float, ...]
    steps: int


@dataclass(frozen=True)
class Objective:
    """What is searched for, on which rows.

    Attributes:
        development: All rows but test.
        folding: How they are divided, the same for every trial.
        seed: Of the folds and of the models.
        names: Metrics and costs; the first decides.
        deterministic: Whether torch must add in the same order each time.
        by_rounds: Whether the study hears of rounds and epochs; else of folds only.
        cumulated: Whether it hears the mean of the folds so far; else each fold by itself.
    """

    development: Part
    folding: Folding
    seed: int
    names: tuple[str, ...]
    deterministic: bool = True
    by_rounds: bool = True
    cumulated: bool = True

    @property
    def directions(self) -> tuple[Direction, ...]:
        """'maximize' or 'minimize' for each objective."""
        known = METRICS[self.development.schema.task]
        return tuple(
            "maximize" if name in known and known[name].greater_is_better else "minimize"
            for name in self.names
        )

    def __call__(
        self, learner: Learner, course: Course | None = None, deadline: float | None = None
    ) -> Tried:
        """Fit the learner on every fold but one, in turn, and judge what it predicts.

        Args:
            learner: The learner with the settings of the trial.
            course: Told how it goes.
            deadline: When to give up, in seconds of `time.monotonic()`.

        Raises:
            PrunedError: It fell behind.
            OutOfTimeError: The deadline passed; or, of a learner without rounds, the next fold
                would likely end after it.
            LearnerError: The learner could not be fitted.
        """
        listening = course if course is not None else Unwatched()
        parts: list[Predictions] = []
        by_fold: list[float] = []
        costs: list[Mapping[str, float]] = []
        steps = 0
        begun = time.monotonic()
        for fold in range(self.folding.count):
            a_fold = (time.monotonic() - begun) / max(1, fold)
            if deadline is not None and not steps and _is_past(deadline, SAFETY * a_fold):
                raise OutOfTimeError  # nothing would stop the fit in time
            course_of_rounds = listening if fold == 0 and self.by_rounds else Unwatched()
            heard = _Heard(course_of_rounds, self._sign, deadline)
            fitted = self._fit(learner, fold, heard, deadline)
            if heard.pruned:
                raise PrunedError
            if deadline is not None and _is_past(deadline):
                raise OutOfTimeError
            assert fitted.predictions is not None
            assert fitted.model is not None
            parts.append(fitted.predictions)
            costs.append(self._costs(fitted.model))
            first = self.names[0]
            of_metric = first not in COSTS
            by_fold.append(self._of(fitted.predictions, first) if of_metric else costs[-1][first])
            steps += heard.steps
            told = float(np.mean(by_fold)) if self.cumulated else by_fold[-1]
            step = FOLD_STEP + fold if self.by_rounds else fold
            if not listening.report(told, step) and fold + 1 < self.folding.count:
                raise PrunedError
        whole = Predictions.concatenate(parts)
        values = [
            float(np.mean([each[name] for each in costs]))
            if name in COSTS
            else self._of(whole, name)
            for name in self.names
        ]
        return Tried(tuple(values), whole, tuple(by_fold), steps)

    @property
    def _sign(self) -> float:
        """What a loss is multiplied by so that it goes the way of the first objective."""
        return -1.0 if self.directions[0] == "maximize" else 1.0

    def _fit(self, learner: Learner, fold: int, heard: _Heard, deadline: float | None) -> Fitted:
        job = Job(learner, fold, 0, self.seed, self.folding, deterministic=self.deterministic)
        context = FitContext(monitor=heard, recorder=Silence(), threads=THREADS, deadline=deadline)
        return fit(job, self.development, context)

    def _of(self, predictions: Predictions, name: str) -> float:
        """A metric of the rows that were predicted."""
        rows = self.development.rows.searchsorted(predictions.rows)
        part = self.development.take(rows)
        outcome = outcome_of(predictions, part.known_target, part.schema, weights=part.weights)
        return METRICS[part.schema.task][name].of(outcome)

    def _costs(self, model: Model) -> Mapping[str, float]:
        costs: dict[str, float] = {}
        if LATENCY in self.names:
            costs[LATENCY] = _latency_ms(model, self.development)
        if SIZE in self.names:
            costs[SIZE] = _size_mib(model)
        return costs


class _Heard:
    """The monitor of a fit: hands on what it says to the course of its trial, and minds the time.

    Args:
        course: Told of the loss.
        sign: What the loss is multiplied by.
        deadline: When the fit is to end, in seconds of `time.monotonic()`.
    """

    def __init__(self, course: Course, sign: float, deadline: float | None) -> None:
        self._course = course
        self._sign = sign
        self._deadline = deadline
        self.pruned = False
        self.steps = 0

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:
        self.steps = max(self.steps, step)
        if self._deadline is not None and _is_past(self._deadline):
            return Answer.STOP
        loss = metrics.get("validation_loss", metrics.get("loss"))
        if loss is None or not _is_told(step):
            return Answer.CONTINUE
        if not self._course.report(self._sign * loss, step):
            self.pruned = True
            return Answer.PRUNE
        return Answer.CONTINUE


def _is_past(deadline: float, seconds: float = 0.0) -> bool:
    """Whether a deadline has passed, or will have in so many seconds."""
    return time.monotonic() + seconds > deadline


def _is_told(step: int) -> bool:
    """Whether a step is told of: each of the first ten, then ever fewer, ten for each doubling.

    >>> [step for step in range(1, 60) if _is_told(step)]
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56]
    """
    scale = 1
    while step > 10 * scale:
        scale *= 2
    return step % scale == 0


def _latency_ms(model: Model, part: Part) -> float:
    """Milliseconds that the prediction of one row takes, median of several."""
    took = []
    for row in range(min(_LATENCY_ROWS, len(part))):
        features = part.features.iloc[row : row + 1]
        begun = time.perf_counter()
        model.predict(features)
        took.append(time.perf_counter() - begun)
    return float(np.median(took)) * 1000


def _size_mib(model: Model) -> float:
    with TemporaryDirectory() as folder:
        model.save(Path(folder))
        return sum(each.stat().st_size for each in Path(folder).rglob("*")) / 2**20


Make = Callable[[Mapping[str, Any]], Learner]
"""The learner with these settings, by dotted name."""
