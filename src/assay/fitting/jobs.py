"""One fit: the smallest piece of work, a function of its job and the data alone.

It runs in this process or in another, and gives the same bits in both (law 3): its seed, that of
the global generators too, and its number of numerical threads are part of the job.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.errors import LearnerError
from assay.fitting.printing import overheard
from assay.fitting.sharing import stored
from assay.learners.protocol import FitContext, Learner, Model, holds_out
from assay.predictions import Predictions
from assay.provenance import masked
from assay.seeding import seeded
from assay.threads import THREADS, one_numerical_thread
from assay.tracking.recorder import Recorder
from assay.tracking.transcript import Transcript

Around = Callable[[Recorder], AbstractContextManager[None]]
"""Begins and ends something around a fit, and is told the fit's recorder; pickles."""

MOST_SHUFFLED_ROWS = 1000


def alone(recorder: Recorder) -> AbstractContextManager[None]:  # noqa: ARG001
    """Nothing goes on around a fit."""
    return nullcontext()


@dataclass(frozen=True)
class Job:
    """One fit of one learner.

    Attributes:
        learner: The recipe.
        fold: The fold to leave out and predict; None for the fit on all rows.
        repeat: Which repetition of the cross-fitting, from zero.
        seed: Seed of the model, and of the folds of this repetition.
        folding: How the rows are divided into folds.
        baseline: Name of the baseline that is fitted; None for the learner in question.
        shuffles: Whether to predict the left-out rows with each feature shuffled as well.
        together: Features that are shuffled together, as groups.
        fixed: What the fits on folds chose and this one takes over.
        deterministic: Whether torch must add in the same order each time.
        around: What goes on around the fit.
    """

    learner: Learner
    fold: int | None
    repeat: int
    seed: int
    folding: Folding
    baseline: str | None = None
    shuffles: bool = False
    together: tuple[tuple[str, ...], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    deterministic: bool = True
    around: Around = alone

    @property
    def holds_out(self) -> bool:
        """Whether the rows to predict are those to stop on, too."""
        return self.folding.validation is not None and holds_out(self.learner)

    @property
    def called(self) -> str:
        """What to call the fit among those of its learner."""
        if self.folding.validation is not None:
            return "fit" if self.repeat == 0 else f"seed-{self.repeat + 1}"
        if self.fold is None:
            return "all-rows"
        fold = f"fold-{self.fold + 1}"
        return fold if self.repeat == 0 else f"seed-{self.repeat + 1}-{fold}"


@dataclass(frozen=True)
class Fitted:
    """What one fit gave.

    Attributes:
        job: What was asked for.
        chosen: What the fit decided by looking at validation rows.
        predictions: Of the left-out rows; None for the fit on all rows.
        shuffled: Of at most 1,000 left-out rows with one feature, or a group of related ones,
            shuffled, by these features; under none of them the same rows as they are.
        model: The model, for the fit on all rows, and for one that was given a context.
        transcript: What the fit recorded.
        warned: What it was warned of, each once.
        seconds: How long it took.
        printed: What it printed.
        failed: Why a baseline could not be fitted; None if it could.
    """

    job: Job
    chosen: Mapping[str, Any]
    predictions: Predictions | None
    shuffled: Mapping[tuple[str, ...], Predictions]
    model: Model | None
    transcript: Transcript
    warned: tuple[str, ...]
    seconds: float
    printed: str = ""
    failed: str | None = None


def fit_stored(job: Job, path: Path) -> Fitted:
    """Do a job on the data that a file holds."""
    return fit(job, stored(path))


def fit(job: Job, development: Part, given: FitContext | None = None) -> Fitted:
    """Do a job; a baseline that cannot be fitted is no reason to stop.

    Args:
        job: What is to be done.
        development: The data of all jobs.
        given: Where the fit records while it goes, and what else it may use in this process; what
            the job says itself goes before. None to write down what it records.

    Raises:
        LearnerError: The learner could not be fitted.
    """
    started = time.perf_counter()
    transcript = Transcript()
    known = given or FitContext(recorder=transcript, threads=THREADS)
    context = replace(known, seed=job.seed, fixed=dict(job.fixed))
    done: dict[str, Any] = {}
    repeatable = seeded(job.seed, deterministic=job.deterministic)
    with warnings.catch_warnings(record=True) as caught, one_numerical_thread(), repeatable:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            with job.around(context.recorder), overheard() as printed:
                done = _done(job, development, context)
        except LearnerError as error:
            if job.baseline is None:
                raise
            done["failed"] = masked(error.what)
    if given is None and job.fold is not None:
        done.pop("model", None)
    blank: dict[str, Any] = {"chosen": {}, "predictions": None, "shuffled": {}, "model": None}
    return Fitted(
        job=job,
        transcript=transcript,
        warned=tuple(sorted({_first_line(each.message) for each in caught})),
        seconds=time.perf_counter() - started,
        printed=printed.getvalue(),
        **(blank | done),
    )


def _done(job: Job, development: Part, context: FitContext) -> dict[str, Any]:
    """What the fit itself gives."""
    if job.fold is None:
        # What is shared with other workers cannot be written to; an estimator may want to.
        own = replace(development, features=development.features.copy())
        model = job.learner.fit(own, None, context)
        return {"chosen": dict(model.chosen), "model": model}
    folds = job.folding.divide(development, job.seed)
    train = development.take(folds.learns(job.fold))
    left_out = development.take(folds.predicts(job.fold))
    if job.holds_out:
        model = job.learner.fit(train, left_out, context)
    else:
        model = _fit_fold(job, train, context)
    return {
        "chosen": dict(model.chosen),
        "model": model,
        "predictions": replace(model.predict(left_out.features), rows=left_out.rows),
        "shuffled": _shuffled(model, left_out, job) if job.shuffles else {},
    }


def _fit_fold(job: Job, train: Part, context: FitContext) -> Model:
    if not job.learner.validates:
        return job.learner.fit(train, None, context)
    validates = job.folding.held_out(train, job.seed)
    return job.learner.fit(train.take(~validates), train.take(validates), context)


def _shuffled(model: Model, left_out: Part, job: Job) -> dict[tuple[str, ...], Predictions]:
    """Predictions of a sample of left-out rows, plain and with each feature shuffled in turn.

    Features of a group are shuffled alike, so that what they say of each other stays true.
    """
    random = np.random.default_rng([job.seed, job.fold or 0])
    sample = np.sort(random.permutation(len(left_out))[:MOST_SHUFFLED_ROWS])
    rows = left_out.take(sample)
    predicted: dict[tuple[str, ...], Predictions] = {
        (): replace(model.predict(rows.features), rows=rows.rows)
    }
    grouped = {name for group in job.together for name in group}
    alone = [(name,) for name in rows.features.columns if name not in grouped]
    for names in (*alone, *job.together):
        features = rows.features.copy()
        order = random.permutation(len(rows))
        for name in names:
            features[name] = features[name].to_numpy()[order]
        predicted[names] = replace(model.predict(features), rows=rows.rows)
    return predicted


def _first_line(message: Warning | str) -> str:
    lines = masked(str(message)).strip().splitlines()
    return lines[0] if lines else type(message).__name__
