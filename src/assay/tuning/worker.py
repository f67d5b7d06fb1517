"""The worker: takes one trial after the other, until there are enough or the time is over.

Any number of them, in this process or in others, on this machine or on others, work on one study. A
trial that fails keeps its reason, and the search goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.provenance import masked
from assay.tuning.methods import Methods
from assay.tuning.objective import SAFETY, Make, Objective, OutOfTimeError, PrunedError
from assay.tuning.shelf import shelf_of
from assay.tuning.space import Space
from assay.tuning.study import REASON, SETTINGS, Study, StudyPlace

if TYPE_CHECKING:
    import optuna

SECONDS, BY_FOLD, STEPS = "seconds", "by fold", "steps"
"""What is told of a trial besides what Optuna keeps."""
OUT_OF_TIME = "the search was over before it was"


@dataclass(frozen=True)
class Search:
    """What is searched, how, and for how long.

    Attributes:
        place: Where the study is.
        about: What it is about.
        space: What varies.
        fixed: What the experiment sets, by dotted name, for conditions.
        methods: How to search.
        most: Trials; None for no limit.
        until: When to stop, in seconds of `time.time()`; None for no limit.
        patience: Trials in a row without a better one after which to stop; None for no limit.
    """

    place: StudyPlace
    about: Mapping[str, str]
    space: Space
    fixed: Mapping[str, Any]
    methods: Methods
    most: int | None = None
    until: float | None = None
    patience: int | None = None

    def study(self, objective: Objective) -> Study:
        """The study, opened by this process.

        Raises:
            InputError: It is about something else, or cannot be reached.
        """
        directions = objective.directions
        return Study(
            self.place,
            directions,
            self.about,
            self.methods.sampler_of,
            self.methods.pruner_of(directions),
        )

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.is_over_for(0)

    def is_over_for(self, seconds: float) -> bool:
        """Whether the time has been up for so long."""
        return self.until is not None and time.time() >= self.until + seconds


def work(
    search: Search,
    objective: Objective,
    make: Make,
    study: Study,
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Try settings until there are enough trials, or time or patience are over.

    Args:
        search: What is searched.
        objective: What a trial is worth.
        make: The learner with given settings.
        study: Opened by this process.
        tell: Told after every trial.
    """
    shelf = shelf_of(search.place)
    n_folds = objective.folding.count
    while not _is_too_late(search, study, n_folds) and not is_patient_no_more(
        study, search.patience
    ):
        trial = study.claim(search.most)
        if trial is None:
            return
        was_in_time = _try(trial, search, objective, make, study, shelf)
        tell()
        if not was_in_time:
            return


def _is_too_late(search: Search, study: Study, n_folds: int) -> bool:
    """Whether the time is up, or likely will be before one more fold is, if nothing stops fits.

    Those of learners without rounds are stopped by nothing: they take as long as they took before.
    """
    if search.until is None:
        return False
    known = [each.user_attrs for each in study.complete]
    if not known or any(each.get(STEPS) for each in known):
        return search.is_over
    a_fold = sum(each.get(SECONDS, 0.0) for each in known) / len(known) / n_folds
    return search.is_over_for(-SAFETY * a_fold)


def is_patient_no_more(study: Study, patience: int | None) -> bool:
    """Whether so many trials in a row were no better than one before them."""
    if patience is None or len(study.optuna.directions) > 1:
        return False
    from optuna.study import StudyDirection

    sign = 1.0 if study.optuna.direction is StudyDirection.MINIMIZE else -1.0
    best, since = float("inf"), 0
    for each in sorted(study.ended, key=lambda each: each.number):
        value = sign * each.values[0] if each.values and each.state.name == "COMPLETE" else None
        if value is not None and value < best:
            best, since = value, 0
        else:
            since += 1
    return since >= patience


def _try(
    trial: optuna.Trial,
    search: Search,
    objective: Objective,
    make: Make,
    study: Study,
    shelf: Any,
) -> bool:
    """One trial, to whatever end it comes; whether there was time for it."""
    from optuna.trial import TrialState

    begun = time.perf_counter()
    left = None if search.until is None else max(0.0, search.until - time.time())
    deadline = None if left is None else time.monotonic() + left
    course = _Course(trial, prunes=len(study.optuna.directions) == 1)
    values: tuple[float, ...] | None = None
    state, reason = TrialState.FAIL, ""
    try:
        settings = search.space.ask(trial, search.fixed)
        trial.set_user_attr(SETTINGS, settings)
        tried = objective(make(settings), course, deadline)
        shelf.put(trial.number, tried.predictions)
        trial.set_user_attr(BY_FOLD, list(tried.by_fold))
        trial.set_user_attr(STEPS, tried.steps)
        values, state = tried.values, TrialState.COMPLETE
    except PrunedError:
        state = TrialState.PRUNED
    except OutOfTimeError:
        state, reason = TrialState.PRUNED, OUT_OF_TIME
    except AssayError as error:
        reason = masked(error.what)
    except Exception as error:
        reason = masked(f"{type(error).__name__}: {error}")
    if values is not None and not all(value == value for value in values):  # noqa: PLR0124 - NaN
        values, state, reason = None, TrialState.FAIL, "its score is not a number"
    if reason:
        trial.set_user_attr(REASON, reason)
    trial.set_user_attr(SECONDS, round(time.perf_counter() - begun, 3))
    study.optuna.tell(trial, values, state=state)
    return reason != OUT_OF_TIME


class _Course:
    """Hands what a trial reports on to Optuna, and what Optuna says back."""

    def __init__(self, trial: optuna.Trial, *, prunes: bool) -> None:
        self._trial = trial
        self._prunes = prunes

    def report(self, value: float, step: int) -> bool:
        if not self._prunes:  # of several objectives nothing is heard on the way
            return True
        self._trial.report(value, step)
        return not self._trial.should_prune()
