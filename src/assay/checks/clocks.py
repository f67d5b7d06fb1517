"""Clocks: columns along which rows may have been recorded, found by type, name and file order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.checks.base import View
from assay.data.dataset import Part
from assay.data.schema import Kind
from assay.predictions import Floats

FEWEST_TICKS = 5
DAYS = {"year": 372.0, "month": 31.0, "day": 1.0, "hour": 1 / 24, "minute": 1 / 1440}
_WORDS = {
    "year": "year", "yr": "year", "month": "month", "mo": "month", "mon": "month", "day": "day",
    "hour": "hour", "hr": "hour", "minute": "minute", "min": "minute",
}  # fmt: skip
_COUNTERS = {"date", "time", "timestamp", "day", "week", "month", "quarter", "year", "period"}
_BIRTHS = {"birth", "birthday", "birthdate", "born", "dob"}
_DAY_US = 86_400e6


@dataclass(frozen=True)
class Clock:
    """When each row may have been recorded.

    Attributes:
        columns: The columns that say so: one of dates, or the parts of a calendar date.
        ticks: The instants as numbers that rise with time, NaN where unknown, shape (n,).
    """

    columns: tuple[str, ...]
    ticks: Floats

    @property
    def name(self) -> str:
        return ", ".join(self.columns)


def find_clocks(view: View) -> list[Clock]:
    """Columns of dates, calendar parts that go together, and numbers that rise through the file."""
    usable = [
        c
        for c in view.schema.columns
        if c.role.value in ("feature", "id", "segment", "ignored")
        and not _BIRTHS & {*_words(c.name)}
    ]
    numbers = {c.name: _numbers(view.raw_train[c.name]) for c in usable if c.kind is Kind.NUMERIC}
    dates = {
        c.name: _days(c.name, view.train, view.raw_train) for c in usable if c.kind is Kind.DATETIME
    }
    clocks = [Clock((name,), ticks) for name, ticks in dates.items() if ticks is not None]
    clocks += _calendars(numbers)
    known = {name for clock in clocks for name in clock.columns}
    clocks += [
        Clock((name,), ticks)
        for name, ticks in numbers.items()
        if name not in known and _counts_on(name, ticks)
    ]
    ticking = [c for c in clocks if len(np.unique(c.ticks[np.isfinite(c.ticks)])) >= FEWEST_TICKS]
    return sorted(ticking, key=lambda clock: clock.columns)


def ticks_of(clock: Clock, part: Part, raw: pa.Table) -> Floats:
    """What the clock shows of other rows, shape (n,).

    Args:
        clock: Found in training.
        part: The rows.
        raw: The same as they are stored.
    """
    kinds = {c.name: c.kind for c in part.schema.columns}
    if kinds[clock.columns[0]] is Kind.DATETIME:
        days = _days(clock.columns[0], part, raw)
        return np.full(len(part), np.nan) if days is None else days
    numbers = {name: _numbers(raw[name]) for name in clock.columns}
    dates = (each.ticks for each in _calendars(numbers) if each.columns == clock.columns)
    return next(dates, numbers[clock.columns[0]])


def _calendars(numbers: Mapping[str, Floats]) -> list[Clock]:
    """Year, month, day, hour under names that say the same else: 'Yr.Sold' with 'Mo.Sold'.

    One part alone counts only under its bare name: 'Year.Built' describes a house.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in sorted(numbers):
        words = _words(name)
        for word in words:
            if word in _WORDS:
                rest = tuple(other for other in words if other != word)
                found.setdefault(rest, {}).setdefault(_WORDS[word], name)
    clocks = []
    for rest, parts in found.items():
        units = _leading(list(parts))
        if len(units) > 1 or (units and not rest):
            ticks = sum(numbers[parts[unit]] * DAYS[unit] for unit in units)
            clocks.append(Clock(tuple(parts[unit] for unit in units), np.asarray(ticks)))
    return clocks


def _leading(present: Sequence[str]) -> list[str]:
    """Units from the year, or the month, downwards without a gap.

    >>> _leading(['day', 'month', 'minute']), _leading(['hour', 'day'])
    (['month', 'day'], [])
    """
    units = list(DAYS)
    start = next((i for i, unit in enumerate(units[:2]) if unit in present), len(units))
    taken = []
    for unit in units[start:]:
        if unit not in present:
            break
        taken.append(unit)
    return taken


def _counts_on(name: str, ticks: Floats) -> bool:
    """Whether whole numbers rise through the file and either never repeat or say what they are."""
    known = ticks[np.isfinite(ticks)]
    if len(known) < len(ticks) or len(known) < 2 or (known % 1 != 0).any():
        return False
    rises = bool((np.diff(known) >= 0).all())
    return rises and (len(np.unique(known)) == len(known) or bool(_COUNTERS & {*_words(name)}))


def _words(name: str) -> list[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return [word for word in re.split(r"[^a-z]+", apart) if word]


def _numbers(values: pa.ChunkedArray) -> Floats:
    return np.asarray(values.cast(pa.float64(), safe=False).to_pandas(), dtype=np.float64)


def _days(name: str, part: Part, raw: pa.Table) -> Floats | None:
    """Days since 1970; None if the dates are neither a feature nor stored as such."""
    if name in part.features:
        return part.features[name].to_numpy(dtype=np.float64)
    values = raw[name]
    if not pa.types.is_timestamp(values.type):
        return None
    instants = pc.fill_null(values.cast(pa.int64()), 0).to_numpy().astype(np.float64)
    return np.where(values.is_valid().to_numpy(), instants / _DAY_US, np.nan)
