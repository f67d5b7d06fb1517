"""AS204 declared-role-across-parts: rows were divided, and what was declared was torn apart.

Splits that Assay draws keep groups whole and the future unseen. A column that marks the test rows,
or somebody who hands over both parts, may do neither: then a declared group is on both sides, or
training knows the future of the test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.data.schema import Role
from assay.findings import Finding, NotApplicable, Severity


class DeclaredRoleAcrossParts:
    """Holds a given split against the groups and the time that were declared."""

    code = "AS204"
    name = "declared-role-across-parts"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare groups and times of training rows with those of test rows."""
        if view.test is None:
            return NotApplicable("there are no test rows to compare with")
        if not view.was_divided and not _named(view, Role.SPLIT):
            return NotApplicable("no column gives the split")
        has_groups = bool(_named(view, Role.GROUP)) and view.train.groups is not None
        if not has_groups and view.train.times is None:
            return NotApplicable("neither a group nor a time is declared")
        found = []
        if has_groups:
            found += _groups(view, view.train.groups, view.test.groups)
        if view.train.times is not None:
            by_group = has_groups and not found
            found += _times(view, view.train.times, view.test.times, by_group=by_group)
        return found


def _groups(view: View, train: Any, test: Any) -> list[Finding]:
    assert view.test is not None
    if view.given is not None and view.given.series in _named(view, Role.GROUP):
        return []
    torn = np.intersect1d(train, test)
    if len(torn) == 0:
        return []
    in_train, in_test = np.isin(train, torn), np.isin(test, torn)
    share = float(in_test.mean())
    names = _named(view, Role.GROUP)
    return [
        _finding(
            f"{len(torn):,} groups of {', '.join(names)} are on both sides of the split.",
            {"groups on both sides": len(torn), "share of test rows": round(share, 5)},
            names,
            {"train": view.train.rows[in_train], "test": view.test.rows[in_test]},
            f"A model that recognises the group scores too high on {share:.0%} of the test.",
            _mend(view, "group"),
        )
    ]


def _times(view: View, train: Any, test: Any, *, by_group: bool) -> list[Finding]:
    """Training rows later than the test begins; a question where whole groups were divided."""
    assert view.test is not None
    if not np.isfinite(test).any():
        return []
    # Both parts may hold rows of the moment at which the one ends and the other begins.
    later = train > np.nanmin(test)
    if not later.any():
        return []
    share, n = float(later.mean()), int(later.sum())
    earlier = test < np.nanmax(train)
    return [
        _finding(
            f"{n:,} training rows ({share:.0%}) are later than the test begins.",
            {
                "training rows later than the first test row": n,
                "share": round(share, 5),
                "share of test rows earlier than the last training row": round(
                    float(earlier.mean()), 5
                ),
            },
            _named(view, Role.TIME),
            {"train": view.train.rows[later], "test": view.test.rows[earlier]},
            "What the model knows of the future it will not know when it is used.",
            _mend(view, "time"),
            Severity.ASK if by_group else Severity.BLOCK,
        )
    ]


def _mend(view: View, role: str) -> str:
    by_role = f"data: {{split: {{by: {role}}}}}"
    if not view.was_divided:
        return f"{by_role}, without the column"
    if role == "group":
        return (
            f"divide whole groups: give all rows at once, with {by_role}\n"
            "or GroupShuffleSplit(test_size=0.3, random_state=0).split(frame, groups=frame[group])"
        )
    return (
        f"divide at a moment: give all rows at once, with {by_role}\n"
        "or train, test = frame[frame[time] < cut], frame[frame[time] >= cut]"
    )


def _named(view: View, role: Role) -> tuple[str, ...]:
    return tuple(column.name for column in view.schema.columns if column.role is role)


def _finding(
    title: str,
    evidence: Mapping[str, Any],
    columns: tuple[str, ...],
    rows: Mapping[str, Any],
    effect: str,
    mend: str,
    severity: Severity = Severity.BLOCK,
) -> Finding:
    listed = {part: tuple(each.tolist()) for part, each in rows.items()}
    return Finding(
        code=DeclaredRoleAcrossParts.code,
        severity=severity,
        title=title,
        evidence=evidence,
        columns=columns,
        rows=listed,
        effect=effect,
        mend=mend,
    )
