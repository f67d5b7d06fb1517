"""Trying: one configuration after the other, on as many folds as there is time for.

The portfolio goes first, then what Optuna proposes. With a budget in seconds a configuration is
begun only if it, and the fits on all rows that come after all, can be expected to be done in time;
one that is hopeless on its first fold is not fitted to others. With a budget in trials nothing goes
by the clock, and what comes out depends on the seed alone, whatever the number of workers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from assay.data.dataset import Part
from assay.fitting.cross_fit import Plan
from assay.learners.candidates import STEPWISE, Candidate, fewest_rows_leaf
from assay.learners.logarithm import is_skewed
from assay.provenance import masked
from assay.tuning.agenda import Agenda
from assay.tuning.budget import Budget
from assay.tuning.configurations import (
    BEHIND,
    GONE,
    LATE,
    Configuration,
    FoldFit,
    FoldTask,
    fit_fold,
)
from assay.tuning.crew import MOST_LOSSES, Crew, LostError
from assay.tuning.judging import Judging
from assay.tuning.kept import Ended, Kept
from assay.tuning.pace import affordable_folds, expected_seconds, tells_the_pace
from assay.tuning.proposals import Proposals

_OF_FIRST = 0.3
"""Share of the time after which the very first fits are stopped, and taken as they are."""
_AT_A_TIME = 4
"""Proposals that are made before their results are heard, with a budget in trials."""
_TO_BUILD = 2.0
"""What a search that goes on after its time has at least, in times of what its last fits take."""


class Trying:
    """Tries configurations.

    Args:
        development: All rows but test.
        plan: Folds and seed.
        budget: What may be spent.
        first: What is tried first, in this order.
        most_members: Of the ensemble.
        n_folds: Folds to fit; None to go by the time.
        models: A folder in which the models of folds are kept.
        kept: What was decided and fitted before, and from now on; None to keep nothing.

    Attributes:
        budget: What may be spent, in all; where the time is over, enough to build.
        configurations: What was begun, by number.
        restored: Number and fold of the fits that another process did, which left no models.
    """

    def __init__(
        self,
        development: Part,
        plan: Plan,
        budget: Budget,
        first: list[Candidate],
        most_members: int,
        n_folds: int | None,
        models: Path,
        kept: Kept | None = None,
    ) -> None:
        self._development, self._plan, self.budget = development, plan, budget
        self._models, self._kept = models, kept
        self._begun = time.monotonic() - (kept.spent if kept is not None else 0.0)
        self._n_folds = n_folds
        if n_folds is None and budget.until is None:
            self._n_folds = plan.folds
        self.configurations: list[Configuration] = []
        self.restored: set[tuple[int, int]] = set()
        self._waiting: set[tuple[int, int]] = set()
        self._running: dict[Future[FoldFit], tuple[Configuration, int]] = {}
        target = development.known_target
        numbers = not development.schema.task.is_classification
        proposals = Proposals(
            plan.seed,
            logarithms=numbers and is_skewed(target),
            rows_leaf=fewest_rows_leaf(development),
        )
        at_a_time = 1 if self._by_clock else _AT_A_TIME
        self._agenda = Agenda(first, proposals, at_a_time, kept)
        self._judging = Judging(development, most_members, plan.folds, budget.workers)
        self._is_over = False
        if kept is not None:
            self._restore(kept)

    @property
    def folds(self) -> list[int]:
        """The folds that are fitted: the last ones where they go forward in time."""
        n = self._n_folds if self._n_folds is not None else 1
        return self._order[:n]

    @property
    def complete(self) -> list[Configuration]:
        """Those whose folds are all fitted."""
        return [each for each in self.configurations if each.is_complete(self.folds)]

    def is_done(self, configuration: Configuration) -> bool:
        """Whether it has come to its end: complete, once it is known of how many folds, or not."""
        settled = self._n_folds is not None and configuration.is_complete(self.folds)
        return bool(configuration.dropped) or settled

    def run(self, workers: Crew, tell: Callable[[], None]) -> None:
        """Try until the budget is spent.

        Args:
            workers: Who fits.
            tell: Told of every configuration that is complete or dropped.
        """
        while True:
            while len(self._running) < workers.size and (task := self._next_task()):
                self._submit(workers, *task)
            if not self._running:
                break
            done = workers.first_of(self._running, self._left_to_wait())
            for future in sorted(done, key=lambda each: self._running[each][0].number):
                self._take(*self._running.pop(future), _result(future))
                tell()
            if not done and self.complete:
                self._end(workers)
                break
        self._settle()

    def _end(self, workers: Crew) -> None:
        """Leave fits that stop by themselves to do so; if there are others, let the workers go."""
        for future in self._running:
            future.cancel()  # what it gives comes too late, and it is not done again
        running = [each.candidate.learner for each, _ in self._running.values()]
        if not {*running} <= {*STEPWISE}:
            workers.let_go()
        self._running = {}

    def task(self, configuration: Configuration, fold: int) -> FoldTask:
        """The fit of a configuration to all folds but one, which takes as long as it takes."""
        plan = self._plan
        return FoldTask(
            configuration.candidate.recipe, fold, plan.folding, plan.seed,
            deterministic=plan.deterministic, keep=self.model_of(configuration, fold),
        )  # fmt: skip

    def model_of(self, configuration: Configuration, fold: int) -> Path:
        """Where the model of a fold is kept."""
        return self._models / f"{configuration.number}-{fold}.pickle"

    @property
    def _order(self) -> list[int]:
        folds = list(range(self._plan.folds))
        return folds[::-1] if self._plan.folding.is_forward else folds

    @property
    def _by_clock(self) -> bool:
        return self.budget.until is not None

    def _left(self) -> float:
        """Seconds until the fits to all rows have to begin."""
        assert self.budget.until is not None
        return self.budget.until - time.monotonic() - self._reserve()

    def _left_to_wait(self) -> float | None:
        if not self._by_clock or not self.complete or self._awaits_first:
            return None
        return max(0.0, self._left())

    @property
    def _awaits_first(self) -> bool:
        """Whether the very first fit, which is stopped in time and then counts, is still going."""
        first = self.configurations[0]
        return not first.fits and first.candidate.learner in STEPWISE

    def _next_task(self) -> tuple[Configuration, int] | None:
        """A configuration and the fold to leave out; None if there is nothing to do for now."""
        if self._is_over:
            return None
        missing = self._next_fold()
        if missing is not None:
            return missing
        n = len(self.configurations)
        if self.budget.trials is not None and n >= self.budget.trials:
            return None
        # In trials, all results of a group are heard at once: workers make no difference.
        waits = bool(self._running) and not self._by_clock
        candidate = self._agenda.next(n, self._has_time_for, waits=waits)
        if candidate is None:
            return None
        self.configurations.append(Configuration(n, candidate))
        return self.configurations[-1], self._order[0]

    def _next_fold(self) -> tuple[Configuration, int] | None:
        """A fold that is missing of a configuration that is begun, the earliest first."""
        if self._by_clock and self.complete and self._left() <= 0:
            return None
        for each in self.configurations:
            for fold in [] if each.dropped or self._would_overrun(each) else self.folds:
                if fold not in each.fits and (each.number, fold) not in self._waiting:
                    return each, fold
                if self._n_folds is None or (self._by_clock and self._order[0] not in each.fits):
                    break  # the first fold says whether others are worth it
        return None

    def _would_overrun(self, configuration: Configuration) -> bool:
        """Whether its next fit, which nothing stops, would likely take more time than is left."""
        is_stopped = configuration.candidate.learner in STEPWISE
        if is_stopped or not self._by_clock or not self.complete:
            return False
        tried = [configuration] if configuration.fits else self.configurations
        return expected_seconds(tried, configuration.candidate) > self._left()

    def _has_time_for(self, candidate: Candidate | None) -> bool:
        if not self._by_clock or not self.complete:
            return not self._by_clock or self._left() > 0 or not self.configurations
        folds = len(self.folds)
        a_fold = expected_seconds(self.configurations, candidate)
        return a_fold * max(1.0, folds / self.budget.workers) < self._left()

    def _submit(self, workers: Crew, configuration: Configuration, fold: int) -> None:
        self._waiting.add((configuration.number, fold))
        future = workers.submit(fit_fold, partial(self._limited, configuration, fold))
        self._running[future] = (configuration, fold)

    def _limited(self, configuration: Configuration, fold: int) -> FoldTask:
        """The fit as it is begun now: by the clock it has to stop in time."""
        limit = None
        if self._by_clock:
            assert self.budget.until is not None
            whole = self.budget.until - self._begun
            limit = max(self._left(), 0.2) if self.complete else _OF_FIRST * whole
        counts = not self.complete and fold == self._order[0]
        return replace(self.task(configuration, fold), seconds=limit, keeps_what_is_cut=counts)

    def _take(self, configuration: Configuration, fold: int, fit: FoldFit) -> None:
        place = configuration.number, fold
        self._waiting.discard(place)
        configuration.take(fold, fit)
        if fit.failed:
            configuration.dropped = fit.failed
        elif self._n_folds is None and tells_the_pace(configuration, self.configurations):
            assert self.budget.until is not None
            left = (self.budget.until - time.monotonic()) * self.budget.workers
            self._n_folds = affordable_folds(fit.seconds, left, self._plan.folds)
        is_first = self._by_clock and len(configuration.fits) == 1 and len(self.folds) > 1
        if is_first and self._judging.falls_behind(configuration, self.configurations, fold):
            configuration.dropped = BEHIND
        is_scored = self.is_done(configuration) and not configuration.dropped
        loss = self._judging.loss(configuration, self.folds) if is_scored else None
        ended = Ended(*place, fit, configuration.dropped, self._n_folds, loss)
        self._hear(ended)
        if self._kept is not None and fit.says_something:
            self._kept.keep(ended)

    def _hear(self, ended: Ended) -> None:
        if ended.dropped or ended.loss is not None:
            self._agenda.hear(ended.number, ended.loss)

    def _restore(self, kept: Kept) -> None:
        """Be where the search was that kept this; with the time over, have enough to build."""
        classes = self._development.schema.class_array
        self.configurations, fits = kept.begun(classes, self.budget.trials)
        for each in fits:
            self.restored.add((each.number, each.fold))
            self._n_folds = each.n_folds if each.n_folds is not None else self._n_folds
            self._hear(each)
        self._agenda.restore(kept.decisions(), len(self.configurations))
        if self._by_clock and self.complete and self._left() <= 0:
            self._is_over = True
            self.budget = replace(self.budget, until=time.monotonic() + _TO_BUILD * self._reserve())

    def _reserve(self) -> float:
        """Seconds to leave for the fits of the members to all rows."""
        complete = self.complete
        if not complete:
            known = [each.fold_seconds for each in self.configurations if each.fits]
            return 2 * max(known, default=0.0)
        return self._judging.reserve(complete, self.folds)

    def _settle(self) -> None:
        """Mark what came too late; with nothing complete, make do with fewer folds."""
        if self._n_folds is None or not self.complete:
            covered = [len(each.fits) for each in self.configurations if not each.dropped]
            self._n_folds = max(1, max(covered, default=1))
        for each in self.configurations:
            if not each.dropped and not each.is_complete(self.folds):
                each.dropped = LATE


def _result(future: Future[FoldFit]) -> FoldFit:
    """What a fit gave, or why it gave nothing."""
    try:
        return future.result()
    except LostError:
        return FoldFit(failed=f"{GONE}, {MOST_LOSSES} times while it was alone: is memory short?")
    except Exception as error:  # of keeping the model, or of having it predict once more
        return FoldFit(failed=masked(f"{type(error).__name__}: {error}"))
