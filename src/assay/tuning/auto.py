"""The learner `auto` within a run: configurations are cross-fitted, an ensemble chosen and fitted.

What the run is judged on are out-of-fold predictions, each fold by weights that other folds chose
(`ensemble`). The model is fitted to all rows (`building`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from assay.data.dataset import Part
from assay.fitting.cross_fit import CrossFit, Plan
from assay.learners.auto import AutoLearner
from assay.learners.portfolio import portfolio
from assay.monitor import Announce, Step
from assay.threads import cores
from assay.tracking.recorder import Recorder
from assay.tuning.budget import Budget
from assay.tuning.building import Building, Built
from assay.tuning.crew import crew
from assay.tuning.endings import Endings
from assay.tuning.kept import Kept
from assay.tuning.leaderboard import TABLE, Ranked
from assay.tuning.scores import Scores
from assay.tuning.trying import Trying


def build(
    development: Part,
    plan: Plan,
    budget: Budget,
    *,
    metric: str,
    scratch: Path,
    announce: Announce,
    kept: Kept | None = None,
    ended: Callable[[Ranked], None] = lambda ranked: None,  # noqa: ARG005
) -> Built:
    """Try configurations, and make an ensemble of them.

    Args:
        development: All rows but test.
        plan: Learner, folds, seed and baselines.
        budget: What may be spent; without trials and time the candidates of the learner are
            fitted, and nothing is searched.
        metric: What the leaderboard shows.
        scratch: An empty folder that outlives the call.
        announce: Told of progress.
        kept: What the same search had come to before it was killed, and comes to now; None to keep
            nothing.
        ended: Told of every configuration that is complete, fell behind or failed.

    Raises:
        LearnerError: No configuration could be fitted.
    """
    assert isinstance(plan.learner, AutoLearner)
    options = plan.learner.options
    searches = budget.trials is not None or budget.until is not None
    first = plan.learner.candidates(development)
    if searches and not options.candidates:
        first = portfolio(development)
    if not searches:
        budget = replace(budget, trials=len(first))
    models = scratch / "models"
    models.mkdir()
    trying = Trying(development, plan, budget, first, options.members, options.folds, models, kept)
    scores = Scores(development, metric)
    endings = Endings(trying, scores, ended)

    def tell() -> None:
        endings.tell()
        _tell(trying, budget, announce)

    with crew(development, budget.workers, scratch) as workers:
        trying.run(workers, tell)
        endings.tell()
        building = Building(development, plan, trying.budget, scores, trying, options.members)
        built = building.built(workers, announce)
        if budget.until is not None:
            workers.let_go()  # from fits that were given up
        return built


def ensembled(
    built: Built | None,
    development: Part,
    plan: Plan,
    metric: str,
    *,
    workers: int | None,
    recorder: Recorder,
    scratch: Path,
    announce: Announce,
) -> CrossFit:
    """What a run of `auto` is made of: as a search has built it, or of the candidates that are set.

    Args:
        built: By a search; None to build it now.
        development: All rows but test.
        plan: Learner, folds, seed and baselines.
        metric: What the leaderboard shows.
        workers: Parallel fits; by the cores when None.
        recorder: Gets the leaderboard.
        scratch: An empty folder that outlives the call.
        announce: Told of progress.

    Raises:
        LearnerError: No configuration could be fitted.
    """
    if built is None:
        budget = Budget(workers=workers or cores())
        built = build(development, plan, budget, metric=metric, scratch=scratch, announce=announce)
    recorder.table(TABLE, built.leaderboard.table)
    return built.fitted


def _tell(trying: Trying, budget: Budget, announce: Announce) -> None:
    n_fits = sum(len(each.fits) for each in trying.configurations)
    detail = f"{len(trying.complete)} of {len(trying.configurations)} complete, {n_fits} fits"
    done = len(trying.complete) if budget.trials else 0
    announce(Step("Trying configurations", done, budget.trials or 0, detail=detail))
