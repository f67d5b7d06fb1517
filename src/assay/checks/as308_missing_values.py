"""AS308 missing-values: features of which much is missing, or is missing where the target says so.

Why a value is missing decides what may be done about it, and nobody but who knows the data can say
why. What the table can say is whether gaps go with the target: then they are information, which an
imputed mean hides, or a leak (AS104). This is a note: something to look at before training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from assay.checks.base import View
from assay.data.schema import Kind, Role
from assay.findings import Finding, Severity

MUCH = 0.2
CHANCE = 1e-6
LEAST = 20
"""Rows with a gap, and rows without, from which on a pattern can be seen."""
SHOWN = 8


@dataclass(frozen=True)
class Gaps:
    """What is missing of a feature.

    Attributes:
        column: Its name.
        share: Share of the rows without a value.
        chance: Chance of gaps that go so with the target; 1 where they are too few to tell.
        pattern: Share of rows with a gap by class, or the mean of the target with and without.
    """

    column: str
    share: float
    chance: float
    pattern: Mapping[str, float]


class MissingValues:
    """Notes features with many gaps, and gaps that go with the target."""

    code = "AS308"
    name = "missing-values"

    def __call__(self, view: View, settings: Mapping[str, Any]) -> Sequence[Finding]:  # noqa: ARG002
        """Set the gaps of each feature against the target."""
        gaps = []
        for column in view.schema.columns:
            is_feature = column.role is Role.FEATURE and column.kind is not Kind.EMPTY
            if is_feature and column.missing:
                is_missing = view.raw_train[column.name].is_null().to_numpy()
                gaps.append(_gaps(column.name, is_missing, view))
        told = [each for each in gaps if each.share >= MUCH or each.chance < CHANCE]
        told.sort(key=lambda each: (each.chance, -each.share, each.column))
        return [_finding(told, view)] if told else []


def _gaps(name: str, is_missing: NDArray[np.bool_], view: View) -> Gaps:
    target, schema = view.train.known_target, view.schema
    share = float(is_missing.mean())
    if min(is_missing.sum(), (~is_missing).sum()) < LEAST:
        return Gaps(name, share, 1.0, {})
    if not schema.task.is_classification:
        known = target.astype(np.float64)
        chance = float(ks_2samp(known[is_missing], known[~is_missing], method="asymp").pvalue)
        means = {"mean with a gap": known[is_missing], "mean without": known[~is_missing]}
        return Gaps(name, share, chance, {key: _short(each.mean()) for key, each in means.items()})
    codes = schema.codes(target)
    n, k = np.bincount(codes), len(schema.classes)
    with_gap = np.bincount(codes[is_missing], minlength=k)
    chance = float(chi2_contingency(np.stack([with_gap, n - with_gap])[:, n > 0]).pvalue)
    shares = {
        str(schema.classes[at]): _short(with_gap[at] / n[at]) for at in np.argsort(-n)[:SHOWN]
    }
    return Gaps(name, share, chance, shares)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _finding(told: Sequence[Gaps], view: View) -> Finding:
    with_target = [each for each in told if each.chance < CHANCE]
    first = told[0]
    if with_target:
        what = f"gaps of '{first.column}' ({first.share:.0%}) go with {view.predicted}"
        rest = len(with_target) - 1
        more = f", and those of {rest} more feature{'s' * (rest > 1)}" if rest else ""
        title = f"The {what}{more}."
    else:
        rest = len(told) - 1
        title = f"{first.share:.0%} of '{first.column}' is missing"
        title += f", and much of {rest} more feature{'s' * (rest > 1)}." if rest else "."
    return Finding(
        code=MissingValues.code,
        severity=Severity.NOTE,
        title=title,
        evidence={
            each.column: {"missing": round(each.share, 4), "chance": each.chance, **each.pattern}
            for each in told[:SHOWN]
        },
        columns=tuple(each.column for each in told),
        mend="find out why they are missing before anything is filled in",
    )
