"""AS101 single-feature-leak: one feature that alone says what is to be predicted.

Measures each feature's skill: the share of the target's deviance that its own bins explain, out of
fold. A leak stands out from the other features by a jump; a strong honest feature seldom does
(docs/checks/AS101.md has the numbers). Two features may also leak by their difference only, as a
planned and an actual time do. The data alone cannot decide, so it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
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
ROWS_TO_CORRELATE = 5000
LEAST_CORRELATION = 0.7
MOST_SPREAD = 2.0
MOST_PAIRS = 40
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
        target = view.predicted
        best_left = max(skills[following], 0.0) if following is not None else 0.0
        pairs = _leaking_pairs(difference_skills(view.train, ranked[flagged:]), best_left)
        return [
            *(_finding(name, skills, following, target) for name in ranked[:flagged]),
            *(_pair_finding(pair, skill, best_left, target) for pair, skill in pairs),
        ]


def feature_skills(train: Part) -> dict[str, float]:
    """Share of the target's deviance that each feature explains alone, out of fold, by name.

    Deviance is twice the log loss for classes and the squared error for numbers; 0 is no better
    than the mean, 1 is perfect.
    """
    seen = [column for column in train.schema.features if column.kind is not Kind.IMAGE]
    kinds = {column.name: column.kind for column in seen}
    binned = {name: _bins(train.features[name], kind) for name, kind in kinds.items()}
    return _skills(binned, train)


def difference_skills(train: Part, among: Sequence[str]) -> dict[tuple[str, str], float]:
    """Skill of the differences of features that measure nearly the same, by pair of names.

    Only numbers that correlate and spread alike are worth subtracting, the most alike first.
    """
    import pandas as pd

    names = sorted({*among} & {*train.schema.named(Kind.NUMERIC, Kind.DATETIME)})
    few = train.features[names].iloc[:: max(1, len(train) // ROWS_TO_CORRELATE)]
    alike = few.corr(min_periods=FEWEST_ROWS).to_numpy()
    spread = few.std().to_numpy()
    pairs = [
        (-round(float(alike[i, j]), 9), names[i], names[j])
        for i, j in combinations(range(len(names)), 2)
        if alike[i, j] >= LEAST_CORRELATION
        and max(spread[i], spread[j]) <= MOST_SPREAD * min(spread[i], spread[j])
    ]
    differences = {
        (one, other): _bins(pd.Series(train.features[one] - train.features[other]), Kind.NUMERIC)
        for _, one, other in sorted(pairs)[:MOST_PAIRS]
    }
    return _skills(differences, train)


def _skills(binned: Mapping[Any, NDArray[np.int64]], train: Part) -> dict[Any, float]:
    truth = _as_columns(train)
    folds = np.random.default_rng(0).permutation(len(train)) % FOLDS
    null = _deviance(truth, _bin_means(np.zeros(len(train), dtype=np.int64), folds, truth), train)
    return {
        key: 1 - _deviance(truth, _bin_means(bins, folds, truth), train) / null if null > 0 else 0.0
        for key, bins in binned.items()
    }


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


def _leaking_pairs(
    skills: Mapping[tuple[str, str], float], best_left: float
) -> list[tuple[tuple[str, str], float]]:
    """Pairs that stand out, best first, without those whose features better pairs have named."""
    named: set[str] = set()
    leaking = []
    for pair, skill in sorted(skills.items(), key=lambda each: -each[1]):
        if skill >= LEAST_SKILL and skill >= JUMP * best_left and not named >= {*pair}:
            leaking.append((pair, skill))
            named |= {*pair}
    return leaking


def _as_columns(train: Part) -> Floats:
    """The target as indicator columns of its classes, or as one centred column, shape (n, k)."""
    target = train.known_target
    if train.schema.task is Task.REGRESSION:
        values = target.astype(np.float64)
        return (values - values.mean())[:, None]
    codes = train.schema.codes(target)
    return np.eye(len(train.schema.classes))[codes]


def _bins(values: Any, kind: Kind) -> NDArray[np.int64]:
    """Bins of a feature: quantiles of numbers, levels of all else, one for what is missing."""
    missing = values.isna().to_numpy()
    n_bins = min(MOST_BINS, max(2, len(values) // ROWS_PER_BIN))
    if kind not in (Kind.NUMERIC, Kind.DATETIME):
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
        title=f"'{name}' alone explains {skill:.0%} of {target}.",
        evidence=evidence,
        columns=(name,),
        mend=f"Is '{name}' known when the prediction is made? If not:\n"
        f"data: {{roles: {{ignore: ['{name}']}}}}\n"
        f"If it is:\n"
        f"checks: {{accept: {{{SingleFeatureLeak.code}: 'known before, because ...'}}}}",
    )


def _pair_finding(pair: tuple[str, str], skill: float, best_left: float, target: str) -> Finding:
    one, other = pair
    return Finding(
        code=SingleFeatureLeak.code,
        severity=Severity.ASK,
        title=f"The difference of {one} and {other} alone explains {skill:.0%} of {target}.",
        evidence={
            "explained by the difference": round(skill, 4),
            "explained by the best single feature left": round(best_left, 4),
        },
        columns=pair,
        mend=f"Are both {one} and {other} known when the prediction is made? If not:\n"
        f"data: {{roles: {{ignore: ['{one}']}}}} (or '{other}')\n"
        f"If they are:\n"
        f"checks: {{accept: {{{SingleFeatureLeak.code}: 'known before, because ...'}}}}",
    )
