"""AS208 conflicting-labels: training rows with the same features and different labels.

No model tells such rows apart, so the more frequent label is learnt and the others are got wrong.
Where columns have few values that is natural: then there are many more pairs of rows that differ in
one feature, and equal rows agree in their label at least as often as these do. Rows that were
entered or labelled twice make no such pairs, and labels that were changed make equal rows disagree
more often than near ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.chance import Mask
from assay.checks.twins import Agreement, agreement, were_made_single
from assay.data.fingerprint import Hashes, mixed, row_hashes
from assay.data.schema import Kind, Role
from assay.findings import Finding, NotApplicable, Severity

LEAST_SHARE = 0.005
FEWEST_ROWS = 6
SHOWN = 3


class ConflictingLabels:
    """Finds equal training rows whose labels differ more often than chance makes."""

    code = "AS208"
    name = "conflicting-labels"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the labels of training rows that have the same features."""
        if not view.schema.task.is_classification:
            return NotApplicable("numbers that differ a little are no conflict")
        if view.schema.named(Kind.IMAGE):
            return NotApplicable("of pictures the report shows those alike with other labels")
        told_by = (Role.FEATURE, Role.TIME)
        names = [c.name for c in view.schema.columns if c.role in told_by]
        by_column = [row_hashes(view.raw_train.select([name])) for name in names]
        rows: Hashes = np.asarray(np.sum(by_column, axis=0, dtype=np.uint64))
        codes = view.schema.codes(view.train.known_target)
        labels = mixed(codes.astype(np.uint64))
        at_fault = conflicting(rows, codes)
        if not at_fault.any():
            return []
        if were_made_single(by_column, rows + labels, rows):
            return []  # of rows that are equal only those with another label are left
        told = agreement(by_column, rows, labels)
        if told.is_mixed and not told.agrees_less:
            return []
        return [_finding(view, rows, at_fault, told)]


def conflicting(rows: Hashes, labels: np.ndarray[Any, Any]) -> Mask:
    """Which rows equal one with another label, shape (n,).

    >>> conflicting(np.array([7, 7, 9, 9], dtype=np.uint64), np.array([0, 1, 1, 1])).tolist()
    [True, True, False, False]
    """
    groups = np.unique(rows, return_inverse=True)[1]
    lowest = np.full(groups.max() + 1, labels.max())
    highest = np.full(groups.max() + 1, labels.min())
    np.minimum.at(lowest, groups, labels)
    np.maximum.at(highest, groups, labels)
    return np.asarray((lowest != highest)[groups])


def _finding(view: View, rows: Hashes, at_fault: Mask, told: Agreement) -> Finding:
    n = int(at_fault.sum())
    share, conflicts = n / len(at_fault), told.pairs - told.agree
    expected = told.pairs * (1 - told.natural) if told.is_mixed else 0.0
    beyond = share * (1 - expected / conflicts)
    is_plain = beyond >= LEAST_SHARE and n >= FEWEST_ROWS
    target = view.predicted
    return Finding(
        code=ConflictingLabels.code,
        severity=Severity.WARN if is_plain else Severity.NOTE,
        title=f"{n:,} training rows equal another row in all features, and differ in {target}.",
        evidence={
            "rows with a conflict": n,
            "share of training rows": round(share, 5),
            "pairs of equal rows": told.pairs,
            "of them with different labels": conflicts,
            "pairs of rows that differ in one feature": told.near,
            "of them with different labels, too": told.near - told.near_agree,
            "for example": _examples(view, rows, at_fault),
        },
        rows={"train": tuple(view.train.rows[at_fault].tolist())},
        effect=f"Whatever is learnt of them, at least {_lost(view, rows, at_fault):,} of "
        f"{len(at_fault):,} training rows are got wrong.",
        mend="look at the rows, keep the right label of each, and find out why they are there "
        "twice.\nTo leave them out:\n"
        "same = frame.drop(columns=target)\n"
        "frame = frame[~same.duplicated(keep=False) | "
        "(frame.groupby(list(same), dropna=False)[target].transform('nunique') == 1)]\n"
        "If they are different things that look the same:\n"
        f"checks: {{accept: {{{ConflictingLabels.code}: 'different things'}}}}",
    )


def _lost(view: View, rows: Hashes, at_fault: Mask) -> int:
    """Rows that are outnumbered among those of their features."""
    codes = view.schema.codes(view.train.known_target)[at_fault].astype(np.int64)
    groups = np.unique(rows[at_fault], return_inverse=True)[1]
    counts = np.zeros((groups.max() + 1, len(view.schema.classes)), dtype=np.int64)
    np.add.at(counts, (groups, codes), 1)
    return int(counts.sum() - counts.max(axis=1).sum())


def _examples(view: View, rows: Hashes, at_fault: Mask) -> list[str]:
    """The first rows of a few groups, with their labels."""
    where = np.flatnonzero(at_fault)
    first = np.unique(rows[where], return_index=True)[1]
    shown = []
    for at in np.sort(first)[:SHOWN]:
        same = where[rows[where] == rows[where[at]]][:SHOWN]
        labels = [f"{view.train.rows[row]}: {view.train.known_target[row]}" for row in same]
        shown.append(", ".join(labels))
    return shown
