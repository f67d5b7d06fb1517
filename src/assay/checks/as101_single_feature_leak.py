"""AS101 single-feature-leak: one feature that alone says what is to be predicted.

Measures each feature's skill: the share of the target's deviance that its own bins explain, out of
fold. A leak stands out from the other features by a jump; a strong honest feature seldom does
(docs/checks/AS101.md has the numbers). The data alone cannot decide, so it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.checks.base import View
from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

MOST_BINS = 64
ROWS_PER_BIN = 20
FOLDS = 5
FEWEST_ROWS = 50
LEAST_SKILL = 0.4
JUMP = 1.6
AMONG = 4
CERTAIN = 0.98
_EPS = 1e-6


class SingleFeatureLeak:
    """Finds features whose skill jumps out from that of the others."""

    code = "AS101"
    name = "single-feature-leak"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the skills of all features."""
        if len(view.train) < FEWEST_ROWS:
            return NotApplicable(f"{len(view.train)} rows are too few to tell skill from luck")
        skills = feature_skills(view.train)
        ranked = sorted(skills, key=lambda name: -skills[name])
        flagged = _standing_out([skills[name] for name in ranked])
        following = ranked[flagged] if flagged < len(ranked) else None
        return [
            _finding(name, skills, following, view.train.schema.target) for name in ranked[:flagged]
        ]


def feature_skills(train: Part) -> dict[str, float]:
    """Share of the target's deviance that each feature explains alone, out of fold, by name.

    Deviance is twice the log loss for classes and the squared error for numbers; 0 is no better
    than the mean, 1 is perfect.
    """
    truth = _as_columns(train)
    folds = np.random.default_rng(0).permutation(len(train)) % FOLDS
    null = _deviance(truth, _bin_means(np.zeros(len(train), dtype=np.int64), folds, truth), train)
    kinds = {column.name: column.kind for column in train.schema.features}
    skills = {}
    for name, kind in kinds.items():
        bins = _bins(train.features[name], kind)
        deviance = _deviance(truth, _bin_means(bins, folds, truth), train)
        skills[name] = 1 - deviance / null if null > 0 else 0.0
    return skills


def _standing_out(ranked: Sequence[float]) -> int:
    """How many of the first features stand out; `ranked` is falling.

    >>> _standing_out([0.97, 0.3, 0.2]), _standing_out([0.5, 0.45, 0.4]), _standing_out([0.99])
    (1, 0, 1)
    """
    certain = sum(skill >= CERTAIN for skill in ranked)
    for position in reversed(range(min(AMONG, len(ranked) - 1))):
        skill, following = ranked[position], ranked[position + 1]
        if skill >= LEAST_SKILL and skill >= JUMP * max(following, 0.0):
            return max(position + 1, certain)
    return certain


def _as_columns(train: Part) -> Floats:
    """The target as indicator columns of its classes, or as one centred column, shape (n, k)."""
    target = train.known_target
    if train.schema.task is Task.REGRESSION:
        values = target.astype(np.float64)
        return (values - values.mean())[:, None]
    codes = train.schema.codes(target)
    return np.eye(len(train.schema.classes))[codes]


def _bins(values: Any, kind: Kind) -> NDArray[np.int64]:
    """Bins of a feature: quantiles of numbers, levels of categories, one for what is missing."""
    missing = values.isna().to_numpy()
    n_bins = min(MOST_BINS, max(2, len(values) // ROWS_PER_BIN))
    if kind is Kind.CATEGORICAL:
        codes, _ = _factorized(values)
        frequent = np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable")
        rank = np.empty(len(frequent), dtype=np.int64)
        rank[frequent] = np.arange(len(frequent))
        bins = np.minimum(rank[np.maximum(codes, 0)], n_bins - 1)
    else:
        numbers = values.to_numpy(dtype=np.float64)
        known = numbers[~missing]
        if len(known) == 0:
            return np.zeros(len(numbers), dtype=np.int64)
        edges = np.unique(np.quantile(known, np.linspace(0, 1, n_bins + 1)[1:-1]))
        bins = np.searchsorted(edges, np.where(missing, 0.0, numbers), side="right")
    return np.where(missing, n_bins, bins).astype(np.int64)


def _factorized(values: Any) -> tuple[NDArray[np.int64], Any]:
    import pandas as pd

    codes, levels = pd.factorize(values)
    return codes.astype(np.int64), levels


def _bin_means(bins: NDArray[np.int64], folds: NDArray[np.int64], truth: Floats) -> Floats:
    """Mean of the truth in each row's bin over the other folds, shrunk by one row to the mean."""
    cells = bins * FOLDS + folds
    size = (int(bins.max()) + 1) * FOLDS
    counts = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    others = counts.sum(axis=1, keepdims=True) - counts
    in_others = counts.sum() - counts.sum(axis=0)
    means = np.empty_like(truth)
    for column in range(truth.shape[1]):
        sums = np.bincount(cells, weights=truth[:, column], minlength=size).reshape(-1, FOLDS)
        overall = (sums.sum() - sums.sum(axis=0)) / in_others
        other_sums = sums.sum(axis=1, keepdims=True) - sums
        means[:, column] = ((other_sums + overall) / (others + 1))[bins, folds]
    return means


def _deviance(truth: Floats, means: Floats, train: Part) -> float:
    if train.schema.task is Task.REGRESSION:
        return float(((truth - means) ** 2).mean())
    probabilities = np.clip((truth * means).sum(axis=1), _EPS, 1)
    return float(-2 * np.log(probabilities).mean())


def _finding(name: str, skills: Mapping[str, float], following: str | None, target: str) -> Finding:
    skill = skills[name]
    evidence: dict[str, Any] = {"explained alone": round(skill, 4)}
    if following is not None:
        evidence["next feature"] = following
        evidence["explained by that"] = round(max(skills[following], 0.0), 4)
    return Finding(
        code=SingleFeatureLeak.code,
        severity=Severity.ASK,
        title=f"{name} alone explains {skill:.0%} of {target}.",
        evidence=evidence,
        columns=(name,),
        mend=f"Is {name} known when the prediction is made? If not:\n"
        f"data: {{roles: {{ignore: ['{name}']}}}}\n"
        f"If it is:\n"
        f"checks: {{accept: {{{SingleFeatureLeak.code}: 'known before, because ...'}}}}",
    )
