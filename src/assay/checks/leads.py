"""Leads: whether a column follows from what another one is only going to be.

A column that is computed from another obeys its equation on every row: a shift, a mean, any
weighted sum of the values around, or one of these values (a maximum). If the equation holds with
the values to come and does not hold without them, the column knows the future, and no chance
explains it. The same table read the other way would accuse an honest column of being ahead of its
own lag, so what follows from the past of another column is never itself a yardstick.

Blurred, an equation no longer holds; then the share of what the past leaves open that the values to
come explain is measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from assay.checks.encodings import half_unit
from assay.checks.windows import Series
from assay.predictions import Floats

NEARLY_ALL = 0.99
STRICT = 20
EXACT = 1e-8
LEAST_ONLY_AHEAD = 0.1
FEWEST_WINDOWS = 100
MOSTLY_DISTINCT = 0.5
LEAST_GAIN = 0.5
LEAST_OPEN = 0.02
_BEHIND = re.compile(r"lag|prev|past|last|ago|before|yesterday|earlier|hist", re.IGNORECASE)


class Follows(StrEnum):
    """From what a column follows exactly."""

    PAST = "past"
    FUTURE = "future"


@dataclass(frozen=True)
class Lead:
    """A column that knows what another is going to be.

    Attributes:
        column: It.
        of: The other; None for the target.
        is_exact: Whether an equation proves it.
        explained: With the values to come, share of its variance explained.
        explained_before: Without them.
    """

    column: str
    of: str | None
    is_exact: bool
    explained: float
    explained_before: float


def leads_of(series: Series) -> list[Lead]:
    """Columns that follow from the future of another, or of the target; one of each."""
    found: dict[str, Lead] = {}
    ties = {name: _exact(series, series.columns[name], name) for name in series.columns}
    behind = {column for tie in ties.values() for column, how in tie.items() if how is Follows.PAST}
    yardsticks = [
        name for name in series.columns if name not in behind and not _BEHIND.search(name)
    ]
    for column in _exact_of_target(series):
        found[column] = _proved(series, column, None)
    for name in yardsticks:
        for column, how in ties[name].items():
            if how is Follows.FUTURE and column not in found:
                found[column] = _proved(series, column, name)
    # Whose own past is in the table is what was measured then, and whatever trails it is behind.
    measured = {name for name, tie in ties.items() if Follows.PAST in tie.values()}
    late = {name for name in series.columns if _BEHIND.search(name)}
    blurred = [name for name in yardsticks if name not in found]
    for lead in _blurred(series, blurred, {*found, *behind, *measured, *late}):
        found.setdefault(lead.column, lead)
    return [found[name] for name in sorted(found)]


def _proved(series: Series, column: str, of: str | None) -> Lead:
    explained, before = _explained(series, [column], of)
    return Lead(column, of, True, float(explained[0]), float(before[0]))


def _exact(
    series: Series, values: Floats, own: str | None, first: int = 1
) -> Mapping[str, Follows]:
    """Columns that follow exactly from values around, by whether those to come are needed.

    Args:
        series: The rows.
        values: Another column, shape (n,).
        own: Its name; None for the target.
        first: The first step that counts as the future: 0 for the target, since its value now is
            what is to be predicted.
    """
    window = series.window(values)
    n_past = series.reach + first
    found = {}
    complete = np.isfinite(window).all(axis=1)
    for name, column in series.columns.items():
        here = column[series.middle]
        at = complete & np.isfinite(here)
        if name == own or at.sum() < FEWEST_WINDOWS or np.std(here[at]) == 0:
            continue
        if _follows(window[at, :n_past], here[at]):
            found[name] = Follows.PAST
        elif _follows(window[at], here[at]) and _only_ahead(window[at], here[at], n_past):
            found[name] = Follows.FUTURE
    return found


def _exact_of_target(series: Series) -> list[str]:
    """Columns that follow from the target of the same row or of later ones."""
    found = _exact(series, series.target, None, first=0)
    return [name for name, how in found.items() if how is Follows.FUTURE]


def _follows(window: Floats, here: Floats) -> bool:
    """Whether a column is a weighted sum of values in a window, or always one of them."""
    unit, unit_there = half_unit(here), half_unit(window[:, 0])
    few = slice(0, 4 * window.shape[1])
    for rows in (few, slice(None)):
        missed, factors = _fit(window[rows], here[rows])
        bound = 2 * (unit + np.abs(factors[1:]).sum() * unit_there) + EXACT * np.abs(here).max()
        if np.quantile(np.abs(missed), NEARLY_ALL) > min(bound, np.std(here) / STRICT):
            return _is_one_of(window, here, unit + unit_there)
    return True


def _is_one_of(window: Floats, here: Floats, room: float) -> bool:
    if len(np.unique(here)) < MOSTLY_DISTINCT * len(np.unique(window[:, 0])) / window.shape[1]:
        return False
    if len(np.unique(window[:, 0])) < MOSTLY_DISTINCT * len(window):
        return False
    room += EXACT * float(np.abs(here).max())
    return bool((np.abs(window - here[:, None]).min(axis=1) <= room).mean() >= NEARLY_ALL)


def _only_ahead(window: Floats, here: Floats, n_past: int) -> bool:
    """Whether the past falls short on a good part of the rows, not on a few odd ones."""
    missed, _ = _fit(window[:, :n_past], here)
    unit = half_unit(here) + half_unit(window[:, 0])
    near = np.abs(window[:, :n_past] - here[:, None]).min(axis=1)
    room = unit + EXACT * np.abs(here).max()
    return bool((np.minimum(np.abs(missed), near) > 2 * room).mean() >= LEAST_ONLY_AHEAD)


def _fit(window: Floats, aim: Floats) -> tuple[Floats, Floats]:
    """What the best weighted sum misses, and its weights, the constant first."""
    design = np.column_stack([np.ones(len(window)), window])
    factors = np.linalg.lstsq(design, aim, rcond=None)[0]
    return np.asarray(aim - design @ factors), np.asarray(factors, dtype=np.float64)


def _explained(series: Series, columns: Sequence[str], of: str | None) -> tuple[Floats, Floats]:
    """Shares of columns' variance that another one's window explains, and its past alone, (k,)."""
    values, first = (series.target, 0) if of is None else (series.columns[of], 1)
    window = series.window(values)
    at = np.isfinite(window).all(axis=1)
    if at.sum() < FEWEST_WINDOWS:
        return np.zeros(len(columns)), np.zeros(len(columns))
    here = np.column_stack([series.columns[name][series.middle][at] for name in columns])
    gaps = ~np.isfinite(here)
    means = np.where(gaps, 0, here).sum(axis=0) / np.maximum((~gaps).sum(axis=0), 1)
    here = np.where(gaps, 0, here - means)
    spread = np.maximum((here**2).sum(axis=0), np.finfo(float).tiny)
    with_future, without = (
        1 - (_fit(part, here)[0] ** 2).sum(axis=0) / spread
        for part in (window[at], window[at, : series.reach + first])
    )
    return with_future, without


def _blurred(series: Series, among: list[str], done: set[str]) -> list[Lead]:
    """Columns of which the past of another leaves open what its future explains, best first."""
    found = []
    for name in among:
        columns = [each for each in series.columns if each != name and each not in done]
        if not columns:
            continue
        for column, explained, before in zip(
            columns, *_explained(series, columns, name), strict=True
        ):
            if explained - before >= max(LEAST_OPEN, LEAST_GAIN * (1 - before)):
                found.append(Lead(column, name, False, float(explained), float(before)))
    found.sort(key=lambda lead: (lead.explained_before - lead.explained, lead.column))
    accused: dict[str, str | None] = {}
    kept = []
    for lead in found:
        # Of two that accuse each other the one that is accused the more is at fault.
        if lead.of not in accused and lead.column not in accused:
            accused[lead.column] = lead.of
            kept.append(lead)
    return kept
