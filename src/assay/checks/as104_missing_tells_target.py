"""AS104 missing-tells-target: whether a value is there at all says what is to be predicted.

A column that is filled only after the outcome (a refund, a date of closing) gives it away before
its values are even read. What is missing may honestly depend on what is predicted, through
something that drives both; so the odds of being missing must differ between the outcomes by a
factor of 20, at the lower end of their interval (Haldane's half added to each count; the level
counts how many columns and outcomes are tried), and the difference must concern a quarter of the
rows of one side. Numbers are cut at their deciles, and each cut is an outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from assay.checks.base import View
from assay.checks.worth import worth
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 50
FEWEST_MISSING = 10
LEAST_ODDS = 20.0
LEAST_DIFFERENCE = 0.25
LEVEL = 0.01
SHOWN = 3


@dataclass(frozen=True)
class Gap:
    """Columns that lack their value in the same rows, and the outcome that these rows say.

    Attributes:
        columns: The columns.
        outcome: The outcome in words, as "'churn' is 'yes'".
        inside: Share of the rows of that outcome without a value.
        outside: Share of all other rows without one.
        least_odds: Lower end of the interval of the odds ratio, never below 1.
        differs: Rows that the gap and the outcome tell apart.
    """

    columns: tuple[str, ...]
    outcome: str
    inside: float
    outside: float
    least_odds: float
    differs: int


class MissingTellsTarget:
    """Finds columns whose gaps, or whose being filled, say the outcome."""

    code = "AS104"
    name = "missing-tells-target"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare how often values are missing by outcome."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell gaps that speak from chance")
        missing = _patterns(view.train)
        if not missing:
            return NotApplicable(f"no feature lacks its value in {FEWEST_MISSING} rows or more")
        return [_finding(gap, view) for gap in telling_gaps(missing, view.train)]


def telling_gaps(missing: Mapping[tuple[str, ...], NDArray[np.bool_]], train: Part) -> list[Gap]:
    """The gaps that say an outcome, the most telling first.

    Args:
        missing: Which rows lack the value, shape (n,), by the columns that agree in it.
        train: The rows with their targets.
    """
    names, outcomes = _outcomes(train)
    gaps = np.column_stack(list(missing.values())).astype(np.float64)
    both = gaps.T @ outcomes
    n_gap, n_outcome = gaps.sum(axis=0)[:, None], outcomes.sum(axis=0)[None, :]
    cells = np.stack([both, n_outcome - both, n_gap - both, len(gaps) - n_gap - n_outcome + both])
    log_odds = np.tensordot([1, -1, -1, 1], np.log(cells + 0.5), axes=1)
    error = np.sqrt((1 / (cells + 0.5)).sum(axis=0))
    least = np.abs(log_odds) - norm.isf(LEVEL / both.size / 2) * error
    inside = both / np.maximum(n_outcome, 1)
    outside = (n_gap - both) / np.maximum(len(gaps) - n_outcome, 1)
    apart = np.abs(inside - outside)
    found = []
    for i, columns in enumerate(missing):
        told = np.where(least[i] >= np.log(LEAST_ODDS), apart[i], 0.0)
        j = int(told.argmax())
        if told[j] >= LEAST_DIFFERENCE:
            wrong = (cells[1] + cells[2])[i, j]
            differs = int(min(wrong, len(gaps) - wrong))
            at = float(inside[i, j]), float(outside[i, j]), float(np.exp(least[i, j]))
            found.append(Gap(columns, names[j], *at, differs))
    return sorted(found, key=lambda gap: (-abs(gap.inside - gap.outside), gap.columns))


def _patterns(train: Part) -> dict[tuple[str, ...], NDArray[np.bool_]]:
    """Which rows lack a value, by the names of the features that lack it in the same rows."""
    found: dict[bytes, tuple[list[str], NDArray[np.bool_]]] = {}
    for name in sorted(train.features.columns):
        mask = train.features[name].isna().to_numpy()
        if FEWEST_MISSING <= mask.sum() <= len(mask) - FEWEST_MISSING:
            found.setdefault(np.packbits(mask).tobytes(), ([], mask))[0].append(name)
    return {tuple(names): mask for names, mask in found.values()}


def _outcomes(train: Part) -> tuple[list[str], Floats]:
    """Outcomes in words, and which rows have them, shape (n, k)."""
    target = train.known_target
    if train.schema.task is not Task.REGRESSION:
        codes = train.schema.codes(target)
        classes = [f"{train.schema.target!r} is {each!r}" for each in train.schema.classes]
        of = range(len(classes)) if len(classes) > 2 else [len(classes) - 1]
        return [classes[code] for code in of], np.eye(len(classes))[codes][:, list(of)]
    cuts = np.unique(np.quantile(target, np.linspace(0.1, 0.9, 9)))
    names = [f"{train.schema.target!r} is above {cut:.6g}" for cut in cuts]
    return names, (target[:, None] > cuts[None, :]).astype(np.float64)


def _finding(gap: Gap, view: View) -> Finding:
    shown = ", ".join(f"'{name}'" for name in gap.columns[:SHOWN])
    more = f" and {len(gap.columns) - SHOWN} more" if len(gap.columns) > SHOWN else ""
    verb = "is" if len(gap.columns) == 1 else "are"
    return Finding(
        code=MissingTellsTarget.code,
        # Where not one row differs, the column is the outcome, whatever its values are.
        severity=Severity.WARN if gap.differs == 0 else Severity.ASK,
        title=f"{shown}{more} {verb} missing in {gap.inside:.0%} of the rows where {gap.outcome}, "
        f"and in {gap.outside:.0%} of the others.",
        evidence={
            "missing with the outcome": round(gap.inside, 4),
            "missing without it": round(gap.outside, 4),
            "odds ratio at least": round(gap.least_odds, 1),
            "outcome": gap.outcome,
        },
        columns=gap.columns,
        **worth(view.train, gap.columns),
        mend="Is the value filled in, or left out, after the outcome is known? If so:\n"
        f"data: {{roles: {{ignore: [{', '.join(repr(name) for name in gap.columns)}]}}}}\n"
        "If not:\n"
        f"checks: {{accept: {{{MissingTellsTarget.code}: 'missing for another reason: ...'}}}}",
    )
