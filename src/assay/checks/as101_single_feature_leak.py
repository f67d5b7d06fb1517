"""AS101 single-feature-leak: one feature that alone says what is to be predicted.

Measures each feature's skill: the share of the target's deviance that its own bins explain, out of
fold. A leak stands out from the other features by a jump; a strong honest feature seldom does
(docs/checks/AS101.md has the numbers). Several leaks may stand out together, yet they are always
the exception: where a third of the features are strong, strong is what this table is. Two features
may also leak by their difference only, as a planned and an actual time do. The data alone cannot
decide, so it asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

from assay.checks.base import View
from assay.checks.pictures import target_by_value
from assay.checks.skill import bins, feature_skills, few, skills
from assay.checks.worth import worth
from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 50
LEAST_SKILL = 0.4
LEAST_R2 = 0.6
JUMP = 1.6
RARE = 3
CERTAIN = 0.98
ROWS_TO_CORRELATE = 5000
LEAST_CORRELATION = 0.7
MOST_SPREAD = 2.0
MOST_PAIRS = 40


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
        alone = feature_skills(view.train)
        flagged, left = parted_by_skill(alone, view.train)
        best_left = max(alone[left[0]], 0.0) if left else 0.0
        pairs = leaking_pairs(view.train, left, best_left)
        named = dict.fromkeys([*flagged, *(name for pair, _ in pairs for name in pair)])
        effect = worth(view.train, [*named]) if named else {}
        return [
            *(
                replace(
                    _finding(name, alone, left, view.predicted, effect),
                    picture=target_by_value(view.train, name, view.predicted),
                )
                for name in flagged
            ),
            *(
                _pair_finding(pair, skill, best_left, view.predicted, effect)
                for pair, skill in pairs
            ),
        ]


def least_skill(train: Part) -> float:
    """The skill from which a feature may be a leak.

    A share of squared errors counts less than the same share of a log loss, of which 0.2 to 0.4 is
    already an excellent model (McFadden 1977).
    """
    return LEAST_R2 if train.schema.task is Task.REGRESSION else LEAST_SKILL


def parted_by_skill(alone: Mapping[str, float], train: Part) -> tuple[list[str], list[str]]:
    """Features that stand out by their skill, and all others, each the best first."""
    ranked = sorted(alone, key=lambda name: (-alone[name], name))
    n = _standing_out([alone[name] for name in ranked], least_skill(train))
    return ranked[:n], ranked[n:]


def difference_skills(train: Part, among: Sequence[str]) -> dict[tuple[str, str], float]:
    """Skill of the differences of features that measure nearly the same, by pair of names.

    Only numbers that correlate and spread alike are worth subtracting, the most alike first.
    """
    import pandas as pd

    sample = few(train)
    names = sorted({*among} & {*train.schema.named(Kind.NUMERIC, Kind.DATETIME)})
    seen = sample.features[names].iloc[:: max(1, len(sample) // ROWS_TO_CORRELATE)]
    alike = seen.corr(min_periods=FEWEST_ROWS).to_numpy()
    spread = seen.std().to_numpy()
    pairs = [
        (-round(float(alike[i, j]), 9), names[i], names[j])
        for i, j in combinations(range(len(names)), 2)
        if alike[i, j] >= LEAST_CORRELATION
        and max(spread[i], spread[j]) <= MOST_SPREAD * min(spread[i], spread[j])
    ]
    differences = {
        (one, other): bins(pd.Series(sample.features[one] - sample.features[other]), Kind.NUMERIC)
        for _, one, other in sorted(pairs)[:MOST_PAIRS]
    }
    return skills(differences, sample)


def _standing_out(ranked: Sequence[float], least: float = LEAST_SKILL) -> int:
    """How many of the first features stand out; `ranked` is falling.

    Of several jumps the deepest fall counts: what lies below it is one level, what lies above it
    another. More than one feature stands out only as a third of all, or less.

    >>> _standing_out([0.97, 0.3, 0.2]), _standing_out([0.5, 0.45, 0.4]), _standing_out([0.99])
    (1, 0, 1)
    >>> _standing_out([0.9, 0.88, 0.3, 0.2, 0.1]), _standing_out([0.9, 0.88, 0.3, 0.2])
    (2, 0)
    """
    certain = sum(skill >= CERTAIN for skill in ranked)
    falls = {
        skill - max(following, 0.0): n
        for n, (skill, following) in enumerate(pairwise(ranked), start=1)
        if skill >= max(least, JUMP * following) and RARE * n <= len(ranked) + 1
    }
    return max(falls[max(falls)] if falls else 0, certain)


def leaking_pairs(
    train: Part, among: Sequence[str], best_left: float
) -> list[tuple[tuple[str, str], float]]:
    """Pairs whose difference stands out, best first, without those that better pairs have named.

    Args:
        train: Rows with their targets.
        among: Features that do not stand out themselves.
        best_left: The highest skill of these.
    """
    named: set[str] = set()
    leaking = []
    by_pair = difference_skills(train, among)
    for pair, skill in sorted(by_pair.items(), key=lambda each: -each[1]):
        if skill >= max(least_skill(train), JUMP * best_left) and not named >= {*pair}:
            leaking.append((pair, skill))
            named |= {*pair}
    return leaking


def _finding(
    name: str,
    alone: Mapping[str, float],
    left: Sequence[str],
    target: str,
    effect: Mapping[str, Any],
) -> Finding:
    skill = alone[name]
    evidence: dict[str, Any] = {"explained alone": round(skill, 4)}
    if left:
        evidence["next feature"] = left[0]
        evidence["explained by that"] = round(max(alone[left[0]], 0.0), 4)
    return Finding(
        code=SingleFeatureLeak.code,
        severity=Severity.ASK,
        title=f"'{name}' alone explains {skill:.0%} of {target}.",
        evidence=evidence,
        columns=(name,),
        **effect,
        mend=f"Is '{name}' known when the prediction is made? If not:\n"
        f"data: {{roles: {{ignore: ['{name}']}}}}\n"
        f"If it is:\n"
        f"checks: {{accept: {{{SingleFeatureLeak.code}: 'known before, because ...'}}}}",
    )


def _pair_finding(
    pair: tuple[str, str], skill: float, best_left: float, target: str, effect: Mapping[str, Any]
) -> Finding:
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
        **effect,
        mend=f"Are both {one} and {other} known when the prediction is made? If not:\n"
        f"data: {{roles: {{ignore: ['{one}']}}}} (or '{other}')\n"
        f"If they are:\n"
        f"checks: {{accept: {{{SingleFeatureLeak.code}: 'known before, because ...'}}}}",
    )
