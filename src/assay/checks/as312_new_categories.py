"""AS312 new-categories: levels in test or serving rows that training has never seen.

A level of m rows in all is absent from training by chance with probability C(n - m, k) / C(n, k),
where k of the n rows are training rows: rare levels and ids are so by nature, whatever their
number. A level is reported if over all levels of the table that have as many rows, chance lets
expect fewer than EXPECTED of them; all new levels of a column are, if so many of them at once are
as unlikely. Where rows were divided by groups, m and n count groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.base import View
from assay.checks.changes import changes
from assay.checks.divided import Divided, divided
from assay.checks.later import Later, later_parts
from assay.data.keys import Codes
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats, Rows

EXPECTED, FIRM = 3e-4, 1e-5
MOST_SHOWN = 8


@dataclass(frozen=True)
class NewLevels:
    """Levels of one column that training lacks, more than chance.

    Attributes:
        column: The column.
        levels: They, the most frequent first.
        rows: Positions of the later rows that have one of them.
        expected: As many of these very levels are expected to be absent from training by chance.
        chance: Probability that chance alone makes such an alarm anywhere in the table.
        rare: Later rows with other levels that training lacks, few enough to be chance.
    """

    column: str
    levels: tuple[str, ...]
    rows: Rows
    expected: float
    chance: float
    rare: int


class NewCategories:
    """Finds levels too frequent in later rows to be absent from training by chance."""

    code = "AS312"
    name = "new-categories"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """One finding for each column with levels of that sort."""
        if not view.schema.named(Kind.CATEGORICAL):
            return NotApplicable("there are no categories")
        parts = later_parts(view)
        if not parts:
            return NotApplicable("there are no later rows to compare with")
        return [finding for part in parts for finding in _look(view, part)]


def _look(view: View, later: Later) -> list[Finding]:
    how = divided(view, later)
    changed = {} if later.stored is None else {each.column: each for each in changes(view, later)}
    values = {}
    for name in view.schema.named(Kind.CATEGORICAL):
        if name in how.by_key or (name in changed and changed[name].rows is None):
            continue
        theirs = later.features[name].copy()
        if name in changed:  # what is only spelt otherwise is not new
            theirs.iloc[changed[name].rows] = np.nan
        values[name] = (view.train.features[name], theirs)
    return [_finding(view, later, how, each) for each in new_levels(values, how.clusters)]


def new_levels(
    values: Mapping[str, tuple[pd.Series[Any], pd.Series[Any]]],
    clusters: tuple[Codes, Codes] | None = None,
) -> list[NewLevels]:
    """Levels of later rows that are absent from training although chance would not have it so.

    Args:
        values: Training and later values by column, NaN where missing.
        clusters: The group of each row on either side, where groups were divided.
    """
    from scipy.stats import poisson

    counted = {name: _counts(*pair, clusters) for name, pair in values.items()}
    chances = {name: _absent_by_chance(*counts) for name, counts in counted.items()}
    everywhere = np.sort(np.concatenate([*(each.to_numpy() for each in chances.values()), [0.0]]))
    sums = np.cumsum(everywhere)
    found = []
    for name, (ours, theirs) in counted.items():
        new = chances[name][(ours == 0) & (theirs > 0)]
        if new.empty:
            continue
        # As many levels are tried as are as unlikely to be absent, or more so.
        expected = sums[np.searchsorted(everywhere, new.to_numpy(), side="right") - 1]
        surely = new.index[expected <= EXPECTED]
        together = float(poisson.sf(len(new) - 1, chances[name].sum()))
        if together * len(counted) <= EXPECTED:
            surely = new.index
        if len(surely):
            later = values[name][1]
            at = np.flatnonzero(later.isin(surely).to_numpy()).astype(np.int64)
            named = {*surely}
            found.append(
                NewLevels(
                    column=name,
                    levels=tuple(each for each in later.value_counts().index if each in named),
                    rows=at,
                    expected=float(chances[name][surely].sum()),
                    chance=min(together * len(counted), float(expected.min())),
                    rare=int(later.isin(new.index).sum()) - len(at),
                )
            )
    return found


def _counts(
    ours: pd.Series[Any], theirs: pd.Series[Any], clusters: tuple[Codes, Codes] | None
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """How many training and later rows have each level, or groups of rows."""
    counts = []
    for side, values in enumerate((ours, theirs)):
        if clusters is None:
            counts.append(values.value_counts())
        else:
            pairs = pd.DataFrame({"level": values.to_numpy(), "of": clusters[side]})
            counts.append(pairs.dropna().drop_duplicates()["level"].value_counts())
    both = pd.concat(counts, axis=1).fillna(0)
    return both.iloc[:, 0], both.iloc[:, 1]


def _absent_by_chance(ours: pd.Series[Any], theirs: pd.Series[Any]) -> pd.Series[Any]:
    """Of each level, the probability that all its rows are later ones by chance."""
    from scipy.special import gammaln

    def log_choose(n: Floats | float, k: Floats | float) -> Floats:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    size = (ours + theirs).to_numpy(dtype=np.float64)
    n_later, n = float(theirs.sum()), float(size.sum())
    possible = np.minimum(size, n_later)
    logs = log_choose(n - possible, n_later - possible) - log_choose(n, n_later)
    return pd.Series(np.where(size <= n_later, np.exp(logs), 0.0), index=ours.index)


def _finding(view: View, later: Later, how: Divided, found: NewLevels) -> Finding:
    n, share = len(found.rows), len(found.rows) / len(later.features)
    shown = ", ".join(map(repr, found.levels[:3])) + (" ..." if len(found.levels) > 3 else "")
    expected = how.by_time is not None
    severity = Severity.WARN if found.chance <= FIRM else Severity.ASK
    title = f"{n:,} {later.name} rows have values of '{found.column}' that training never saw: "
    return Finding(
        code=NewCategories.code,
        severity=Severity.NOTE if expected else severity,
        title=f"{title}{shown}{f' (rows are divided by {how.by_time})' if expected else ''}.",
        evidence={
            "new values": list(found.levels[:MOST_SHOWN]),
            f"share of {later.name} rows": round(share, 5),
            "such values expected by chance": float(f"{found.expected:.2g}"),
            "rows with rarer new values, as chance makes them": found.rare,
            "values in training": int(view.train.features[found.column].nunique()),
        },
        columns=(found.column,),
        rows=later.at_fault(found.rows),
        effect=f"On {share:.1%} of the {later.name} rows a model knows nothing of "
        f"'{found.column}', and answers as for a value that is missing or rare.",
        mend=f"get training rows with these values of '{found.column}', or say how a model is to "
        "take them: write them as one level 'other' that training has too.\n"
        f"If they are expected: checks: {{accept: {{{NewCategories.code}: 'new values come in'}}}}",
    )
