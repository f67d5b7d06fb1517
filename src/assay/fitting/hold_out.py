"""Holding out: the learner is fitted once on the training rows, and judged on the validation rows.

For what takes long and trains in steps, as networks do. The fit goes on in this process and records
while it goes (law 4); it stops on the validation rows, and the model that is logged is that very
one. The baselines are fitted on the same training rows, so that all are compared in pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.data.dataset import Part
from assay.fitting.cross_fit import CrossFit, Plan
from assay.fitting.jobs import Fitted, Job, fit
from assay.fitting.pool import runner, workers_for
from assay.learners.protocol import FitContext
from assay.monitor import Announce, Step, silent
from assay.threads import cores
from assay.tracking.keeping import kept
from assay.tracking.recorder import Recorder


@dataclass(frozen=True)
class Surroundings:
    """What a fit that goes on in this process may use.

    Attributes:
        announce: Told how far it has got.
        checkpoints: Where each fit has a folder for its checkpoints; None to write none.
        resumes: Whether an earlier process may have left some there.
        profiles: Whether to find out where the time of a step goes.
    """

    announce: Announce = silent
    checkpoints: Path | None = None
    resumes: bool = False
    profiles: bool = False

    def of(self, job: Job, recorder: Recorder) -> FitContext:
        """The context of one fit."""
        folder = self.checkpoints / job.called if self.checkpoints is not None else None
        left = self.resumes and folder is not None and folder.is_dir() and any(folder.iterdir())
        if self.resumes and not left:
            said = f"No checkpoint of {job.learner.name} ({job.called}) was left: it starts anew."
            self.announce(Step(said, lasting=True))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FitContext(
            recorder=recorder,
            directory=folder,
            resume_from=folder if left else None,
            threads=cores(),
            announce=self.announce,
            profiles=self.profiles,
        )


def hold_out(
    development: Part,
    plan: Plan,
    *,
    n_crossings: int,
    recorder: Recorder,
    scratch: Path,
    surroundings: Surroundings,
    workers: int | None = None,
    announce: Callable[[Fitted], None] = lambda fitted: None,  # noqa: ARG005
) -> CrossFit:
    """Fit the baselines, then the learner, on the rows that are not held out.

    Args:
        development: All rows but test.
        plan: Which fits to make.
        n_crossings: Folds of the validation rows, each of which is calibrated by the others.
        recorder: Gets what the learner's fits record, while they go, as children.
        scratch: An empty folder that outlives the call.
        surroundings: What the fits may use.
        workers: Processes for the baselines; None to choose by the size of the work.
        announce: Told of every fit that ends.

    Raises:
        LearnerError: The learner could not be fitted.
    """
    beside: list[Fitted] = []
    n_workers = workers_for(len(plan.beside), development.features.size, workers)
    with runner(development, n_workers, scratch) as run:
        for fitted in run(plan.beside, lambda fitted: []):  # noqa: ARG005
            beside.append(fitted)
            announce(fitted)
    own = []
    for fitted in _live(development, plan, recorder, surroundings):
        own.append(fitted)
        announce(fitted)
    return _gathered(development, plan, own, beside, n_crossings)


def _live(
    development: Part, plan: Plan, recorder: Recorder, surroundings: Surroundings
) -> Iterator[Fitted]:
    """The learner's fits, one after the other."""
    [first] = [job for job in plan.first if job.baseline is None]
    fitted = _recorded(first, development, recorder, surroundings)
    yield fitted
    for job in plan.then(fitted.chosen):
        yield _recorded(job, development, recorder, surroundings)


def _recorded(
    job: Job, development: Part, recorder: Recorder, surroundings: Surroundings
) -> Fitted:
    """One fit, in a run inside the run; the same one if an earlier process began it."""
    with kept(recorder.child(job.called, key=job.called)) as child:
        return fit(job, development, surroundings.of(job, child))


def _gathered(
    development: Part, plan: Plan, own: list[Fitted], beside: list[Fitted], n_crossings: int
) -> CrossFit:
    validation = development.take(plan.folding.divide(development, plan.seed).predicted)
    crossing = plan.folding.crossing(validation, n_crossings)
    first = own[0]
    assert first.model is not None
    predicted = {each.job.learner.name: each.predictions for each in beside}
    return CrossFit(
        repetitions=[(each.predictions, crossing) for each in own if each.predictions is not None],
        baselines={name: each for name, each in predicted.items() if each is not None},
        model=first.model,
        chosen=first.chosen,
        shuffled=first.shuffled,
        warned=Counter(
            f"{each.job.learner.name}: {text}"
            for each in [*own, *beside]
            for text in (*each.warned, *filter(None, [each.failed]))
        ),
        seconds=sum(each.seconds for each in [*own, *beside]),
    )
