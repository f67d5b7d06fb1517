"""Rehearsal: what a training would do and take, before it is done; nothing is kept.

The time is that of a few fits on a sample of rows, counted up: a guess, and said to be one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psutil

from assay import steps
from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.experiment.asking import Asked
from assay.fitting.jobs import Job, fit
from assay.fitting.pool import workers_for
from assay.learners.protocol import FitContext, Learner, holds_out
from assay.monitor import Step
from assay.threads import cores

SAMPLE_ROWS = 4000
_TRIAL_S = 10.0
_HOLDS = 4
"""Copies of the features that a fit holds at its peak: parted, encoded, binned, shared."""


@dataclass(frozen=True)
class Rehearsal:
    """What a training is going to be.

    Attributes:
        name: What the run will be called, if the name is still free.
        task: What is predicted.
        rows: Rows of the source, by part.
        features: Number of features.
        split: How the test is made.
        fits: Number of fits, by learner.
        workers: Fits at the same time.
        seconds: About how long the fits take.
        memory_mib: About how much memory they take.
    """

    name: str
    task: str
    rows: Mapping[str, int]
    features: int
    split: str
    fits: Mapping[str, int]
    workers: int
    seconds: float
    memory_mib: float

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "rows": dict(self.rows), "fits": dict(self.fits)}


def rehearse(asked: Asked, workers: int | None = None) -> Rehearsal:
    """Read and part the table as training would, and try each learner on a sample of the rows.

    Args:
        asked: What is asked for.
        workers: Fits at the same time; as training would choose when None.

    Raises:
        InputError: What is asked for cannot be done.
    """
    ready = steps.made_ready(asked)
    plan, development = ready.plan, ready.data.development
    sample = _sample(development)
    own = len([job for job in [*plan.first, *plan.then({})] if job.baseline is None])
    fits = {plan.learner.name: own, **{each.name: plan.folds for each in plan.baselines}}
    learners = [plan.learner, *plan.baselines]
    growth = len(development) / len(sample)
    seconds = sum(_seconds(each, sample) * growth * fits[each.name] for each in learners)
    cells = development.features.size
    n_workers = workers_for(plan.n_fits, cells, workers)
    own_mib = psutil.Process().memory_info().rss / 2**20
    return Rehearsal(
        name=ready.name,
        task=ready.data.schema.task.value,
        rows=ready.data.n_rows,
        features=len(ready.data.schema.features),
        split=ready.data.split.how,
        fits=fits,
        workers=n_workers,
        seconds=seconds / n_workers,
        memory_mib=own_mib + n_workers * _HOLDS * cells * 8 / 2**20,
    )


def _sample(development: Part) -> Part:
    """Some rows, in their order; all of them if there are few."""
    if len(development) <= SAMPLE_ROWS:
        return development
    chosen = np.random.default_rng(0).permutation(len(development))[:SAMPLE_ROWS]
    return development.take(np.sort(chosen))


def _seconds(learner: Learner, sample: Part) -> float:
    """How long one fit on the sample takes, with the prediction of its fold.

    One that goes step by step is stopped after a while, and counted up by its steps.
    """
    alone = replace(sample, groups=None, times=None)
    apart = holds_out(learner)
    folding = Folding("random", 1, validation=0.2) if apart else Folding("random", 5)
    heard = [Step("", 1, 1)]

    def hear(step: Step) -> None:
        if step.total and step.done:
            heard.append(step)

    deadline = time.monotonic() + _TRIAL_S
    context = FitContext(threads=cores(), announce=hear, deadline=deadline)
    job = Job(learner, 0, 0, 0, folding, baseline=learner.name)
    started = time.perf_counter()
    fit(job, alone, context if apart else None)
    took = time.perf_counter() - started
    return took * heard[-1].total / heard[-1].done
