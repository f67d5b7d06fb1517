"""Performance: what predictions were worth, once outcomes have come.

Two answers: the metric that the run was decided by, with its interval, over time; and each row's
loss, which is held against that of training as a column is, so that a change for the worse is told
from chance by the same rule. Outcomes count in the hour in which they came: those that come late
change no earlier look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.schema import Schema, Task
from assay.estimates import Estimate
from assay.evaluation.intervals import replicate
from assay.evaluation.outcome import Outcome
from assay.inference.reference import LOSS, Reference, losses
from assay.serving.monitoring.hourly import Answered, Hourly, Key

_MOST_PERIODS = 12
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class Known:
    """What came true of a row.

    Attributes:
        truth: A label, a list of labels or a number.
        hour: The number of the hour in which it was told.
    """

    truth: Any
    hour: int


@dataclass(frozen=True)
class Period:
    """The metric of rows that were answered in some days.

    Attributes:
        first: The number of the first hour.
        last: Of the last hour.
        estimate: With its interval.
    """

    first: int
    last: int
    estimate: Estimate


@dataclass(frozen=True)
class Performance:
    """What predictions were worth.

    Attributes:
        metric: Which metric.
        training: Its value on rows of training that were held out.
        rows: Which rows those were.
        overall: Over all outcomes; None without any.
        periods: Over time.
        n_odd: Outcomes that are none of the model's classes, or no numbers.
    """

    metric: str
    training: Estimate
    rows: str
    overall: Estimate | None
    periods: tuple[Period, ...]
    n_odd: int = 0


def performance_of(
    answered: Sequence[Answered],
    known: Mapping[Key, Known],
    reference: Reference,
    schema: Schema,
    hourly: Hourly,
) -> tuple[Performance, Hourly]:
    """Put outcomes beside what was answered.

    Args:
        answered: Rows of the sample whose outcome is known, in order of time.
        known: What came true, by row.
        reference: How training was.
        schema: Of the model.
        hourly: Counts of the other columns.

    Returns:
        The performance, and the counts with those of the loss.
    """
    level = float(reference.metric["level"])
    found = Performance(reference.primary, Estimate(**reference.metric), reference.rows, None, ())
    parts = [_matched(each, known, schema) for each in answered] if known else []
    n_odd = sum(each.n_odd for each in parts)
    parts = [each for each in parts if len(each.hours)]
    if not parts:
        return replace(found, n_odd=n_odd), hourly
    outcome, hours, told = _joined(parts, schema)
    estimates = [
        Period(int(hours[rows[0]]), int(hours[rows[-1]]),
               _estimated(outcome.take(rows), found.metric, level))
        for rows in _periods(hours)
    ]  # fmt: skip
    overall = _estimated(outcome, found.metric, level)
    counted = _with_losses(outcome, told, reference, hourly)
    return replace(found, overall=overall, periods=tuple(estimates), n_odd=n_odd), counted


@dataclass(frozen=True)
class _Matched:
    """Rows of a day whose outcome is known: truth and decisions as `Outcome` has them."""

    truth: NDArray[Any]
    decided: NDArray[Any]
    probabilities: NDArray[Any] | None
    hours: NDArray[np.int64]
    told: NDArray[np.int64]
    n_odd: int


def _matched(day: Answered, known: Mapping[Key, Known], schema: Schema) -> _Matched:
    """The rows of a day of which something is known."""
    code = {str(label): place for place, label in enumerate(schema.classes)}
    rows, truths, said, told, n_odd = [], [], [], [], 0
    for row, key in enumerate(zip(day.request_ids, day.places.tolist(), strict=True)):
        outcome = known[key]
        try:
            truth = _coded(outcome.truth, schema, code)
            answer = _coded(day.labels[row], schema, code)
        except (KeyError, ValueError, TypeError):
            n_odd += 1
            continue
        rows.append(row)
        truths.append(truth)
        said.append(answer)
        told.append(outcome.hour)
    at = np.array(rows, dtype=np.int64)
    kind = np.float64 if schema.task is Task.REGRESSION else np.int64
    return _Matched(
        truth=np.array(truths, dtype=kind),
        decided=np.array(said, dtype=kind),
        probabilities=None if day.probabilities is None else day.probabilities[at],
        hours=day.hours[at],
        told=np.array(told, dtype=np.int64),
        n_odd=n_odd,
    )


def _coded(said: Any, schema: Schema, code: Mapping[str, int]) -> Any:
    """A label as its position, labels as zeros and ones, a number as itself.

    Raises:
        KeyError: It is none of the classes.
        ValueError: It is no number.
        TypeError: As well.
    """
    if schema.task is Task.MULTILABEL:
        row = [0] * len(code)
        for each in said:
            row[code[str(each)]] = 1
        return row
    if schema.task is not Task.REGRESSION:
        return code[str(said)]
    if not np.isfinite(float(said)):
        raise ValueError("an outcome that is no number")
    return float(said)


def _joined(
    parts: Sequence[_Matched], schema: Schema
) -> tuple[Outcome, NDArray[np.int64], NDArray[np.int64]]:
    """All rows as one outcome, with the hours they were answered and told in."""
    truth, decided, hours, told = (
        np.concatenate([getattr(each, name) for each in parts])
        for name in ("truth", "decided", "hours", "told")
    )
    rows = np.arange(len(hours))
    if schema.task is Task.REGRESSION:
        return Outcome(schema.task, rows, truth, values=decided), hours, told
    probabilities = np.concatenate([each.probabilities for each in parts])
    outcome = Outcome(schema.task, rows, truth, schema.classes, probabilities, decided)
    return outcome, hours, told


def _periods(hours: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each period: days, or as many days as make a dozen periods."""
    days = hours // _HOURS_A_DAY
    width = -(-int(days[-1] - days[0] + 1) // _MOST_PERIODS)
    number = (days - days[0]) // width
    return [np.flatnonzero(number == each) for each in np.unique(number)]


def _estimated(outcome: Outcome, metric: str, level: float) -> Estimate:
    [found] = replicate([outcome], "auto", [metric])
    return found.estimate(metric, level)


def _with_losses(
    outcome: Outcome, told: NDArray[np.int64], reference: Reference, hourly: Hourly
) -> Hourly:
    """The counts with those of the loss, by the hour in which outcomes came."""
    [column] = [each for each in reference.columns if each.role == LOSS]
    lost = losses(outcome.task, outcome.truth, outcome.probabilities, outcome.values)
    within = (told >= hourly.first) & (told < hourly.first + hourly.n)
    counts = np.zeros((hourly.n, len(column.counts) + 1))
    np.add.at(counts, (told[within] - hourly.first, column.bins_of(lost)[within]), 1)
    return replace(hourly, counts={**hourly.counts, (column.name, column.role): counts})
