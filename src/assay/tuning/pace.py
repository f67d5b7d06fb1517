"""Pace: what fits can be expected to take, how many folds that allows, and what is hopeless."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.learners.candidates import OF_TREES, Candidate
from assay.learners.selection import Errors, selected
from assay.predictions import Floats
from assay.tuning.configurations import Configuration

_WANTED = 10
"""Configurations that there should be time for: else fewer folds are fitted."""
_OF_TIME = 0.75
"""Share of the time that may go into folds."""
_COSTS = {"linear": 0.3, "boosting": 1.0, "lightgbm": 1.5, "perceptron": 2.0, "forest": 3.0}
"""What a fit costs beside others, where none of its learner is known: means of public tables."""
_SAFETY, _LAST_S = 1.3, 0.3
_HOPELESS = 2.0
"""Standard errors of the difference by which a configuration is hopeless on one fold."""
_STEPS = 20


def affordable_folds(seconds: float, left: float, most: int) -> int:
    """How many folds to fit.

    Args:
        seconds: What a fit of boosted trees to a fold took.
        left: Seconds that are left, of all workers together.
        most: Folds there are.

    >>> affordable_folds(0.5, 100.0, 5), affordable_folds(3.0, 100.0, 5), affordable_folds(60, 1, 5)
    (5, 2, 1)
    """
    return int(np.clip(left * _OF_TIME / (_WANTED * max(seconds, 1e-3)), 1, most))


def tells_the_pace(configuration: Configuration, tried: Sequence[Configuration]) -> bool:
    """Whether it is by its fits that one tells how many folds there is time for: those of trees."""
    trees = any(each.candidate.learner in OF_TREES for each in tried)
    return configuration.candidate.learner in OF_TREES or not trees


def expected_seconds(tried: Sequence[Configuration], candidate: Candidate | None) -> float:
    """What a fit to a fold can be expected to take: as others of its learner did.

    Args:
        tried: At least one of them with a fit.
        candidate: What is to be fitted; None for any.
    """
    fitted = [each for each in tried if each.fits]
    alike = [
        each.fold_seconds
        for each in fitted
        if candidate is None or each.candidate.learner == candidate.learner
    ]
    if alike:
        return float(np.mean(alike)) * _SAFETY
    assert candidate is not None
    by_cost = [each.fold_seconds / _COSTS[each.candidate.learner] for each in fitted]
    return float(np.mean(by_cost)) * _COSTS[candidate.learner]


def seconds_of_refits(members: Sequence[Configuration], n_folds: int, workers: int) -> float:
    """How long fits to all rows are expected to take, which are more than those of a fold."""
    growth = n_folds / max(1, n_folds - 1) * _SAFETY
    each = [member.fold_seconds * growth for member in members]
    return max([sum(each) / workers, *each], default=0.0) + _LAST_S


def is_hopeless(errors: Errors, place: int) -> bool:
    """Whether a candidate is far behind the best, and of no use to an ensemble with the others.

    Args:
        errors: Of candidates on the rows of one fold.
        place: Which of them.
    """
    best = int(np.argmin(errors.alone))
    difference = _losses(errors, place) - _losses(errors, best)
    margin = _HOPELESS * difference.std() / np.sqrt(len(difference))
    return bool(difference.mean() > margin) and not selected(errors, steps=_STEPS)[place]


def _losses(errors: Errors, place: int) -> Floats:
    """The loss of each row, shape (n,)."""
    values = errors.values[place]
    return np.asarray(-np.log(np.maximum(values, 1e-9)) if errors.of_classes else values**2)
