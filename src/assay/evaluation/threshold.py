"""The threshold of a binary decision: chosen on out-of-fold probabilities, never 0.5 by default.

To say honestly what a chosen threshold is worth, each fold is decided at the threshold that the
other folds chose, or the earlier ones where they are in time order; the model that is logged gets
the threshold that all of them choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.crossing import Mask, crossings
from assay.evaluation.goals import Goal
from assay.evaluation.outcome import Codes
from assay.evaluation.result import Threshold
from assay.predictions import Floats


@dataclass(frozen=True)
class Ladder:
    """Rows by falling probability, sorted once, and what each threshold between them lets in.

    Attributes:
        order: Which rows they are, falling, int64, shape (n,).
        probabilities: Falling, shape (n,).
        yes: Weight of each as a positive row, shape (n,).
        no: As a negative row, shape (n,).
    """

    order: NDArray[np.int64]
    probabilities: Floats
    yes: NDArray[Any]
    no: NDArray[Any]

    @classmethod
    def of(cls, positive: Floats, truth: Codes, weights: Floats | None = None) -> Ladder:
        """Of probabilities of the positive class beside the truth, shape (n,) each."""
        order = np.argsort(-positive, kind="stable")
        yes, each = truth[order], 1 if weights is None else weights[order]
        return cls(order, positive[order], yes * each, (1 - yes) * each)

    def among(self, rows: Mask) -> Ladder:
        """Of some of the rows, without sorting them again.

        Args:
            rows: Which, in the order that they were given in, shape (n,).
        """
        kept = rows[self.order]
        return Ladder(self.order[kept], self.probabilities[kept], self.yes[kept], self.no[kept])

    @cached_property
    def thresholds(self) -> Floats:
        """Falling, each between two neighbours; last one that lets nothing in, shape (m + 1,)."""
        reached = self.probabilities[self._last_of_tie]
        below = np.append(reached[1:], 0.0)
        middle = (reached + below) / 2
        # Of two numbers next to each other there is none between: their mean may be the lower one.
        between = np.where(middle > below, middle, reached)
        above = (reached[0] + 1) / 2
        return np.append(between, above if above > reached[0] else np.nextafter(reached[0], 2))

    @cached_property
    def hits(self) -> Floats:
        """Weight of the positive rows that each threshold lets in, shape (m + 1,)."""
        return np.append(np.cumsum(self.yes)[self._last_of_tie], 0)

    @cached_property
    def alarms(self) -> Floats:
        """Weight of the negative rows that each threshold lets in, shape (m + 1,)."""
        return np.append(np.cumsum(self.no)[self._last_of_tie], 0)

    @property
    def weights(self) -> tuple[Any, Any]:
        """Weight of all positive and of all negative rows."""
        return self.yes.sum(), self.no.sum()

    def at(self, thresholds: Any) -> tuple[Any, Any]:
        """Weight of the positive and of the negative rows that any thresholds let in, as shaped."""
        n = np.searchsorted(-self.probabilities, -thresholds, side="right")
        hits, alarms = (np.append(0, np.cumsum(each))[n] for each in (self.yes, self.no))
        return hits, alarms

    @cached_property
    def _last_of_tie(self) -> NDArray[np.int64]:
        ranked = self.probabilities
        return np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))


def choose(positive: Floats, truth: Codes, goal: Goal, weights: Floats | None = None) -> Threshold:
    """The threshold that reaches the most on these rows.

    Args:
        positive: Probability of the positive class, shape (n,).
        truth: 1 for the positive class, else 0, shape (n,).
        goal: What it is to be best for.
        weights: Sample weights, shape (n,); None when all rows count the same.
    """
    return chosen(Ladder.of(positive, truth, weights), goal)


def chosen(ladder: Ladder, goal: Goal) -> Threshold:
    """The threshold that reaches the most on the rows of a ladder."""
    if goal.goal == "given":
        return Threshold(goal.without_rows, goal)
    weights = ladder.weights
    best = goal.best(ladder.hits, ladder.alarms, *weights)
    let_in = ladder.hits[best], ladder.alarms[best]
    return Threshold(
        float(ladder.thresholds[best]),
        goal,
        score=float(goal.reached(*let_in, *weights)),
        at_half=float(goal.reached(*ladder.at(0.5), *weights)),
        held=float(goal.held(*let_in, weights[0])),
    )


def decide(positive: Floats, threshold: float) -> Codes:
    """1 where the probability reaches the threshold, else 0."""
    return (positive >= threshold).astype(np.int64)


def cross_decided(
    positive: Floats,
    truth: Codes,
    folds: NDArray[np.int64],
    goal: Goal,
    weights: Floats | None = None,
    *,
    ordered: bool = False,
) -> Codes:
    """Decisions for each fold at the threshold that the other folds choose, shape (n,).

    A fold whose teachers lack a class, or weigh nothing in it, is decided at one half, or where
    costs are known at the threshold that they give calibrated probabilities: no other is better
    without knowing more. The earliest of ordered folds has no teachers.

    Args:
        positive: Probability of the positive class, shape (n,).
        truth: 1 for the positive class, else 0, shape (n,).
        folds: Fold of each row, shape (n,).
        goal: What each is to be best for.
        weights: Sample weights, shape (n,); None when all rows count the same.
        ordered: Whether folds are in time order: then only the earlier ones choose.
    """
    ladder = Ladder.of(positive, truth, weights)
    decided = np.empty(len(positive), dtype=np.int64)
    for inside, others in crossings(folds, ordered=ordered):
        teachers = ladder.among(others)
        teaches = min(teachers.weights) > 0
        at = chosen(teachers, goal).value if teaches else goal.without_rows
        decided[inside] = decide(positive[inside], at)
    return decided
