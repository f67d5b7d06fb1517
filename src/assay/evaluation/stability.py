"""Stability: how far the choice of a threshold moves when rows are drawn again; what it is worth.

What it is worth is measured on rows that are decided by what others chose, beside what 0.5 would
reach on the same rows, and where costs are known beside decision theory and no model at all. Where
resamples choose is no confidence interval of the best threshold, of which the bootstrap is no
consistent estimate (Abrevaya and Huang 2005): it shows how freely rows choose, and what that costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.estimates import Estimate
from assay.evaluation.choice import (
    ALL_NEGATIVE,
    ALL_POSITIVE,
    AT_HALF,
    BY_THEORY,
    Alternative,
    Choice,
    GoalCurve,
)
from assay.evaluation.costs import mean_cost, mean_saved, too_few_mistakes
from assay.evaluation.design import Design
from assay.evaluation.evaluate import Judged
from assay.evaluation.goals import Goal
from assay.evaluation.grouped import Drawn, Kept, over_draws
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.result import Threshold
from assay.evaluation.settings import Resamples
from assay.evaluation.threshold import Ladder, decide
from assay.predictions import Floats

MOST_CANDIDATES = 2_000
"""Thresholds that a resample chooses among. Of more that there are it is half of them by rows and
half by positive rows, as many between one and the next."""

_MOST_DRAWN = 160
_NEAR_AN_END, _AROUND, _NARROWEST = 0.2, 5, 1e-3

_DECIDED, _BEST, _CURVE = "as decided", "best", "curve"

_Index = NDArray[np.int64]


def with_choice(
    threshold: Threshold, judged: Judged, *, level: float, resamples: Resamples
) -> Threshold:
    """The threshold with how sure it is and what it is worth; as it is where nothing was chosen.

    Args:
        threshold: As all rows choose it.
        judged: The same rows, each decided by what the others chose.
        level: Of the intervals.
        resamples: Bootstrap resamples.
    """
    if not threshold.is_chosen:
        return threshold
    goal, metrics = threshold.goal, judged.evaluation.metrics
    rungs = _Rungs.of(judged.outcome, threshold)
    groups, n_groups = rungs.groups(judged.outcome)
    drawn = over_draws(judged.outcome, groups, n_groups, rungs.read, resamples)
    reached = metrics[goal.metric] if goal.metric else _known_cost(goal, judged.outcome, level)
    choice = Choice(
        reached=reached or _estimate(goal, judged.outcome, drawn, level),
        held=metrics[goal.floor[0]] if goal.floor is not None else None,
        level=level,
        reason=drawn.too_few,
        **_moves(rungs, drawn, level),
        alternatives=tuple(
            _alternative(rungs, judged.outcome, drawn, name, level) for name in rungs.beside
        ),
        curve=_curve(rungs, drawn, level),
        given_classes=judged.outcome.design is Design.CLASSES,
    )
    return replace(threshold, choice=choice)


def reached_by(outcome: Outcome, goal: Goal, *, level: float, resamples: Resamples) -> Estimate:
    """What decisions that were taken elsewhere reach of a goal on these rows."""
    assert outcome.decided is not None
    known = _known_cost(goal, outcome, level)
    if known is not None:
        return known

    def read(sums: Floats) -> Kept:
        return {_DECIDED: _reached(goal, sums.reshape(-1, 2, 2))}

    groups = outcome.truth * 2 + outcome.decided
    return _estimate(goal, outcome, over_draws(outcome, groups, 4, read, resamples), level)


@dataclass(frozen=True)
class _Rungs:
    """The thresholds that are looked at, falling; the last one lets nothing in.

    Attributes:
        threshold: What all rows choose.
        ladder: All thresholds that the rows give.
        values: The thresholds, shape (m,).
        hits: Weight of the positive rows that each lets in, of all rows, shape (m,).
        alarms: Weight of the negative rows likewise.
        candidates: Positions of those that a resample may choose, shape (c,).
    """

    threshold: Threshold
    ladder: Ladder
    values: Floats
    hits: Floats
    alarms: Floats
    candidates: _Index

    @classmethod
    def of(cls, outcome: Outcome, threshold: Threshold) -> _Rungs:
        """Those that the rows of an outcome give."""
        positive = outcome.known_probabilities[:, 1]
        ladder = Ladder.of(positive, outcome.truth, outcome.weights)
        nothing, theory = ladder.thresholds[-1], threshold.goal.by_theory
        to_choose = np.append(ladder.thresholds[_spread(ladder)], threshold.value)
        shown = [0.0, 0.5, *([] if theory is None else [theory])]
        falling = np.unique(np.append(to_choose, shown))[::-1]
        values = np.append(falling[falling < nothing], nothing)
        candidates = np.flatnonzero(np.isin(values, np.append(to_choose, nothing)))
        return cls(threshold, ladder, values, *ladder.at(values), candidates)

    @property
    def goal(self) -> Goal:
        """What is to be best."""
        return self.threshold.goal

    @cached_property
    def beside(self) -> Mapping[str, int]:
        """Positions of what the choice is shown beside, by name."""
        places = {AT_HALF: self._place(0.5)}
        if self.goal.by_theory is not None:
            places |= {
                BY_THEORY: self._place(self.goal.by_theory),
                ALL_NEGATIVE: len(self.values) - 1,
                ALL_POSITIVE: self._place(0.0),
            }
        return places

    @cached_property
    def drawn(self) -> _Index:
        """Positions of those that the curve is drawn at, rising, as even as rows are.

        Where the choice lies near an end, only what is around it is drawn. What a decision that
        lets nothing in is worth only costs say.
        """
        value, low, high = self.threshold.value, 0.0, 1.0
        if value < _NEAR_AN_END:
            high = max(_AROUND * value, _NARROWEST)
        elif 1 - _NEAR_AN_END < value < 1:
            low = 1 - max(_AROUND * (1 - value), _NARROWEST)
        even = np.append(np.linspace(low, high, _MOST_DRAWN - 1), value)
        places = np.unique([self._place(at) for at in even])
        if not self.goal.is_cost:
            places = places[places < len(self.values) - 1]
        return places[np.argsort(self.values[places])]

    @cached_property
    def reached(self) -> Floats:
        """What each threshold reaches of the goal on all rows, shape (m,)."""
        return np.asarray(self.goal.reached(self.hits, self.alarms, *self.ladder.weights))

    def lost_between(self, low: float, high: float) -> float:
        """The most that any threshold between two loses of the goal on all rows."""
        said = self.ladder.probabilities
        # From one probability that is said to the next, all thresholds decide alike.
        every = np.append([low, high], said[(low <= said) & (said <= high)])
        reached = self.goal.reached(*self.ladder.at(every), *self.ladder.weights)
        apart = reached - self.threshold.score
        return float(max(0, (apart if self.goal.is_cost else -apart).max()))

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Whether each meets the floor on all rows, shape (m,)."""
        return self.goal.meets(self.hits, self.alarms, self.ladder.weights[0])

    def groups(self, outcome: Outcome) -> tuple[_Index, int]:
        """Which group each row is in, shape (n,), by truth, threshold and decision; how many."""
        assert outcome.decided is not None
        positive, m = outcome.known_probabilities[:, 1], len(self.values)
        # The first threshold that lets a row in; the one before the last lets in all.
        first = np.searchsorted(-self.values[:-1], -positive, side="left")
        return (outcome.truth * m + first) * 2 + outcome.decided, 4 * m

    def read(self, sums: Floats) -> Kept:
        """What decisions reach and where the best threshold is, from sums over those groups."""
        by_step = sums.reshape(len(sums), 2, len(self.values), 2)
        let_in = by_step.sum(axis=3).cumsum(axis=2)
        everything = let_in[:, 1, -1:].copy(), let_in[:, 0, -1:].copy()
        let_in[:, :, -1] = 0
        hits, alarms = let_in[:, 1], let_in[:, 0]
        reached = self.goal.reached(hits, alarms, *everything)
        some = self.candidates
        return {
            _DECIDED: _reached(self.goal, by_step.sum(axis=2)),
            _BEST: some[self.goal.best(hits[:, some], alarms[:, some], *everything)],
            _CURVE: reached[:, self.drawn],
            **{name: reached[:, [at]][:, 0] for name, at in self.beside.items()},
        }

    def _place(self, threshold: float) -> int:
        """Position of a threshold, or of the next lower one."""
        if threshold >= self.values[-1]:
            return len(self.values) - 1
        return int(np.searchsorted(-self.values[:-1], -threshold, side="left"))


def _spread(ladder: Ladder) -> _Index:
    """Positions of the thresholds that a resample chooses among, shape (c,)."""
    m = len(ladder.thresholds) - 1
    if m <= MOST_CANDIDATES:
        return np.arange(m)
    found = []
    for many in (ladder.hits[:m] + ladder.alarms[:m], ladder.hits[:m]):
        even = np.linspace(many[0], many[-1], MOST_CANDIDATES // 2)
        found.append(np.searchsorted(many, even))
    return np.unique(np.concatenate(found))


def _reached(goal: Goal, cells: Floats) -> Floats:
    """The goal by confusion matrices, true class down, shape (b, 2, 2)."""
    negatives, positives = cells.sum(axis=2).T
    return np.asarray(goal.reached(cells[:, 1, 1], cells[:, 0, 1], positives, negatives))


def _moves(rungs: _Rungs, drawn: Drawn, level: float) -> dict[str, float | None]:
    """Where resamples choose, and the most that this loses on all rows."""
    if drawn.too_few is not None:
        return dict.fromkeys(("low", "high", "lost", "missed"))
    best = drawn.resampled[_BEST]
    low, high = np.quantile(rungs.values[best], _tails(level))
    return {
        "low": float(low),
        "high": float(high),
        "lost": rungs.lost_between(low, high),
        "missed": float(1 - rungs.meets[best].mean()) if rungs.goal.floor is not None else None,
    }


def _known_cost(goal: Goal, outcome: Outcome, level: float) -> Estimate | None:
    """What the decisions that were taken cost, where that needs no resamples; else None."""
    assert outcome.decided is not None
    return mean_cost(goal, outcome, outcome.decided, level) if goal.is_cost else None


def _estimate(goal: Goal, outcome: Outcome, drawn: Drawn, level: float) -> Estimate:
    """What the decisions that were taken reach, as resamples have it."""
    assert outcome.decided is not None
    return _with_mistakes(goal, outcome, outcome.decided, drawn.estimate(_DECIDED, level))


def _alternative(
    rungs: _Rungs, outcome: Outcome, drawn: Drawn, name: str, level: float
) -> Alternative:
    assert outcome.decided is not None
    at, goal, reached, gain = rungs.beside[name], rungs.goal, None, None
    decided, other = outcome.decided, decide(outcome.known_probabilities[:, 1], rungs.values[at])
    if goal.is_cost:
        reached = mean_cost(goal, outcome, other, level)
        gain = mean_saved(goal, outcome, decided, other, level)
    if reached is None:
        reached = drawn.estimate(name, level)
        if name not in (ALL_NEGATIVE, ALL_POSITIVE):  # these make one kind of mistake only
            reached = _with_mistakes(goal, outcome, other, reached)
    if gain is None:
        pair = (name, _DECIDED) if goal.is_cost else (_DECIDED, name)
        gain = _with_mistakes(goal, outcome, decided, drawn.difference(*pair, level))
    held = float(goal.held(rungs.hits[at], rungs.alarms[at], rungs.ladder.weights[0]))
    return Alternative(
        name,
        {AT_HALF: 0.5, BY_THEORY: goal.by_theory}.get(name),
        reached=reached,
        gain=gain,
        held=held if goal.floor is not None else None,
    )


def _with_mistakes(goal: Goal, outcome: Outcome, decided: Codes, estimate: Estimate) -> Estimate:
    """The estimate; without its interval where decisions show too few dear mistakes."""
    if not goal.is_cost or not estimate.has_interval:
        return estimate
    reason = too_few_mistakes(outcome, decided)
    if reason is None:
        return estimate
    return Estimate.without_interval(estimate.value, n=estimate.n, reason=reason)


def _curve(rungs: _Rungs, drawn: Drawn, level: float) -> GoalCurve:
    at = rungs.drawn
    low, high = [], []
    if drawn.too_few is None:
        low, high = np.quantile(drawn.resampled[_CURVE], _tails(level), axis=0).tolist()
    return GoalCurve(
        tuple(rungs.values[at].tolist()),
        tuple(rungs.reached[at].tolist()),
        tuple(low),
        tuple(high),
        tuple(rungs.meets[at].tolist()),
    )


def _tails(level: float) -> list[float]:
    return [0.5 - level / 2, 0.5 + level / 2]
