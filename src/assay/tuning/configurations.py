"""Configurations: one that is tried, what it predicted fold by fold, and what that took."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.errors import LearnerError
from assay.fitting.jobs import Job, fit
from assay.learners.auto import as_estimator, typical
from assay.learners.candidates import Candidate
from assay.learners.estimators import EstimatorModel
from assay.learners.protocol import FitContext, Learner, Model
from assay.monitor import Answer
from assay.predictions import Predictions
from assay.provenance import masked
from assay.threads import THREADS
from assay.tracking.recorder import Silence

_TIMED_ROWS, _TIMED_TIMES = 1000, 5
_MOST_KEPT = 64 * 2**20
"""Bytes of a fold's model above which it is not kept: large forests."""


@dataclass(frozen=True)
class FoldTask:
    """A configuration to be fitted to all folds but one.

    Attributes:
        learner: The recipe.
        fold: The fold to leave out and predict; None for the fit on all rows.
        folding: How rows are divided.
        seed: Of the folds and the model.
        deterministic: Whether torch must add in the same order each time.
        fixed: What the fit takes over.
        keep: Where the model is kept; None to drop it.
        seconds: When the fit is to stop, from its begin; None for never.
        keeps_what_is_cut: Whether a fit that was stopped counts, with the steps that it made.
    """

    learner: Learner
    fold: int | None
    folding: Folding
    seed: int
    deterministic: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)
    keep: Path | None = None
    seconds: float | None = None
    keeps_what_is_cut: bool = False


@dataclass(frozen=True)
class FoldFit:
    """What one such fit gave.

    Attributes:
        predictions: Of the fold's rows; None if it failed.
        chosen: What it chose.
        seconds: How long it took.
        row_ms: Milliseconds that the prediction of a row takes among many.
        one_row_ms: Milliseconds that the prediction of one row by itself takes.
        warned: What it was warned of.
        cut_at: The round or epoch after which it was stopped; None if it came to its own end.
        failed: Why it has no predictions; else empty.
    """

    predictions: Predictions | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    row_ms: float = 0.0
    one_row_ms: float = 0.0
    warned: tuple[str, ...] = ()
    cut_at: int | None = None
    failed: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether its process was killed."""
        return self.failed.startswith(GONE)

    @property
    def says_something(self) -> bool:
        """Whether it ended by itself, so that the same would come of it another time."""
        return self.failed != LATE and not self.is_lost


BEHIND = "far behind on the first fold"
LATE = "the time was over before it was fitted"
GONE = "its worker is gone"
"""How the reason of a fit begins whose process was killed."""


def fit_fold(development: Part, task: FoldTask) -> FoldFit:
    """Fit a configuration, predict the rows that are left out, and see how long that takes."""
    begun = time.perf_counter()
    until = _Until(task.seconds)
    try:
        fitted = fit(_job(task), development, _context(until))
    except LearnerError as error:
        return FoldFit(seconds=time.perf_counter() - begun, failed=masked(error.what))
    except Exception as error:  # LightGBM has exceptions of its own
        said = masked(f"{type(error).__name__}: {error}")
        return FoldFit(seconds=time.perf_counter() - begun, failed=said)
    took = time.perf_counter() - begun
    if until.stopped_at is not None and not task.keeps_what_is_cut:
        return FoldFit(seconds=took, failed=LATE)
    assert fitted.model is not None
    if task.keep is not None:
        _keep(fitted.model, task.keep)
    row_ms, one_row_ms = _latency(fitted.model, development)
    return FoldFit(
        fitted.predictions, fitted.chosen, took, row_ms, one_row_ms, fitted.warned,
        until.stopped_at,
    )  # fmt: skip


def fit_all(development: Part, task: FoldTask) -> EstimatorModel:
    """The model of a configuration, fitted to all rows."""
    fitted = fit(_job(task), development, _context(_Until(None)))
    assert fitted.model is not None
    return as_estimator(fitted.model)


@dataclass
class Configuration:
    """One configuration and what is known of it.

    Attributes:
        number: Counted from zero, in the order of their beginning.
        candidate: What is tried.
        fits: What it gave, by fold.
        dropped: Why it is no longer gone on with; else empty.
    """

    number: int
    candidate: Candidate
    fits: dict[int, FoldFit] = field(default_factory=dict)
    dropped: str = ""

    def is_complete(self, folds: list[int]) -> bool:
        """Whether all of these folds are fitted."""
        return not self.dropped and all(each in self.fits for each in folds)

    def predictions(self, folds: list[int]) -> Predictions:
        """What it predicted of the rows of these folds."""
        parts = [self.fits[each].predictions for each in folds]
        return Predictions.concatenate([each for each in parts if each is not None])

    def chosen(self, folds: list[int]) -> dict[str, Any]:
        """What the fit on all rows takes over."""
        return typical([self.fits[each].chosen for each in folds])

    def take(self, fold: int, fit: FoldFit) -> None:
        """What the fit without a fold gave."""
        self.fits[fold] = fit
        if fit.cut_at is not None:
            self.cut(fit.cut_at)

    def cut(self, step: int) -> None:
        """Make it one that stops after so many steps by itself, as its first fit was made to."""
        name = "max_epochs" if self.candidate.learner == "perceptron" else "max_rounds"
        options = {**self.candidate.options, name: step}
        self.candidate = self.candidate.model_copy(update={"options": options})

    @property
    def seconds(self) -> float:
        """Time in its fits, summed."""
        return sum(each.seconds for each in self.fits.values())

    @property
    def fold_seconds(self) -> float:
        """Time of a fit, on average."""
        return self.seconds / max(1, len(self.fits))

    @property
    def row_ms(self) -> float:
        """Milliseconds that the prediction of a row takes among many."""
        return float(np.median([each.row_ms for each in self.fits.values()] or [0.0]))

    @property
    def one_row_ms(self) -> float:
        """Milliseconds that the prediction of one row by itself takes."""
        return float(np.median([each.one_row_ms for each in self.fits.values()] or [0.0]))


class _Until:
    """The monitor that stops a fit when its time is over."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.stopped_at: int | None = None

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:  # noqa: ARG002
        if self._end is None or time.monotonic() < self._end:
            return Answer.CONTINUE
        self.stopped_at = step
        return Answer.STOP


def _keep(model: Model, path: Path) -> None:
    packed = pickle.dumps(model)
    if len(packed) <= _MOST_KEPT:
        path.write_bytes(packed)


def _job(task: FoldTask) -> Job:
    return Job(
        task.learner,
        task.fold,
        0,
        task.seed,
        task.folding,
        fixed=task.fixed,
        deterministic=task.deterministic,
    )


def _context(monitor: _Until) -> FitContext:
    return FitContext(monitor=monitor, recorder=Silence(), threads=THREADS)


def _latency(model: Model, development: Part) -> tuple[float, float]:
    """Milliseconds a row among many, and of one by itself."""
    many, one = development.features[:_TIMED_ROWS], development.features[:1]
    begun = time.perf_counter()
    model.predict(many)
    row_ms = (time.perf_counter() - begun) * 1000 / len(many)
    took = []
    for _ in range(_TIMED_TIMES):
        begun = time.perf_counter()
        model.predict(one)
        took.append(time.perf_counter() - begun)
    return row_ms, float(np.median(took)) * 1000
