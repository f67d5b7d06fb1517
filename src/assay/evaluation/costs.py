"""Costs: the mean of what decisions cost, with an interval that few dear mistakes do not fool.

Where a mistake that costs much is rare, resamples of the few that were seen do not show how many
more there may be: a bootstrap's interval is too narrow, the closed one of a mean is not.
"""

from __future__ import annotations

import numpy as np

from assay.estimates import Estimate
from assay.evaluation.closed import of_mean
from assay.evaluation.goals import Goal
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.sampling import Sampling
from assay.evaluation.support import FEWEST_WRONG
from assay.predictions import Floats

METHOD = "MOVER"


def mean_cost(goal: Goal, outcome: Outcome, decided: Codes, level: float) -> Estimate | None:
    """The cost per row of decisions, in closed form; None where there is none.

    There is none of rows that are related or do not count the same, nor where so many rows of each
    class were asked for.

    Args:
        goal: What costs what.
        outcome: The rows.
        decided: 1 where the answer is yes, else 0, shape (n,).
        level: Of the interval.
    """
    cells = np.arange(4)
    return _mean(outcome, outcome.truth * 2 + decided, goal.paid(cells >> 1, cells & 1), level)


def mean_saved(
    goal: Goal, outcome: Outcome, decided: Codes, other: Codes, level: float
) -> Estimate | None:
    """What decisions save per row beside others; None likewise. Arguments as of `mean_cost`.

    Answers that differ one way only, as those of two thresholds, cannot differ the other way.
    """
    if np.array_equal(decided, other):
        return Estimate.without_interval(0.0, n=len(outcome), reason="no row is decided otherwise")
    cells = np.arange(8)
    truth, first, second = cells >> 2, cells >> 1 & 1, cells & 1
    saved = goal.paid(truth, second) - goal.paid(truth, first)
    pairs = decided * 2 + other
    may_be = np.isin(cells & 3, np.unique(pairs))
    return _mean(outcome, outcome.truth * 4 + pairs, np.where(may_be, saved, 0.0), level)


def too_few_mistakes(outcome: Outcome, decided: Codes) -> str | None:
    """Why resamples say too little of what decisions cost; None where they say enough."""
    wrong = decided != outcome.truth
    for truth, label in enumerate(outcome.classes):
        n = int((wrong & (outcome.truth == truth)).sum())
        if n < FEWEST_WRONG:
            rows = "row is" if n == 1 else "rows are"
            return f"only {n} {label} {rows} decided wrong"
    return None


def _mean(outcome: Outcome, cells: Codes, values: Floats, level: float) -> Estimate | None:
    if not Sampling.of(outcome).is_simple:
        return None
    counts = np.bincount(cells, minlength=len(values)).astype(np.float64)
    ends = of_mean(counts, values, level)
    mean = float(counts @ values / len(outcome))
    return Estimate(mean, *ends, n=len(outcome), level=level, method=METHOD)
