"""Cross-fitting: every development row is predicted by a model that was not fitted on it.

Folds and seeds repeat; what is logged is the first seed's recipe, refitted on all rows. Two runs of
the same data and seed give the same bits, with any number of workers (law 3).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.data.schema import Schema
from assay.fitting.jobs import Around, Fitted, Job, alone
from assay.fitting.pool import runner, workers_for
from assay.learners.protocol import Learner, Model
from assay.predictions import Predictions
from assay.tracking.recorder import Recorder, Status

AUTO_SEEDS = 3
AUTO_SEEDS_CELLS = 2_000_000


@dataclass(frozen=True)
class CrossFit:
    """What cross-fitting gave, or holding out.

    Attributes:
        repetitions: The learner's predictions of every row that a fold predicts, or that was held
            out, with the fold of each, int64, shape (n,); the first repetition is the one that is
            logged.
        baselines: The baselines' predictions of the same rows, first repetition, by name; without
            those that could not be fitted.
        model: The learner fitted on all development rows, or on those that were not held out.
        chosen: What it took over from the folds, or chose.
        shuffled: Held-out predictions with a feature, or a group of related ones, shuffled, by
            these features; under none of them the same rows as they are.
        warned: What learners were warned of, with the number of fits.
        seconds: Time in fits, summed.
    """

    repetitions: Sequence[tuple[Predictions, NDArray[np.int64]]]
    baselines: Mapping[str, Predictions]
    model: Model
    chosen: Mapping[str, Any]
    shuffled: Mapping[tuple[str, ...], Predictions]
    warned: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Which fits are to be made.

    Attributes:
        learner: The learner in question.
        baselines: What it is shown beside.
        folding: How the rows are divided into folds, or held out.
        seed: Seed of the first repetition; the others count on from it.
        repeats: How often the learner is cross-fitted, each time with other folds and seeds; or
            fitted with other seeds, where rows are held out.
        together: Related features, whose importance is measured together.
        deterministic: Whether torch must add in the same order each time.
        around: What goes on around every fit of the learner; all of them are then recorded.
        fixed: What an earlier run chose, and the first fits take over.
    """

    learner: Learner
    baselines: Sequence[Learner]
    folding: Folding
    seed: int
    repeats: int
    together: tuple[tuple[str, ...], ...] = ()
    deterministic: bool = True
    around: Around = alone
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds_out(self) -> bool:
        """Whether rows are held out, instead of dividing all into folds."""
        return self.folding.validation is not None

    @property
    def folds(self) -> int:
        """Number of folds."""
        return self.folding.count

    @property
    def seeds(self) -> range:
        """The seed of each repetition."""
        return range(self.seed, self.seed + self.repeats)

    @property
    def first(self) -> list[Job]:
        """The fits that are logged, and the baselines'."""
        own = [
            self._job(self.learner, fold, shuffles=True, together=self.together, fixed=self.fixed)
            for fold in range(self.folds)
        ]
        return own + self.beside

    @property
    def beside(self) -> list[Job]:
        """The baselines' fits."""
        return [
            self._job(baseline, fold, baseline=baseline.name)
            for baseline in self.baselines
            for fold in range(self.folds)
        ]

    def then(self, fixed: Mapping[str, Any]) -> list[Job]:
        """The fit on all rows, which takes over what the folds chose, and the repetitions.

        Where rows are held out there are the repetitions only, which take over what the first fit
        chose.
        """
        repeated = [
            self._job(self.learner, fold, repeat, fixed=fixed if self.holds_out else {})
            for repeat in range(1, self.repeats)
            for fold in range(self.folds)
        ]
        if self.holds_out:
            return repeated
        return [self._job(self.learner, None, fixed=fixed), *repeated]

    @property
    def n_fits(self) -> int:
        """Fits in all."""
        return len(self.first) + len(self.then({}))

    def _job(self, learner: Learner, fold: int | None, repeat: int = 0, **more: Any) -> Job:
        return Job(
            learner,
            fold,
            repeat,
            self.seed + repeat,
            self.folding,
            deterministic=self.deterministic,
            around=alone if "baseline" in more else self.around,
            **more,
        )


def n_repeats(
    seeds: Literal["auto"] | int, schema: Schema, n_rows: int, *, holds_out: bool = False
) -> int:
    """How often to cross-fit: as set, or by the size of the data, never by time.

    Once, if not set, where rows are held out.
    """
    if seeds != "auto":
        return seeds
    if holds_out:
        return 1
    cells = n_rows * len(schema.features) * max(1, len(schema.classes))
    return AUTO_SEEDS if cells <= AUTO_SEEDS_CELLS else 1


def cross_fit(
    development: Part,
    plan: Plan,
    *,
    recorder: Recorder,
    scratch: Path,
    workers: int | None = None,
    announce: Callable[[Fitted], None] = lambda fitted: None,  # noqa: ARG005
) -> CrossFit:
    """Fit the learner and the baselines on all folds, then the learner on all rows.

    Args:
        development: All rows but test.
        plan: Which fits to make.
        recorder: Gets what the learner's fits record, fold by fold.
        scratch: An empty folder that outlives the call.
        workers: Processes; None to choose by the size of the work.
        announce: Told of every fit that ends.

    Raises:
        LearnerError: The learner or a baseline could not be fitted.
    """
    chosen: list[Mapping[str, Any]] = []

    def follow(fitted: Fitted) -> list[Job]:
        if not _is_first(fitted.job):
            return []
        chosen.append(fitted.chosen)
        return plan.then(_consensus(chosen)) if len(chosen) == plan.folds else []

    fits: list[Fitted] = []
    n_workers = workers_for(plan.n_fits, development.features.size, workers)
    with runner(development, n_workers, scratch) as run:
        for fitted in run(plan.first, follow):
            fits.append(fitted)
            announce(fitted)
    [last] = [each for each in fits if each.job.fold is None]
    fits.remove(last)
    # As they end is not always the same order; what is made of them must be.
    fits.sort(key=lambda each: (each.job.baseline or "", each.job.repeat, each.job.fold))
    _record([*fits, last], recorder)
    return _gathered(development, plan, fits, last)


def _is_first(job: Job) -> bool:
    """Whether the job is one of the learner's in the repetition that is logged."""
    return job.baseline is None and job.repeat == 0 and job.fold is not None


def _consensus(chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median of what the folds chose; of lists, one for each label, that of each label."""
    agreed: dict[str, Any] = {}
    for name, first in chosen[0].items():
        values = [each[name] for each in chosen]
        if isinstance(first, list):
            agreed[name] = [_median(each) for each in zip(*values, strict=True)]
        else:
            agreed[name] = _median(values)
    return agreed


def _median(values: Sequence[float | None]) -> float | None:
    """Of those that were chosen, None if none was; whole numbers stay whole.

    >>> _median([30, None, 20, 10]), _median([None])
    (20, None)
    """
    known = [each for each in values if each is not None]
    if not known:
        return None
    median = statistics.median(known)
    return round(median) if all(isinstance(each, int) for each in known) else median


def _record(fits: Sequence[Fitted], recorder: Recorder) -> None:
    """Hand on what the logged repetition recorded, one child run per fold.

    Where something goes on around the learner's fits, all of them are handed on.
    """
    for each in fits:
        job = each.job
        is_wanted = _is_first(job) or (job.baseline is None and job.around is not alone)
        if is_wanted and not each.transcript.is_empty:
            child = recorder.child(job.called, key=job.called)
            each.transcript.replay(child)
            child.finish(Status.FINISHED)


def _folds_of(development: Part, plan: Plan, repeat: int) -> NDArray[np.int64]:
    """The fold of every row that is predicted in a repetition."""
    folds = plan.folding.divide(development, plan.seed + repeat)
    return folds.number[folds.predicted]


def _gathered(development: Part, plan: Plan, fits: Sequence[Fitted], last: Fitted) -> CrossFit:
    def joined(baseline: str | None, repeat: int) -> Predictions:
        parts = [
            each.predictions
            for each in fits
            if (each.job.baseline, each.job.repeat) == (baseline, repeat)
        ]
        return Predictions.concatenate([part for part in parts if part is not None])

    first = [each for each in fits if _is_first(each.job)]
    failed = {each.job.baseline for each in fits if each.failed is not None}
    assert last.model is not None
    return CrossFit(
        repetitions=[
            (joined(None, repeat), _folds_of(development, plan, repeat))
            for repeat in range(plan.repeats)
        ],
        baselines={
            each.name: joined(each.name, 0) for each in plan.baselines if each.name not in failed
        },
        model=last.model,
        chosen=dict(last.job.fixed),
        shuffled={
            name: Predictions.concatenate([each.shuffled[name] for each in first])
            for name in first[0].shuffled
        },
        warned=Counter(
            f"{each.job.learner.name}: {text}"
            for each in [*fits, last]
            for text in (*each.warned, *filter(None, [each.failed]))
        ),
        seconds=sum(each.seconds for each in [*fits, last]),
    )
