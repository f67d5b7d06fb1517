"""AS204 declared-role-across-parts: a column gives the split, and tears apart what was declared.

Splits that Assay draws keep groups whole and the future unseen. A column that marks the test rows
may do neither: then a declared group is on both sides, or training knows the future of the test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.data.schema import Role
from assay.findings import Finding, NotApplicable, Severity

MOST_LISTED = 1000


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
        given = _named(view, Role.SPLIT)
        if not given:
            return NotApplicable("no column gives the split")
        found = []
        if _named(view, Role.GROUP) and view.train.groups is not None:
            assert view.test.groups is not None
            found += _groups(view, view.train.groups, view.test.groups)
        if view.train.times is not None and view.test.times is not None:
            found += _times(view, view.train.times, view.test.times)
        if not _named(view, Role.GROUP) and view.train.times is None:
            return NotApplicable("neither a group nor a time is declared")
        return found


def _groups(view: View, train: Any, test: Any) -> list[Finding]:
    assert view.test is not None
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
            "data: {split: {by: group}}, without the column",
        )
    ]


def _times(view: View, train: Any, test: Any) -> list[Finding]:
    assert view.test is not None
    begins = float(np.nanmin(test))
    later = train >= begins
    if not later.any():
        return []
    share = float(later.mean())
    return [
        _finding(
            f"{share:.0%} of the training rows are not before the test begins.",
            {"training rows from then on": int(later.sum()), "share": round(share, 5)},
            _named(view, Role.TIME),
            {"train": view.train.rows[later]},
            "What the model knows of the future it will not know when it is used.",
            "data: {split: {by: time}}, without the column",
        )
    ]


def _named(view: View, role: Role) -> tuple[str, ...]:
    return tuple(column.name for column in view.schema.columns if column.role is role)


def _finding(
    title: str,
    evidence: Mapping[str, Any],
    columns: tuple[str, ...],
    rows: Mapping[str, Any],
    effect: str,
    mend: str,
) -> Finding:
    listed = {part: tuple(each[:MOST_LISTED].tolist()) for part, each in rows.items()}
    return Finding(
        code=DeclaredRoleAcrossParts.code,
        severity=Severity.BLOCK,
        title=title,
        evidence=evidence,
        columns=columns,
        rows=listed,
        effect=effect,
        mend=mend,
    )
