"""AS313 covariate-drift: features of test or serving rows are spread otherwise than in training.

Each column is tested for its values and for its gaps. All tests together ask without reason about
one table in 3,000, and are firm without reason about one in 100,000 (Bonferroni); where there is
one, columns are named of which one in a hundred is chance (Benjamini and Hochberg). A difference
must also be as large as a shift by a quarter of a standard deviation, so that a hundred thousand
rows do not make an alarm of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object

from assay.checks.base import View
from assay.checks.changes import changes
from assay.checks.divided import Divided, divided
from assay.checks.later import Later, features_in_both, later_parts
from assay.checks.matched import target_shift
from assay.checks.pictures import two_parts
from assay.checks.shifts import (
    LEAST_SIZE,
    Shift,
    shift_of_gaps,
    shift_of_numbers,
    shift_of_shares,
    thinning,
)
from assay.checks.twins import TIMES_NATURAL, n_pairs, natural_pairs
from assay.data.keys import Codes
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Picture, Severity
from assay.predictions import Rows

LEVEL, FIRM = 3e-4, 1e-5
FALSE_SHARE = 0.01
FEWEST_ROWS = 30
MOST_ROWS = 5000
MOST_SHOWN = 4
TESTED = (Kind.NUMERIC, Kind.DATETIME, Kind.CATEGORICAL)


class CovariateDrift:
    """Compares each feature of later rows with training, and their targets where known."""

    code = "AS313"
    name = "covariate-drift"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """One finding for all columns that drift, and one for the target."""
        parts = later_parts(view)
        if not parts:
            return NotApplicable("there are no later rows to compare with")
        parts = [part for part in parts if min(len(part.rows), len(view.train)) >= FEWEST_ROWS]
        if not parts:
            return NotApplicable(f"fewer than {FEWEST_ROWS} rows are too few to tell drift by")
        return [finding for part in parts for finding in _look(view, part)]


def features_drift(view: View, later: Later, how: Divided) -> bool:
    """Whether any feature is spread otherwise in the later rows."""
    rows = [_some(np.zeros(n, dtype=bool)) for n in (len(view.train), len(later.rows))]
    return bool(_drifting(view, later, how, *rows)[0])


def _look(view: View, later: Later) -> list[Finding]:
    how = divided(view, later)
    ours = _some(copies(view.train.features, view.train.target))
    theirs = _some(copies(later.features, later.target))
    findings = []
    target = target_shift(view.train, later, ours, theirs)
    if target is not None and how.clusters is None and _matters(target.shift):
        findings.append(_about_target(view, later, how, target.shift))
        ours, theirs = target.ours, target.theirs
    if min(len(ours), len(theirs)) < FEWEST_ROWS:
        return findings
    drifting, chance = _drifting(view, later, how, ours, theirs)
    if drifting:
        found = _about_features(later, how, drifting, chance, bool(findings))
        findings.append(replace(found, picture=_drawn(view, later, drifting[0])))
    return findings


def _drawn(view: View, later: Later, farthest: tuple[str, Shift]) -> Picture | None:
    """The column that drifts the most, where it is of numbers that lie elsewhere."""
    name, shift = farthest
    if shift.what in ("missing", "shares") or name not in view.schema.named(Kind.NUMERIC):
        return None
    ours, theirs = (
        each[name].to_numpy(dtype=np.float64) for each in (view.train.features, later.features)
    )
    return two_parts(name, ours, theirs, later.name)


def copies(features: pd.DataFrame, target: Any) -> np.ndarray[Any, Any]:
    """Which rows repeat an earlier one: what is drawn twice says no more than once.

    Not where rows are equal by nature, as those of few values are: of these the larger part would
    lose more, and seem to be spread otherwise. Only tables small enough to be looked at whole are
    searched: of others so few rows are drawn that the size of a difference decides.
    """
    if len(features) > 2 * MOST_ROWS or features.shape[1] == 0:
        return np.zeros(len(features), dtype=bool)
    rows = features if target is None or target.ndim > 1 else features.assign(**{"\0": target})
    try:
        by_column = [hash_pandas_object(rows[name], index=False).to_numpy() for name in rows]
    except TypeError:  # pixels cannot be compared so
        return np.zeros(len(features), dtype=bool)
    whole = np.asarray(np.sum(by_column, axis=0, dtype=np.uint64))
    if n_pairs(whole) <= TIMES_NATURAL * natural_pairs(by_column, whole):
        return np.zeros(len(features), dtype=bool)
    return rows.duplicated().to_numpy()


def _some(left_out: np.ndarray[Any, Any]) -> Rows:
    """Rows spread over the table, enough to know sizes to a few hundredths."""
    rows = np.flatnonzero(~left_out)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_ROWS])
    return rows.astype(np.int64)


def _drifting(
    view: View, later: Later, how: Divided, ours: Rows, theirs: Rows
) -> tuple[list[tuple[str, Shift]], float]:
    """Columns whose values or gaps drift, the farthest first, and the chance that none does."""
    changed = {} if later.stored is None else {each.column for each in changes(view, later)}
    left_out = {*changed, *how.columns}
    names = [name for name in features_in_both(view.schema, later) if name not in left_out]
    kinds = {column.name: column.kind for column in view.schema.features}
    clusters = None
    if how.clusters is not None:
        clusters = how.clusters[0][ours], how.clusters[1][theirs]
    shifts = [
        (name, shift)
        for name in names
        if kinds[name] in TESTED
        for shift in _shifts(
            view.train.features[name].iloc[ours],
            later.features[name].iloc[theirs],
            is_number=kinds[name] is not Kind.CATEGORICAL,
            clusters=clusters,
        )
    ]
    found = [each for each in _told_from_chance(shifts) if each[1].size >= LEAST_SIZE]
    chance = min((shift.p for _, shift in found), default=1.0) * len(shifts)
    return sorted(found, key=lambda each: -each[1].size) if chance <= LEVEL else [], chance


def _told_from_chance(shifts: list[tuple[str, Shift]]) -> list[tuple[str, Shift]]:
    """Those of which at most FALSE_SHARE are chance, on average (Benjamini and Hochberg)."""
    ranked = sorted(shifts, key=lambda each: each[1].p)
    passing = [
        rank
        for rank, (_, shift) in enumerate(ranked, start=1)
        if shift.p * len(ranked) <= rank * FALSE_SHARE
    ]
    return ranked[: max(passing, default=0)]


def _matters(shift: Shift) -> bool:
    return shift.p <= LEVEL and shift.size >= LEAST_SIZE


def _shifts(
    ours: pd.Series[Any],
    theirs: pd.Series[Any],
    *,
    is_number: bool,
    clusters: tuple[Codes, Codes] | None,
) -> list[Shift]:
    """The tests of one column."""
    known = [each.notna().to_numpy() for each in (ours, theirs)]
    groups = None if clusters is None else np.concatenate(clusters)
    gaps_thinned = values_thinned = 1.0
    if groups is not None:
        both = np.concatenate(known)
        gaps_thinned = thinning(both.astype(np.float64), groups)
        codes = pd.concat([ours, theirs])[both]
        numbers = codes if is_number else pd.Series(pd.factorize(codes)[0])
        if len(numbers) > 1:
            values_thinned = thinning(numbers.to_numpy(dtype=np.float64), groups[both])
    n, k = (int((~each).sum()) for each in known)
    found = [shift_of_gaps(n, len(ours), k, len(theirs), gaps_thinned)] if n or k else []
    one, other = ours[known[0]], theirs[known[1]]
    if min(len(one), len(other)) >= FEWEST_ROWS and one.nunique() > 1:
        if is_number:
            before, after = (each.to_numpy(dtype=np.float64) for each in (one, other))
            found.append(shift_of_numbers(before, after, values_thinned))
        else:
            shares = shift_of_shares(one, other, values_thinned)
            found += [] if shares is None else [shares]
    return found


def _said(name: str, shift: Shift) -> str:
    if shift.what == "missing":
        return f"'{name}' (missing {shift.before:.1%}, now {shift.after:.1%})"
    if shift.what == "shares":
        return f"'{name}' ({shift.level!r} {shift.before:.1%}, now {shift.after:.1%})"
    return f"'{name}' (median {shift.before:.4g}, now {shift.after:.4g})"


def _about_features(
    later: Later,
    how: Divided,
    drifting: list[tuple[str, Shift]],
    chance: float,
    beyond_target: bool,
) -> Finding:
    columns = tuple(dict.fromkeys(name for name, _ in drifting))
    shown = ", ".join(_said(*each) for each in drifting[:MOST_SHOWN])
    more = " ..." if len(drifting) > MOST_SHOWN else ""
    expected = how.by_time is not None
    why = f"; rows are divided by {how.by_time}, so this is to be expected" if expected else ""
    one = len(columns) == 1
    severity = Severity.WARN if chance <= FIRM else Severity.ASK
    return Finding(
        code=CovariateDrift.code,
        severity=Severity.NOTE if expected else severity,
        title=f"{len(columns)} feature{' is' if one else 's are'} spread otherwise in the "
        f"{later.name} rows{' within classes too' if beyond_target else ''}: {shown}{more}{why}.",
        evidence={
            "shift in standard deviations of a normal distribution": {
                f"{name}{' (missing)' if shift.what == 'missing' else ''}": round(
                    float(shift.size), 3
                )
                for name, shift in drifting
            },
            "probability by chance in any column": float(f"{chance:.2g}"),
        },
        columns=columns,
        effect=f"The score on the {later.name} rows is of other rows than those learnt from.",
        mend="find out what changed between the two: another source, period, unit or filter. "
        "If the later rows are what the model will meet, train on rows like them.\n"
        f"If it is meant to be: checks: {{accept: {{{CovariateDrift.code}: 'they differ on "
        "purpose'}}",
    )


def _about_target(view: View, later: Later, how: Divided, shift: Shift) -> Finding:
    what = f"class {shift.level}" if view.schema.task.is_classification else "its commonest fifth"
    expected = how.by_time is not None
    return Finding(
        code=CovariateDrift.code,
        severity=Severity.NOTE if expected else Severity.ASK,
        title=f"{view.predicted} is spread otherwise in the {later.name} rows: {what} "
        f"{shift.before:.1%} in training, {shift.after:.1%} there.",
        evidence={
            "share in training": round(shift.before, 4),
            f"share in {later.name}": round(shift.after, 4),
            "probability by chance": float(f"{shift.p:.2g}"),
        },
        columns=(view.schema.target,),
        effect="Probabilities that are right for the training rows are too high or too low there.",
        mend="Were training rows drawn by class on purpose (over- or undersampled)? Then give a "
        "model the true shares: weights, or calibration on rows as they come.\n"
        f"checks: {{accept: {{{CovariateDrift.code}: 'training rows were drawn by class'}}}}",
    )
