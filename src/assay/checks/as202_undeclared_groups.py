"""AS202 undeclared-groups: rows that belong together, divided as if they did not.

Rows of one patient or one storm are alike. Drawn at random, some of them are learnt from and some
are judged on, and a model that recognises the patient looks better than it will on new ones. A
category whose levels come again (a neighbourhood, an occupation) is no such group: what tells them
apart is docs/checks/AS202.md. The data alone cannot decide what will come, so it asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.checks.probe import Cost, Whole, cost, encoded, fold_errors, target_columns
from assay.data.fingerprint import row_hashes
from assay.data.schema import Column, Kind
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 100
LEAST_SHARED = 0.5
LEAST_MET = 0.5
LEAST_ALIKE = 0.05
LEAST_PAIR_ALIKE = 0.15
MOST_PROBED = 3
MOST_ROWS = 4000
FOLDS = 3
DRAWS = 2
LEAST_DROP = 0.03
LEAST_Z = 3.0
_NAMED = re.compile(
    r"(^|[^a-z])(id|key|nr|no|number|name|user|person|patient|subject|customer|client|account"
    r"|member|household)s?($|[^a-z])"
)


@dataclass(frozen=True)
class Levels:
    """A column, or several, read as the name of what a row belongs to.

    Attributes:
        columns: Their names.
        codes: Level of each row, -1 where it is missing, shape (n,), in the order of the values.
        alike: How much closer the target is within a level than to the next one, at most 1.
    """

    columns: tuple[str, ...]
    codes: Whole
    alike: float

    @property
    def name(self) -> str:
        return " with ".join(self.columns)


class UndeclaredGroups:
    """Finds columns whose levels a model can recognise and new rows will not have."""

    code = "AS202"
    name = "undeclared-groups"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Hold whole levels out, where there are many of them and their rows are alike."""
        n = len(view.train)
        if n < FEWEST_ROWS:
            return NotApplicable(f"{n} rows are too few to tell groups from luck")
        declared = [c.name for c in view.schema.columns if c.role.value == "group"]
        if declared:
            return NotApplicable(f"groups are declared: {', '.join(declared)}")
        if view.given is not None and view.given.series is not None:
            return NotApplicable(f"entities are followed over time: {view.given.series}")
        view = _once(view)
        truth = target_columns(view.train)
        least = {1: LEAST_ALIKE, 2: LEAST_PAIR_ALIKE}
        candidates = _candidates(view, truth)
        alike = [each for each in candidates if each.alike >= least[len(each.columns)]]
        if view.was_divided:
            alike = [each for each in alike if _is_torn(each, view)]
        alike.sort(key=lambda each: (-each.alike, each.columns))
        for levels in alike[:MOST_PROBED]:
            measured = _cost_of(levels, view)
            if measured is not None:
                return [_finding(levels, measured, view)]
        return []


def _once(view: View) -> View:
    """The view with one of each equal training rows: copies are alike whatever they belong to."""
    first = np.unique(row_hashes(view.raw_train), return_index=True)[1]
    if len(first) == len(view.train):
        return view
    rows = np.sort(first)
    return replace(view, train=view.train.take(rows), raw_train=view.raw_train.take(rows))


def _candidates(view: View, truth: Floats) -> Iterator[Levels]:
    """Columns with levels enough, and pairs of one that names something with another."""
    single = {c.name: _codes(c, view.raw_train[c.name]) for c in view.schema.columns}
    read = {name: codes for name, codes in sorted(single.items()) if codes is not None}
    for name, codes in read.items():
        if _are_many(codes):
            yield Levels((name,), codes, _alikeness(codes, truth))
    for name in filter(_says_so, read):
        if _are_many(read[name]):
            continue
        for other, codes in islice(read.items(), 30):
            if other != name and not _are_many(codes):
                both = _joined(read[name], codes)
                if _are_many(both):
                    yield Levels((name, other), both, _alikeness(both, truth))


def _codes(column: Column, values: pa.ChunkedArray) -> Whole | None:
    """Level of each row, in the order of the values; None if the column cannot name anything."""
    import pandas as pd

    usable = column.role.value in ("feature", "id", "segment", "ignored")
    if not usable or column.kind not in (Kind.CATEGORICAL, Kind.NUMERIC) or column.n_distinct < 2:
        return None
    cells = values.to_pandas()
    if pa.types.is_floating(values.type):
        known = cells.to_numpy()[~cells.isna().to_numpy()]
        if (known % 1 != 0).any():
            return None
    return pd.factorize(cells, sort=True)[0].astype(np.int64)


def _are_many(codes: Whole) -> bool:
    """Whether levels are as many, as even and as often repeated as those of groups are.

    A category has the same levels in twice the rows; groups grow in number with the rows. So the
    number of levels (the effective one: the inverse of the chance that two rows share theirs) is
    set against the root of the number of rows.
    """
    counts = np.bincount(codes[codes >= 0]).astype(np.float64)
    known = counts.sum()
    if known < FEWEST_ROWS or known < LEAST_SHARED * len(codes):
        return False
    effective = known**2 / float((counts**2).sum())
    shared = float(counts[counts > 1].sum()) / known
    return bool(effective >= np.sqrt(known) and shared >= LEAST_SHARED)


def _alikeness(codes: Whole, truth: Floats) -> float:
    """1 - squared distance of targets within a level / that to the rows of the next level.

    Next is next in value: along an amount or an age neighbours are alike too, along ids they are
    not. Only levels of two rows or more take part.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(codes)), codes))
    order = order[codes[order] >= 0]
    counts = np.bincount(codes[order])
    order = order[counts[codes[order]] > 1]
    level = np.unique(codes[order], return_inverse=True)[1]
    size = np.bincount(level)
    if len(size) < 2:
        return 0.0
    start = np.cumsum(size) - size
    position = np.arange(len(order)) - start[level]
    follower = np.where(level + 1 < len(size), level + 1, level - 1)
    own = order[start[level] + (position + 1) % size[level]]
    next_one = order[start[follower] + position % size[follower]]
    within = ((truth[order] - truth[own]) ** 2).sum()
    between = ((truth[order] - truth[next_one]) ** 2).sum()
    return float(1 - within / between) if between > 0 else 0.0


def _is_torn(levels: Levels, view: View) -> bool:
    """Whether levels are in both parts nearly as often as in a division at random.

    There a test row meets its level in training as often as a training row does among the others.
    """
    assert view.raw_test is not None
    train, test = (
        row_hashes(each.select(levels.columns)) for each in (view.raw_train, view.raw_test)
    )
    of, counts = np.unique(train, return_inverse=True, return_counts=True)[1:]
    met = float(np.isin(test, train).mean())
    return met >= LEAST_MET * float((counts[of] > 1).mean())


def _cost_of(levels: Levels, view: View) -> Cost | None:
    """What holding whole levels out costs; None where that may be luck.

    A small forest learns from the other columns, and from the level as a number if it is one, so
    that an amount whose values repeat costs nothing. Where rows are held out at random, it may
    recognise a level, and it is told how the other rows of the level turned out.
    """
    rows, codes = _sampled(levels.codes)
    part = view.train.take(rows)
    truth = target_columns(part)
    names = [name for name in levels.columns if name in view.schema.named(Kind.CATEGORICAL)]
    X = encoded(part, without=tuple(names))
    found = []
    for draw in range(DRAWS):
        random = np.random.default_rng(draw)
        by_row = random.permutation(len(rows)) % FOLDS
        by_level = (random.permutation(int(codes.max()) + 1) % FOLDS)[codes]
        at_random = fold_errors(X, truth, by_row)
        at_random -= _expected(at_random, codes, by_row)
        before, after = (at_random**2).sum(axis=1), (fold_errors(X, truth, by_level) ** 2).sum(1)
        found.append(cost(before, after, truth, codes))
        if found[-1].z < LEAST_Z or found[-1].drop < LEAST_DROP:
            return None
    return Cost(
        before=float(np.mean([each.before for each in found])),
        after=float(np.mean([each.after for each in found])),
        z=min(each.z for each in found),
    )


def _expected(errors: Floats, codes: Whole, folds: Whole) -> Floats:
    """The error of each row to expect from those of its level in other folds, shape (n, k).

    Their mean, shrunk as for a random intercept: m rows weigh m r / (1 + (m - 1) r), where r is
    how alike errors are within a level.
    """
    alike = float(np.clip(_alikeness(codes, errors), 0, 1))
    cells = codes * FOLDS + folds
    size = (int(codes.max()) + 1) * FOLDS
    counts = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    others = (counts.sum(axis=1, keepdims=True) - counts)[codes, folds]
    expected = np.empty_like(errors)
    for column in range(errors.shape[1]):
        sums = np.bincount(cells, weights=errors[:, column], minlength=size).reshape(-1, FOLDS)
        expected[:, column] = (sums.sum(axis=1, keepdims=True) - sums)[codes, folds]
    return expected * (alike / (1 + np.maximum(others - 1, 0) * alike))[:, None]


def _sampled(codes: Whole) -> tuple[Whole, Whole]:
    """Rows of whole levels drawn at random, some MOST_ROWS of them, and their levels from 0 on."""
    counts = np.bincount(codes[codes >= 0])
    drawn = np.random.default_rng(0).permutation(len(counts))
    n_drawn = max(FOLDS, int(np.searchsorted(np.cumsum(counts[drawn]), MOST_ROWS)))
    rows = np.flatnonzero(np.isin(codes, drawn[:n_drawn]))
    return rows, np.unique(codes[rows], return_inverse=True)[1]


def _newness(codes: Whole) -> float:
    """Share of the last fifth of the rows whose level the rows before had not."""
    before, last = np.split(codes, [int(0.8 * len(codes))])
    return float((~np.isin(last, before)).mean())


def _joined(codes: Whole, others: Whole) -> Whole:
    known = (codes >= 0) & (others >= 0)
    pairs = np.where(known, codes * (int(others.max()) + 1) + others, -1)
    joined = np.full(len(codes), -1, dtype=np.int64)
    joined[known] = np.unique(pairs[known], return_inverse=True)[1]
    return joined


def _says_so(name: str) -> bool:
    return bool(_NAMED.search(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def _finding(levels: Levels, measured: Cost, view: View) -> Finding:
    known = levels.codes[levels.codes >= 0]
    n_levels = len(np.unique(known))
    name, target = levels.name, view.predicted
    role = levels.columns[0] if len(levels.columns) == 1 else list(levels.columns)
    return Finding(
        code=UndeclaredGroups.code,
        severity=Severity.ASK,
        title=f"Rows that share {name} seem to belong together, and are divided regardless.",
        evidence={
            "levels": n_levels,
            "rows per level": round(len(known) / n_levels, 1),
            "last fifth of the rows with a new level": round(_newness(levels.codes), 3),
            "target closer within a level": round(levels.alike, 3),
            "explained, rows at random": round(measured.before, 4),
            "explained, whole levels held out": round(measured.after, 4),
            "standard errors apart": round(measured.z, 1),
        },
        columns=levels.columns,
        effect=f"With every {name} wholly held out, a small forest explains {measured.after:.0%} "
        f"of {target} instead of {measured.before:.0%}.",
        inflation=round(measured.drop, 4),
        mend=f"Will the rows to come have a new {name}? If so:\n"
        f"data: {{roles: {{group: {role!r}}}, split: {{by: group}}}}\n"
        "If they will have one of these:\n"
        f"checks: {{accept: {{{UndeclaredGroups.code}: 'the same ones come again'}}}}",
    )
