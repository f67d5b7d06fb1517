"""Measuring: a metric of every declared segment beside the rest, and how far segments are apart.

All intervals hold together: each is read at the level at which the largest of all standardised
differences stays inside on the common resamples (max-T, `evaluation/simultaneous.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from assay.data.schema import Task
from assay.evaluation.closed import FOUND, RIGHT, ClosedForm, Ends, wilson
from assay.evaluation.metrics import METRICS, Metric, recall
from assay.evaluation.outcome import Outcome
from assay.evaluation.simultaneous import level_of_each
from assay.evaluation.support import FEWEST_ROWS
from assay.evaluation.weighted import Weighted
from assay.predictions import Floats
from assay.segments.declared import Declared
from assay.segments.result import Division, Gap, Parity, Segment
from assay.segments.sampled import Sampled, apart, sampled

_MOST_CELLS = 200_000_000
_RESAMPLES = 300, 1000
"""Fewest and most, by how many rows and segments there are: each is measured beside the rest."""

_STAND_INS = {"r2": "mae", "pr_auc": "roc_auc", "pr_auc_macro": "roc_auc_macro"}
"""R² depends on how much the target of a segment varies, PR-AUC on how many of it are positive."""

Rates = Mapping[str, Sampled]


def metric_of(primary: str) -> str:
    """The metric to compare segments by: not one that differs where the target does."""
    return _STAND_INS.get(primary, primary)


def selection_rate(of: Weighted) -> Floats:
    """Share of the rows that are decided positive."""
    return of.confusion[:, :, 1].sum(axis=1) / of.confusion.sum(axis=(1, 2))


def false_positive_rate(of: Weighted) -> Floats:
    """Share of the negative rows that are decided positive; NaN where there is none."""
    return _share(of.confusion[:, 0, 1], of.confusion[:, 0].sum(axis=1))


def true_positive_rate(of: Weighted) -> Floats:
    """Recall; NaN where there is no positive row."""
    return np.where(of.confusion[:, 1].sum(axis=1) > 0, recall(of), np.nan)


def divisions(
    outcome: Outcome, parted: Sequence[Declared], *, primary: str, level: float
) -> tuple[Division, ...]:
    """Every declared segment beside the rest.

    Args:
        outcome: Predictions of rows that were not learnt from.
        parted: These rows by column, and by pairs of columns.
        primary: The metric to decide by.
        level: Level at which all intervals hold together.
    """
    parted = [each for each in (_weighing(one, outcome) for one in parted) if len(each.parts) > 1]
    if not parted:
        return ()
    metric = METRICS[outcome.task][metric_of(primary)]
    metrics = [metric, *(RATES if outcome.task is Task.BINARY else ())]
    many = sum(len(each.parts) for each in parted)
    resamples = int(np.clip(_MOST_CELLS // (len(outcome) * many), *_RESAMPLES))
    inside, outside = [], []
    for each in parted:  # one after the other: all copies of the rows at once would not fit
        masks = [*each.parts.values()]
        inside += sampled(outcome, masks, metrics, resamples)
        rests = sampled(outcome, [~rows for rows in masks], [metric], resamples)
        outside += [rest for [rest] in rests]
    at = together([(rest, part[0]) for rest, part in zip(outside, inside, strict=True)], level)
    alone = level_of_each([part[0].resampled for part in inside if _has(part[0])], level)
    found, start = [], 0
    for each in parted:
        end = start + len(each.parts)
        segments = [
            replace(
                _segment(name, part, rest, len(outcome), (alone, at)),
                criteria=each.criteria.get(name, ()),
            )
            for name, part, rest in zip(
                each.parts, inside[start:end], outside[start:end], strict=True
            )
        ]
        segments.sort(key=lambda one: (not one.is_worse, -_badness(one)))
        named = {
            known.name: {
                name: part[position]
                for name, part in zip(each.parts, inside[start:end], strict=True)
            }
            for position, known in enumerate(metrics)
        }
        found.append((each, tuple(segments), named))
        start = end
    gaps = _gaps([named[metric.name] for *_, named in found], level)
    parities = _parities([named for *_, named in found], level)
    return tuple(
        Division(each.columns, segments, gap, parity, each.left_out)
        for (each, segments, _), gap, parity in zip(found, gaps, parities, strict=True)
    )


def _weighing(each: Declared, outcome: Outcome) -> Declared:
    """Without segments of rows that all weigh nothing, of which nothing can be said."""
    weights = outcome.known_weights
    return replace(each, parts={n: rows for n, rows in each.parts.items() if weights[rows].any()})


def together(pairs: Sequence[tuple[Sampled, Sampled]], level: float) -> float:
    """The level at which each difference must be read, so that all hold at once."""
    known = [(one, other) for one, other in pairs if _has(one) and _has(other)]
    return level_of_each([other.resampled - one.resampled for one, other in known], level)


def _has(each: Sampled) -> bool:
    return each.reason is None and each.resampled.size > 0


def _segment(
    name: str, part: Sequence[Sampled], rest: Sampled, n: int, levels: tuple[float, float]
) -> Segment:
    own, metric = part[0], part[0].metric
    pair = (own, rest) if metric.greater_is_better else (rest, own)
    rates = {each.metric.name: each.value for each in part[1:] if np.isfinite(each.value)}
    return Segment(
        definition=name,
        n=own.n,
        share=own.n / n,
        estimate=own.estimate(levels[0]),
        difference=apart(*pair, levels[1]),
        rates=rates,
    )


def _badness(one: Segment) -> float:
    value = one.difference.value
    return value if np.isfinite(value) else -np.inf


def _gaps(divided: Sequence[Rates], level: float) -> list[Gap | None]:
    """The two segments of each division that are furthest apart.

    The intervals hold for all pairs at once, so that to name the widest flatters nothing.
    """
    usable = [{n: each for n, each in rates.items() if _counts(each)} for rates in divided]
    pairs = [(a, b) for rates in usable for a, b in combinations(rates.values(), 2)]
    at = together(pairs, level)
    return [_widest(rates, at) for rates in usable]


def _counts(each: Sampled) -> bool:
    return each.n >= FEWEST_ROWS and each.reason is None and bool(np.isfinite(each.value))


def _widest(rates: Rates, level: float) -> Gap | None:
    if len(rates) < 2:
        return None
    low, high = min(rates, key=lambda n: rates[n].value), max(rates, key=lambda n: rates[n].value)
    if low == high:
        low, high = list(rates)[:2]
    return Gap(rates[low].metric.name, high, low, apart(rates[low], rates[high], level))


def _parities(divided: Sequence[Mapping[str, Rates]], level: float) -> list[Parity | None]:
    if not all("selection_rate" in named for named in divided):
        return [None for _ in divided]
    selected = _gaps([named["selection_rate"] for named in divided], level)
    both = ("recall", "false_positive_rate")
    of_odds = _gaps([named[name] for name in both for named in divided], level)
    found, alarmed = of_odds[: len(divided)], of_odds[len(divided) :]
    parities: list[Parity | None] = []
    for n, (named, gap) in enumerate(zip(divided, selected, strict=True)):
        if gap is None:
            parities.append(None)
            continue
        odds = [each for each in (found[n], alarmed[n]) if each is not None]
        ratios = [_ratio(named[each.metric]) for each in odds]
        parities.append(
            Parity(
                gap,
                _ratio(named["selection_rate"]),
                max(odds, key=lambda each: each.estimate.value) if len(odds) == 2 else None,
                min(ratios) if len(odds) == 2 else None,
            )
        )
    return parities


def _ratio(rates: Rates) -> float:
    """Lowest over highest; 1 where all are nothing."""
    values = [each.value for each in rates.values() if _counts(each)]
    return min(values) / max(values) if max(values) > 0 else 1.0


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _of_selected(confusion: Floats, level: float) -> Ends | None:
    return wilson(float(confusion[:, 1].sum()), float(confusion.sum()), level)


def _of_alarms(confusion: Floats, level: float) -> Ends | None:
    negative = float(confusion[0].sum())
    return wilson(float(confusion[0, 1]), negative, level) if negative > 0 else None


RATES = (
    Metric("selection_rate", selection_rate, closed=ClosedForm(RIGHT.method, _of_selected)),
    Metric("recall", true_positive_rate, closed=FOUND),
    Metric(
        "false_positive_rate",
        false_positive_rate,
        greater_is_better=False,
        closed=ClosedForm(RIGHT.method, _of_alarms, "it is not defined: no row is negative"),
    ),
)
"""What demographic parity and equalised odds are made of."""
