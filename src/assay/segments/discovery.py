"""Discovery: weak segments nobody has declared, found on half of the rows, confirmed on the other.

Each half proposes and the other confirms, so that both are looked through; the intervals of what is
confirmed are as wide as the number of proposals demands, and together the two halves name a segment
that is as good as the rest no more often than one interval errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.special import stdtrit

from assay.data.drawing import dealt, dealt_groups
from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.closed import clopper_pearson, of_difference
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome
from assay.evaluation.spread import in_common
from assay.evaluation.support import cluster_noun
from assay.predictions import Floats
from assay.segments.bins import Binned
from assay.segments.meeting import Mask
from assay.segments.result import Weakness
from assay.segments.slices import FEWEST_ROWS, Losses, Slice, proposed

LEAST_DIFFERENCE = 0.05
"""Points of accuracy below which a segment is not called weak."""

LEAST_RATIO = 1.25
"""Mean absolute error of a segment over that of all rows below which it is not."""

FEWEST = 400
"""Rows below which nothing is looked for: neither half could confirm it."""

FEWEST_BLOCKS = 5
"""Blocks of time that a segment must have rows in, for these to tell how it varies."""

MOST_TOLD = 5
_SAME = 0.5
_SEED = 50_020


@dataclass(frozen=True)
class Discovered:
    """What was found.

    Attributes:
        weak: Weak segments, weakest first.
        tried: How many stood out in one half and were tried on the other.
        reason: Why none was looked for or, where some were tried, none could be confirmed; empty
            where neither is so.
    """

    weak: tuple[Weakness, ...]
    tried: int
    reason: str = ""


def measure_of(task: Task) -> str:
    """What weak segments are found by."""
    if task is Task.MULTILABEL:
        return "exact_match"
    return "accuracy" if task.is_classification else "mae"


def discovered(columns: Sequence[Binned], outcome: Outcome, level: float) -> Discovered:
    """Weak segments of the rows of an outcome.

    Args:
        columns: These rows by column, in bins.
        outcome: Predictions of rows that were not learnt from.
        level: How often no segment is named where none is weak.
    """
    if len(outcome) < FEWEST:
        return Discovered((), 0, f"{len(outcome):,} rows are too few to find and confirm one")
    if not columns:
        return Discovered((), 0, "no column divides the rows")
    halves = _halves(outcome)
    if halves.all() or not halves.any():
        return Discovered((), 0, f"all rows are of one {cluster_noun(outcome)}")
    values = losses_of(outcome)
    least = LEAST_DIFFERENCE
    if not outcome.task.is_classification:
        least = (LEAST_RATIO - 1) * float(np.average(values, weights=outcome.weights))
    weights = outcome.known_weights / outcome.known_weights.mean()
    found, tried = [], 0
    for half in (halves, ~halves):
        # Outliers would decide where to look; what is found there is told as it is.
        tame = np.minimum(values, np.quantile(values[half], 0.99))
        slices = proposed(columns, Losses(tame, weights, half), least)
        tried += len(slices)
        each = 1 - (1 - level) / max(1, len(slices))
        found += [(one, tested(one, one.rows, outcome, values, ~half, each)) for one in slices]
    weak = [(one, known) for one, known in found if _is_weak(known, least)]
    weak.sort(key=lambda pair: -(pair[1].difference.low or 0.0))
    reason = "" if any(known.difference.has_interval for _, known in found) else _untold(found)
    return Discovered(tuple(_apart(weak)[:MOST_TOLD]), tried, reason)


def losses_of(outcome: Outcome) -> Floats:
    """1 for a row decided wrong, in any label, else 0; or the absolute error; shape (n,)."""
    if outcome.task.is_classification:
        return (~outcome.decided_right).astype(np.float64)
    return np.abs(outcome.truth - outcome.known_values)


def _halves(outcome: Outcome) -> Mask:
    """Which rows are in the first half, shape (n,); groups are never torn."""
    n, clusters = len(outcome), outcome.clusters
    dealt_ = (
        dealt(n, None, 2, _SEED) if clusters is None else dealt_groups(clusters, None, 2, _SEED)
    )
    return dealt_ == 0


def tested(
    one: Slice | Weakness, rows: Mask, outcome: Outcome, losses: Floats, among: Mask, level: float
) -> Weakness:
    """What some rows say of a segment.

    Args:
        one: The segment.
        rows: All rows in it, shape (n,).
        outcome: Predictions of all rows.
        losses: `losses_of` them, shape (n,).
        among: The rows that are asked, shape (n,).
        level: Of the interval.
    """
    counts = among & (outcome.known_weights > 0)
    inside, outside = rows & counts, ~rows & counts
    mean = [_mean(outcome, losses, each) for each in (inside, outside)]
    right = outcome.task.is_classification
    value, rest = (1 - each if right else each for each in mean)
    expected = None
    if outcome.decided is not None and not outcome.has_labels and inside.any():
        sure = outcome.known_probabilities[np.arange(len(outcome)), outcome.decided]
        expected = _mean(outcome, sure, inside)
    return Weakness(
        definition=one.definition,
        columns=one.columns,
        n=int(rows.sum()),
        share=float(rows.mean()),
        value=value,
        rest=rest,
        difference=_difference(outcome, losses, inside, outside, level),
        expected=expected,
        criteria=one.criteria,
    )


def _untold(found: Sequence[tuple[Slice, Weakness]]) -> str:
    """Why none of these could be confirmed, said of the first; nothing where there are none."""
    if not found:
        return ""
    one, known = found[0]
    return f"{one.definition} stood out, but the other half has {known.difference.reason}"


def _difference(
    outcome: Outcome, losses: Floats, inside: Mask, outside: Mask, level: float
) -> Estimate:
    """By how much the mean loss inside lies above that outside.

    Shares of independent rows by what the exact intervals of both add up to (MOVER), else a
    t-interval with the linearised variance, which allows for weights and for groups of rows. Blocks
    of time may be few: how far they tell it, their degrees of freedom say.
    """
    n = int(inside.sum())
    value = _mean(outcome, losses, inside) - _mean(outcome, losses, outside)
    sizes = n, int(outside.sum())
    if min(sizes) < FEWEST_ROWS:
        return Estimate.without_interval(value, n=n, reason=_few(sizes, "row"))
    if outcome.task.is_classification and outcome.weights is None and outcome.clusters is None:
        # Wilson's err to one side: at the levels of many proposals a rare error in few rows seemed
        # twice as telling as it is.
        shares = [
            (float(wrong.mean()), clopper_pearson(float(wrong.sum()), len(wrong), level))
            for wrong in (losses[outside], losses[inside])
        ]
        ends = of_difference(*shares[0], *shares[1])
        return Estimate(value, *ends, n=n, level=level, method="exact")
    units, variance = zip(
        *(_linearised(outcome, losses, rows) for rows in (inside, outside)), strict=True
    )
    if min(units) < (FEWEST_BLOCKS if outcome.design is Design.TIME else FEWEST_ROWS):
        return Estimate.without_interval(value, n=n, reason=_few(units, cluster_noun(outcome)))
    half = float(np.sqrt(sum(variance)) * stdtrit(min(units) - 1, 0.5 + level / 2))
    return Estimate(value, value - half, value + half, n=n, level=level, method="t")


def _few(counts: Sequence[int], noun: str) -> str:
    """What there is too little of to tell, inside or outside."""
    fewest, where = min(zip(counts, ("in it", "outside it"), strict=True))
    many = f"only {fewest} {noun}" if fewest == 1 else f"only {fewest} {noun}s"
    return f"{many if fewest else f'no {noun}'} {where}"


def _linearised(outcome: Outcome, losses: Floats, rows: Mask) -> tuple[int, float]:
    """How many units a mean rests on, rows or groups of them, and its variance."""
    weights = outcome.known_weights[rows]
    influence = weights * (losses[rows] - _mean(outcome, losses, rows)) / weights.sum()
    related = 0.0
    if outcome.clusters is not None:
        places, members = np.unique(outcome.clusters[rows], return_inverse=True)
        influence = np.asarray(np.bincount(members, influence), np.float64)
        related = in_common(influence, places) if outcome.design is Design.TIME else 0.0
    units = len(influence)
    variance = (1 + 2 * related) * (influence**2).sum() * units / max(1, units - 1)
    return units, float(variance)


def _mean(outcome: Outcome, values: Floats, rows: Mask) -> float:
    """The weighted mean of some rows that weigh something; NaN of none."""
    if not rows.any():
        return nan
    return float(np.average(values[rows], weights=outcome.known_weights[rows]))


def _is_weak(found: Weakness, least: float) -> bool:
    low = found.difference.low
    return low is not None and low > 0 and found.difference.value >= least


def _apart(weak: Sequence[tuple[Slice, Weakness]]) -> list[Weakness]:
    """Those that are not mostly the rows of one before them."""
    kept: list[tuple[Mask, Weakness]] = []
    for one, found in weak:
        rows = one.rows
        if not any(
            (rows & other).sum() > _SAME * min(rows.sum(), other.sum()) for other, _ in kept
        ):
            kept.append((rows, found))
    return [found for _, found in kept]
