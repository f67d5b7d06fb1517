"""AS203 undeclared-time-order: rows recorded one after the other, divided as if they were not.

A model that learns from days before and after the one it is judged on interpolates; in use it must
extrapolate. A date may also just describe a row (a birth date), and then the target bends with it
but does not hang together from one date to the next. The data alone cannot decide, so it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.clocks import Clock, find_clocks, ticks_of
from assay.checks.probe import Cost, Whole, columns_of, cost, encoded, errors, target_columns
from assay.data.schema import Role
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 100
BENDS = 7
LEAST_ALIKE = 0.05
LEAST_ALIKE_Z = 5.0
BLOCKS = 40
BLOCK_ROWS = 20
LEAST_WANDER = 0.01
LEAST_WANDER_Z = 4.0
MOST_PROBED = 3
WINDOWS = 20
WINDOW_ROWS = 250
PIECES = 5
PIECE_ROWS = 20
STEPS = 5
LEAST_DROP = 0.01
LEAST_Z = 2.0
MOST_OVERLAP = 0.05


@dataclass(frozen=True)
class Hang:
    """How a target hangs together along a clock, beyond its bends.

    Attributes:
        alike: Correlation of the target with that of the next row in time.
        wander: Share of variance between blocks of time, less what chance gives.
        wander_z: The same in standard errors: F - 1 over its spread, with one target column.
        n: Rows that have an instant.
    """

    alike: float
    wander: float
    wander_z: float
    n: int

    @property
    def is_plain(self) -> bool:
        neighbours = self.alike >= max(LEAST_ALIKE, LEAST_ALIKE_Z / np.sqrt(self.n))
        return neighbours or (self.wander >= LEAST_WANDER and self.wander_z >= LEAST_WANDER_Z)


class UndeclaredTimeOrder:
    """Finds dates and counters along which the target hangs together."""

    code = "AS203"
    name = "undeclared-time-order"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Learn from the past only, where neighbours in time are alike."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell time from luck")
        roles = {c.role.value: c.name for c in view.schema.columns}
        if "time" in roles:
            return NotApplicable(f"time is declared: {roles['time']}")
        if Role.SPLIT.value in roles:
            return NotApplicable(f"the split is as column {roles[Role.SPLIT.value]} says")
        clocks = find_clocks(view)
        if not clocks:
            return NotApplicable("no column holds dates or counts time")
        if view.was_divided and any(_is_forward(clock, view) for clock in clocks):
            return NotApplicable("the test rows are later than the training rows")
        hanging = [(_hang(clock, view), clock) for clock in clocks]
        hanging = [(hang, clock) for hang, clock in hanging if hang.is_plain]
        hanging.sort(key=lambda each: (len(each[1].columns), -each[0].alike, each[1].columns))
        for hang, clock in hanging[:MOST_PROBED]:
            measured = _cost_of(clock, view)
            if measured is not None:
                return [_finding(clock, hang, measured, view)]
        return []


def _is_forward(clock: Clock, view: View) -> bool:
    """Whether the test begins where training ends, but for a few rows."""
    assert view.test is not None
    assert view.raw_test is not None
    test = ticks_of(clock, view.test, view.raw_test)
    test, train = test[np.isfinite(test)], clock.ticks[np.isfinite(clock.ticks)]
    if not len(test):
        return False
    return bool(np.quantile(train, 1 - MOST_OVERLAP) <= np.quantile(test, MOST_OVERLAP))


def _hang(clock: Clock, view: View) -> Hang:
    """How the target hangs together, over all rows whose target may be seen."""
    target = view.train.known_target
    if view.test is None or view.test.target is None:
        return hang_together(clock, columns_of(target, view.schema))
    assert view.raw_test is not None
    ticks = np.append(clock.ticks, ticks_of(clock, view.test, view.raw_test))
    target = np.concatenate([target, view.test.target])
    return hang_together(Clock(clock.columns, ticks), columns_of(target, view.schema))


def hang_together(clock: Clock, truth: Floats) -> Hang:
    """How the target hangs together along a clock once its bends are taken out.

    The bends are a polynomial of degree BENDS over the rows in their order: what an age or a year
    of building does to a target. Rows of the same instant are in random order.
    """
    order = _in_order(clock)
    n = len(order)
    n_blocks = min(BLOCKS, n // BLOCK_ROWS)
    if n_blocks <= BENDS + 1:
        return Hang(0.0, 0.0, 0.0, n)
    bends = np.polynomial.legendre.legvander(np.linspace(-1, 1, n), BENDS)
    rest = truth[order] - bends @ np.linalg.lstsq(bends, truth[order], rcond=None)[0]
    spread = float((rest**2).sum())
    if spread <= 0:
        return Hang(0.0, 0.0, 0.0, n)
    block = np.arange(n) * n_blocks // n
    sums = np.stack([np.bincount(block, column) for column in rest.T])
    between = float((sums**2 / np.bincount(block)).sum())
    free = n_blocks - BENDS - 1
    ratio = (between / free) / max((spread - between) / (n - n_blocks), 1e-12 * spread)
    return Hang(
        alike=float((rest[1:] * rest[:-1]).sum()) / spread,
        wander=between / spread - free / n,
        wander_z=float((ratio - 1) * np.sqrt(free / 2)),
        n=n,
    )


def _in_order(clock: Clock) -> Whole:
    """Positions of the rows that have an instant, in the order of time."""
    known = np.flatnonzero(np.isfinite(clock.ticks))
    chance = np.random.default_rng(0).random(len(known))
    return known[np.lexsort((chance, clock.ticks[known]))]


def _cost_of(clock: Clock, view: View) -> Cost | None:
    """What learning from the past only costs a small forest; None where that may be luck.

    Time is cut into windows; at each step the forest learns from the windows before, or from as
    many rows of all windows, and is judged on the same rows of the next windows, half of them at a
    time, so that the other half can be learnt from.
    """
    rows, window = _sampled(_in_order(clock))
    part = view.train.take(rows)
    truth = target_columns(part)
    X = encoded(part)
    pieces = np.arange(len(rows)) // max(PIECE_ROWS, len(rows) // (WINDOWS * PIECES))
    judged, before, after = [], [], []
    random = np.random.default_rng(0)
    for step in range(STEPS):
        begin, end = (WINDOWS // 2 + (step + up) * WINDOWS // (2 * STEPS) for up in (0, 1))
        past = np.flatnonzero(window < begin)
        following = random.permutation(np.flatnonzero((window >= begin) & (window < end)))
        for held_out in np.array_split(following, 2):
            others = np.setdiff1d(np.arange(len(rows)), held_out)
            mixed = np.sort(random.permutation(others)[: len(past)])
            before.append((errors(X, truth, mixed, held_out) ** 2).sum(axis=1))
            judged.append(held_out)
        after.append((errors(X, truth, past, following) ** 2).sum(axis=1))
    at = np.concatenate(judged)
    measured = cost(np.concatenate(before), np.concatenate(after), truth[at], pieces[at])
    return measured if measured.z >= LEAST_Z and measured.drop >= LEAST_DROP else None


def _sampled(order: Whole) -> tuple[Whole, Whole]:
    """Rows of windows spread over the whole time, in its order, and the window of each."""
    size = min(WINDOW_ROWS, len(order) // WINDOWS)
    starts = np.linspace(0, len(order) - size, WINDOWS).astype(np.int64)
    rows = np.concatenate([order[start : start + size] for start in starts])
    return rows, np.repeat(np.arange(WINDOWS), size)


def _finding(clock: Clock, hang: Hang, measured: Cost, view: View) -> Finding:
    target = view.predicted
    one = len(clock.columns) == 1
    made = "" if one else f"make one column of {clock.name}, then "
    role = clock.columns[0] if one else "that column"
    return Finding(
        code=UndeclaredTimeOrder.code,
        severity=Severity.ASK,
        title=f"Along {clock.name} {target} hangs together, and rows are divided at random.",
        evidence={
            "correlation with the next row in time": round(hang.alike, 3),
            "variance between blocks of time": round(hang.wander, 4),
            "explained, rows at random": round(measured.before, 4),
            "explained, learning from the past": round(measured.after, 4),
            "standard errors apart": round(measured.z, 1),
        },
        columns=clock.columns,
        effect=f"Learning only from the rows before, a small forest explains {measured.after:.0%} "
        f"of {target} instead of {measured.before:.0%}.",
        inflation=round(measured.drop, 4),
        mend=f"Will the model predict rows later than those it learns from? If so:\n"
        f"{made}data: {{roles: {{time: {role!r}}}, split: {{by: time}}}}\n"
        "If the date only describes the row:\n"
        f"checks: {{accept: {{{UndeclaredTimeOrder.code}: 'it describes the row'}}}}",
    )
