"""AS107 joint-leak: columns that say the target together though none of them does alone.

Against AS101's measure of one feature, here two in cells, a few in a sum or a product, and families
by name are measured together (`jointly`). Honest features add up; what gives a joint leak away is
that the whole says far more than its parts and than all else in the table does. The data alone
cannot decide, so it asks; where the target follows from the columns to the last digits, it is firm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.checks.as101_single_feature_leak import (
    JUMP,
    LEAST_SKILL,
    leaking_pairs,
    parted_by_skill,
)
from assay.checks.base import View
from assay.checks.jointly import Joint, family_skills, pair_skills, sums
from assay.checks.skill import feature_skills
from assay.checks.worth import worth
from assay.data.dataset import Part
from assay.findings import Finding, NotApplicable, Severity

FEWEST_ROWS = 100
FEWEST_FEATURES = 2
LEAST_PAIR = 0.6
LEFT_OVER = 0.1
CERTAIN_SUM = 0.9
MOST_EXPLAINED = 0.98
SHOWN = 4
_WORDS = {
    "cells": "The combination of {} explains {:.0%} of {}",
    "sum": "A weighted sum of {} explains {:.0%} of {}",
    "product": "A product or ratio of {} explains {:.0%} of {}",
    "family": "{} together explain {:.0%} of {}",
}


class JointLeak:
    """Finds sets of columns that leak jointly."""

    code = "AS107"
    name = "joint-leak"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Measure pairs, sums and families, once what stands out alone is set aside."""
        if len(view.train) < FEWEST_ROWS:
            return NotApplicable(f"{len(view.train)} rows are too few to look at columns together")
        alone = feature_skills(view.train)
        left = parted_by_skill(alone, view.train)[1]
        if len(left) < FEWEST_FEATURES:
            return NotApplicable("there are no two features to look at together")
        found: list[Joint] = []
        for joint in _joints(view.train, alone, left):
            if not any({*joint.columns} & {*other.columns} for other in found):
                found.append(joint)
        return [_finding(joint, view) for joint in found]


def _joints(train: Part, alone: Mapping[str, float], left: Sequence[str]) -> Iterator[Joint]:
    """Sets of columns that say far more together; exact ones first."""
    best = max(alone[left[0]], 0.0)
    # What stands out alone may still be a term of a sum that says all.
    for joint in sorted(sums(train, [*alone]), key=lambda each: (not each.is_exact, -each.skill)):
        single = max(joint.best_alone, best)
        is_near = 1 - joint.skill <= LEFT_OVER * (1 - single) and joint.skill >= CERTAIN_SUM
        if single < MOST_EXPLAINED and (joint.is_exact or is_near):
            yield joint
    pairs = pair_skills(train, left)
    # Those whose difference leaks are AS101's.
    named = {name for pair, _ in leaking_pairs(train, left, best) for name in pair}
    for (one, other), skill in sorted(pairs.items(), key=lambda each: (-each[1], each[0])):
        parts = max(alone[one], 0.0) + max(alone[other], 0.0)
        is_new = not {one, other} <= named
        if is_new and skill >= max(LEAST_PAIR, JUMP * best, JUMP * parts):
            yield Joint((one, other), "cells", skill, max(alone[one], alone[other], 0.0))
    for family, (skill, others) in family_skills(train, left, LEAST_SKILL).items():
        single = max(*(alone[name] for name in family), 0.0)
        if skill >= max(JUMP * others, JUMP * single):
            yield Joint(family, "family", skill, single)


def _finding(joint: Joint, view: View) -> Finding:
    n = len(joint.columns)
    shown = ", ".join(f"'{name}'" for name in joint.columns[:SHOWN])
    which = shown if n <= SHOWN else f"{shown} and {n - SHOWN} more"
    listed = ", ".join(f"'{name}'" for name in joint.columns)
    said = _WORDS[joint.how].format(which, joint.skill, view.predicted)
    return Finding(
        code=JointLeak.code,
        severity=Severity.WARN if joint.is_exact else Severity.ASK,
        title=f"{said}, the best of them alone {joint.best_alone:.0%}.",
        evidence={
            "explained together": round(joint.skill, 4),
            "explained by the best of them": round(joint.best_alone, 4),
            "together as": joint.how,
        },
        columns=joint.columns,
        **worth(view.train, joint.columns),
        mend="Are all of these known when the prediction is made? If not, leave out what is not:\n"
        f"data: {{roles: {{ignore: [{listed}]}}}}\n"
        "If they are:\n"
        f"checks: {{accept: {{{JointLeak.code}: 'known before, because ...'}}}}",
    )
