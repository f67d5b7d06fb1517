"""Building: of configurations that were tried, the ensemble, its models and its leaderboard.

Members are fitted to all rows by what the folds chose. Where time is over, those that are not are
models of a fold instead.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.errors import LearnerError
from assay.fitting.cross_fit import CrossFit, Plan
from assay.fitting.jobs import Job, fit
from assay.learners.auto import as_estimator, told
from assay.learners.candidates import Candidate
from assay.learners.ensemble import Member, combined
from assay.learners.estimators import EstimatorModel
from assay.learners.linear import BuildLinear
from assay.learners.protocol import Learner
from assay.monitor import Announce, Step
from assay.predictions import Predictions
from assay.tuning.budget import Budget
from assay.tuning.configurations import Configuration, FoldTask, fit_all, fit_fold
from assay.tuning.crew import Crew, given
from assay.tuning.ensemble import Chosen, choose, quick_enough
from assay.tuning.importance import ShuffleTask, shuffled_fold
from assay.tuning.leaderboard import Leaderboard, Ranked
from assay.tuning.scores import Scores
from assay.tuning.trying import Trying

_GRACE_S = 2.0
"""Seconds that fits to all rows may take beyond the time."""


@dataclass(frozen=True)
class Built:
    """A fitted ensemble and how it came about.

    Attributes:
        fitted: As cross-fitting gives it.
        leaderboard: What was tried.
        candidates: Those that took part in the choice, in the order in which they were tried:
            with these alone the learner comes to the same ensemble.
        n_folds: How many folds were fitted.
        flattered: The metric of the ensemble by the weights that these very rows chose.
    """

    fitted: CrossFit
    leaderboard: Leaderboard
    candidates: tuple[Candidate, ...]
    n_folds: int
    flattered: float


class Building:
    """The ensemble of what was tried."""

    def __init__(
        self,
        development: Part,
        plan: Plan,
        budget: Budget,
        scores: Scores,
        trying: Trying,
        most: int,
    ) -> None:
        self.development, self.plan, self.budget = development, plan, budget
        self.scores, self.trying, self.most = scores, trying, most
        self.folds = trying.folds
        self.complete = trying.complete
        if not self.complete:
            raise _nothing(trying.configurations)
        predicted = [each.predictions(self.folds) for each in self.complete]
        self.part = development.take(development.rows.searchsorted(predicted[0].rows))
        self.numbers = self._numbers()
        if budget.latency_ms is not None:
            latencies = np.array([each.one_row_ms for each in self.complete])
            stay = quick_enough(predicted, self.part, latencies, budget.latency_ms, most)
            self.complete = [self.complete[each] for each in stay]
            predicted = [predicted[each] for each in stay]
        self.predicted = predicted

    def built(self, workers: Crew, announce: Announce) -> Built:
        chosen = choose(
            self.predicted, self.part, self.numbers, most=self.most,
            ordered=self.plan.folding.is_forward,
        )  # fmt: skip
        members = [
            (each, float(weight))
            for each, weight in zip(self.complete, chosen.weights, strict=True)
            if weight
        ]
        announce(Step(f"Fitting {len(members)} models to all rows"))
        self._refit_folds(members, workers)
        refits = self._refits(members, workers)
        shuffles = [workers.submit(shuffled_fold, each) for each in self._shuffles(members)]
        self._wait([*refits, *shuffles], workers)
        candidates = [each.candidate for each in self.complete]
        model = self._combined(members, refits)
        shuffled = [each for each in map(given, shuffles) if each is not None]
        return Built(
            fitted=CrossFit(
                repetitions=[(chosen.predictions, self.numbers)],
                baselines=self._baselines(),
                model=model,
                chosen=dict(model.chosen),
                shuffled=_together(shuffled, chosen.predictions),
                warned=self._warned(),
                seconds=sum(each.seconds for each in self.trying.configurations),
            ),
            leaderboard=self._leaderboard(chosen),
            candidates=tuple(
                each for each, was in zip(candidates, chosen.touched, strict=True) if was
            ),
            n_folds=len(self.folds),
            flattered=self.scores.of(chosen.flattered),
        )

    def _numbers(self) -> NDArray[np.int64]:
        """The fold of each row that is predicted; of one fold alone, folds within it."""
        if len(self.folds) == 1:
            return self.plan.folding.crossing(self.part, self.plan.folds)
        folds = self.plan.folding.divide(self.development, self.plan.seed).number
        return folds[self.development.rows.searchsorted(self.part.rows)]

    def _refit_folds(self, members: Sequence[tuple[Configuration, float]], workers: Crew) -> None:
        """Make models of folds again whose fit is of a process that was killed.

        They come out as they were. With a budget in seconds there is no time for it.
        """
        if self.budget.until is None:
            lost = [
                workers.submit(fit_fold, partial(self.trying.task, each, fold))
                for each, _ in members
                for fold in self.folds
                if (each.number, fold) in self.trying.restored
            ]
            workers.all_of(lost)
            for each in lost:
                given(each)

    def _refits(
        self, members: Sequence[tuple[Configuration, float]], workers: Crew
    ) -> list[Future[EstimatorModel]]:
        """Fits to all rows, the longest first."""
        plan = self.plan
        futures: dict[int, Future[EstimatorModel]] = {}
        for each, _ in sorted(members, key=lambda pair: -pair[0].fold_seconds):
            make = partial(
                FoldTask, each.candidate.recipe, None, plan.folding, plan.seed,
                deterministic=plan.deterministic, fixed=each.chosen(self.folds),
            )  # fmt: skip
            futures[each.number] = workers.submit(fit_all, make)
        return [futures[each.number] for each, _ in members]

    def _shuffles(
        self, members: Sequence[tuple[Configuration, float]]
    ) -> list[Callable[[], ShuffleTask]]:
        plan = self.plan
        return [
            partial(
                ShuffleTask, fold,
                tuple((self.trying.model_of(each, fold), weight) for each, weight in members),
                plan.folding, plan.seed, plan.together, len(self.folds),
            )
            for fold in self.folds
        ]  # fmt: skip

    def _wait(self, futures: Sequence[Future[Any]], workers: Crew) -> None:
        """Until all is done, or the time is over."""
        until = self.budget.until
        left = None if until is None else max(0.0, until - time.monotonic()) + _GRACE_S
        if not workers.all_of(futures, left):
            workers.let_go()

    def _combined(
        self,
        members: Sequence[tuple[Configuration, float]],
        refits: Sequence[Future[EstimatorModel]],
    ) -> EstimatorModel:
        """The members fitted to all rows; where one is not, its model of a fold."""
        fitted: list[Member] = []
        for (each, weight), future in zip(members, refits, strict=True):
            of_all = given(future, of=each.candidate.told)
            model = self._of_fold(each) if of_all is None else of_all
            if model is not None:
                fitted.append(Member(each.candidate, model, weight, is_of_fold=of_all is None))
        if not fitted:
            raise LearnerError(
                "The time was over before a model was fitted to all rows.",
                where="tuning.seconds",
                mend="give it more time",
            )
        total = sum(each.weight for each in fitted)
        whole = [replace(each, weight=each.weight / total) for each in fitted]
        return combined(whole, {"members": told(whole)})

    def _of_fold(self, configuration: Configuration) -> EstimatorModel | None:
        """The model of a fold, if it was kept and knows all classes that there are."""
        path = self.trying.model_of(configuration, self.folds[0])
        if not path.exists():
            return None
        model = as_estimator(pickle.loads(path.read_bytes()))
        if not model.classes:
            return model
        knows_all = {*model.estimator.classes_} == {*self.development.known_target}
        return model if knows_all else None

    def _baselines(self) -> dict[str, Predictions]:
        found = {}
        for each in self.plan.baselines:
            known = self._known(each)
            if known is not None:
                found[each.name] = known
            elif not _is_linear(each):
                found[each.name] = self._cross_fitted(each)
        return found

    def _known(self, baseline: Learner) -> Predictions | None:
        """What a baseline predicted, if it was among what was tried."""
        for each in self.trying.complete:
            if each.candidate.recipe == baseline:
                return each.predictions(self.folds)
        return None

    def _cross_fitted(self, baseline: Learner) -> Predictions:
        plan = self.plan
        fits = [
            fit(Job(baseline, fold, 0, plan.seed, plan.folding), self.development).predictions
            for fold in self.folds
        ]
        return Predictions.concatenate([each for each in fits if each is not None])

    def _warned(self) -> Mapping[str, int]:
        return Counter(
            f"{each.candidate.learner}: {text}"
            for each in self.trying.configurations
            for fold in each.fits.values()
            for text in fold.warned
        )

    def _leaderboard(self, chosen: Chosen) -> Leaderboard:
        weights = {
            each.number: float(weight)
            for each, weight in zip(self.complete, chosen.weights, strict=True)
        }
        scored = {each.number for each in self.trying.complete}
        rows = [
            Ranked(
                each.number, each.candidate,
                self.scores.of_configuration(each, self.folds) if each.number in scored else None,
                each.seconds, each.row_ms, weights.get(each.number, 0.0),
                each.dropped or _too_slow(each.number in weights),
            )
            for each in self.trying.configurations
        ]  # fmt: skip
        metric = self.scores.metric
        return Leaderboard.of(
            metric.name, rows, self.scores.of(chosen.predictions),
            greater_is_better=metric.greater_is_better,
        )  # fmt: skip


def _too_slow(stays: bool) -> str:
    return "" if stays else "too slow for tuning.latency_ms"


def _is_linear(learner: Learner) -> bool:
    return isinstance(getattr(learner, "build", None), BuildLinear)


def _together(
    parts: Sequence[Mapping[tuple[str, ...], Predictions]], predictions: Predictions
) -> dict[tuple[str, ...], Predictions]:
    """Shuffled predictions of all folds; the plain ones alone where there was no time for them."""
    if not parts or any(not part for part in parts):
        return {(): predictions}
    return {names: Predictions.concatenate([part[names] for part in parts]) for names in parts[0]}


def _nothing(tried: Sequence[Configuration]) -> LearnerError:
    reasons = sorted({each.dropped for each in tried if each.dropped})
    return LearnerError(
        f"None of {len(tried)} configurations could be fitted.",
        where="\n".join(reasons[:3]),
        mend="mend the data as they say, or give it more time (tuning.seconds)",
    )
