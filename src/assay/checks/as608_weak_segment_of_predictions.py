"""AS608 weak-segment-of-predictions: rows of one kind on which the answers fail.

Rows may be hard by nature. So a row is expected to go wrong as often as all those do of which the
model is as sure (or that it answers alike, where no probabilities are given): what lies above that
in the rows of a level, a range or a gap of one column is a failing of the model there. How often
chance brings so many is an exact binomial tail, which is no smaller than the true one (Hoeffding
1956); all columns together err in one of a thousand cases (Bonferroni).

A regression goes wrong where its error is among the largest quarter. Its rows say nothing of how
sure it is, so that hard by nature and failing cannot be told apart: it asks, and late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import bdtrc

from assay.checks.base import View
from assay.checks.evidence import Answers, answers_of
from assay.data.features import feature_frame
from assay.data.kinds import can_be_used, describe
from assay.data.schema import Kind, Role
from assay.evaluation.outcome import Outcome
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats
from assay.segments.bins import MISSING, Binned, binned
from assay.segments.discovery import losses_of
from assay.segments.meeting import Mask

CHANCE = 0.001
FEWEST, FEWEST_INSIDE = 100, 20
LEAST, LEAST_FIRM, LEAST_OF_NUMBERS = 0.1, 0.15, 0.3
LARGEST_SHARE = 0.5
MOST_TOLD, MOST_LOOKS = 5, 12
_BINS, _MOST_LEVELS, _ALIKE = 20, 40, 10
_LARGE = 0.75


@dataclass(frozen=True)
class _Part:
    """Rows of one kind: those in the bins of a column from one to another.

    Attributes:
        column: The column that tells them apart.
        first: The first bin.
        last: The last one.
        p: How often chance alone makes so many go wrong.
        wrong: Share that goes wrong.
        expected: Share that was to be expected.
    """

    column: Binned
    first: int
    last: int
    p: float
    wrong: float
    expected: float

    @property
    def rows(self) -> Mask:
        """Which they are, shape (n,)."""
        return self.column.within(self.first, self.last)

    @property
    def definition(self) -> str:
        """The same in words."""
        return self.column.said(self.first, self.last)

    def adjoins(self, other: _Part) -> bool:
        """Whether the two are ranges of one column with nothing between them."""
        is_range = self.column.is_ordered and min(self.first, other.first) >= 0
        if self.column is not other.column or not is_range:
            return False
        return self.first - other.last == 1 or other.first - self.last == 1

    def joined(self, other: _Part) -> _Part:
        """Two that adjoin as one."""
        n, m = self.rows.sum(), other.rows.sum()
        return _Part(
            self.column,
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.p, other.p),
            float((n * self.wrong + m * other.wrong) / (n + m)),
            float((n * self.expected + m * other.expected) / (n + m)),
        )


class WeakSegmentOfPredictions:
    """Looks for rows of one kind that go wrong more often than the model makes one expect."""

    code = "AS608"
    name = "weak-segment-of-predictions"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at every column of the rows that were answered."""
        answers = answers_of(view)
        if isinstance(answers, NotApplicable):
            return answers
        outcome = answers.model
        if outcome is None:
            return NotApplicable("there are no answers of one model")
        if len(outcome) < FEWEST:
            return NotApplicable(f"{len(outcome)} answers are too few to look at parts of them")
        if outcome.clusters is not None:
            return NotApplicable("rows that come in clusters are not tosses of one coin")
        columns = _columns(view, answers)
        if not columns:
            return NotApplicable("no column divides the rows that were answered")
        least = LEAST if outcome.task.is_classification else LEAST_OF_NUMBERS
        parts = _failing(columns, _went_wrong(outcome), _alike(outcome), least)
        return [_finding(each, view, answers, outcome) for each in parts]


def _columns(view: View, answers: Answers) -> list[Binned]:
    """The columns of the rows that were answered, in bins."""
    assert answers.others is not None
    tables = [answers.others]
    found = []
    if answers.positions is not None and view.test is not None and view.raw_test is not None:
        kinds = {each.name: each.kind for each in view.schema.features}
        frame = view.test.features.iloc[answers.positions]
        found = [_binned(name, frame[name], kinds[name]) for name in frame.columns]
        marked = [each.name for each in view.schema.columns if each.role is Role.SEGMENT]
        tables.append(view.raw_test.select(marked).take(answers.positions))
    known = {*view.schema.reading} if found else set()
    found += [
        _binned(name, *_read(table[name], name))
        for table in tables
        for name in table.column_names
        if name not in known and can_be_used(table[name])
    ]
    return [each for each in found if each is not None]


def _read(values: pa.ChunkedArray, name: str) -> tuple[pd.Series, Kind]:
    column = describe(name, values, Role.SEGMENT)
    if column.kind is Kind.EMPTY:
        return pd.Series(np.full(len(values), np.nan)), Kind.NUMERIC
    frame = feature_frame(pa.table({name: values}).to_pandas(), {name: column.read_as})
    return frame[name], column.kind


def _binned(name: str, values: pd.Series, kind: Kind) -> Binned | None:
    most = _MOST_LEVELS if kind is Kind.CATEGORICAL else _BINS
    return binned(name, values, kind, most=most, fewest=FEWEST_INSIDE, exact=_MOST_LEVELS)


def _went_wrong(outcome: Outcome) -> Floats:
    """1 for each row that went wrong, else 0, shape (n,)."""
    losses = losses_of(outcome)
    if outcome.task.is_classification:
        return losses
    return (losses > np.quantile(losses, _LARGE)).astype(np.float64)


def _alike(outcome: Outcome) -> Floats:
    """What rows are alike in that are to go wrong as often as each other, shape (n,)."""
    n = np.arange(len(outcome))
    if outcome.task.is_classification and outcome.probabilities is None:
        assert outcome.decided is not None
        return outcome.decided.astype(np.float64)
    told = (
        outcome.known_probabilities[n, outcome.decided]
        if outcome.task.is_classification
        else outcome.known_values
    )
    cuts = np.unique(np.quantile(told, np.arange(1, _ALIKE) / _ALIKE))
    return np.searchsorted(cuts, told, side="right").astype(np.float64)


def _failing(columns: Sequence[Binned], wrong: Floats, alike: Floats, least: float) -> list[_Part]:
    """The parts that fail, worst first; none that only fails by the rows of one before it."""
    _, members = np.unique(alike, return_inverse=True)
    rest = np.ones(len(wrong), np.bool_)
    found: list[_Part] = []
    for _ in range(MOST_LOOKS):
        if len(found) == MOST_TOLD or rest.sum() < FEWEST:
            break
        many = np.bincount(members[rest], minlength=int(members.max()) + 1)
        wrongs = np.bincount(members[rest], wrong[rest], len(many))
        expected = np.asarray(wrongs / np.maximum(many, 1), np.float64)[members]
        best = _most_telling(columns, wrong, expected, rest, least)
        if best is None:
            break
        rest = rest & ~best.rows
        beside = next((n for n, each in enumerate(found) if each.adjoins(best)), None)
        if beside is None:
            found.append(best)
        else:
            found[beside] = found[beside].joined(best)
    return found


def _most_telling(
    columns: Sequence[Binned], wrong: Floats, expected: Floats, rest: Mask, least: float
) -> _Part | None:
    """Of the parts that fail beyond chance and by enough the one that chance explains least.

    Ranges are many more than levels and gaps: each kind errs half as often as all may.
    """
    tried = {True: 0, False: 0}
    found: dict[bool, _Part] = {}
    for column in columns:
        first, last, sums = _spans(column, np.stack([rest, wrong * rest, expected * rest]))
        fits = (sums[0] >= FEWEST_INSIDE) & (sums[0] <= LARGEST_SHARE * rest.sum())
        n, n_wrong, n_expected = sums[:, fits]
        first, last = first[fits], last[fits]
        is_much = n_wrong - n_expected >= least * n
        share = np.clip(n_expected / n, 0, 1)
        tail = np.where(is_much, bdtrc(n_wrong - 1, n.astype(np.int64), share), 1.0)
        is_range = column.is_ordered & (first != MISSING)
        for kind in (True, False):
            among = np.flatnonzero(is_range == kind)
            tried[kind] += len(among)
            if len(among) == 0:
                continue
            at = among[np.argmin(tail[among])]
            if kind not in found or tail[at] < found[kind].p:
                shares = float(n_wrong[at] / n[at]), float(n_expected[at] / n[at])
                found[kind] = _Part(column, int(first[at]), int(last[at]), float(tail[at]), *shares)
    told = [replace(each, p=2 * tried[kind] * each.p) for kind, each in found.items()]
    best = min(told, key=lambda each: each.p, default=None)
    return best if best is not None and best.p < CHANCE else None


def _spans(column: Binned, values: Floats) -> tuple[Any, Any, Floats]:
    """First and last bin of each part, and sums of values of shape (v, n) in it, (v, parts)."""
    codes, n = column.codes, column.n_bins
    known = codes >= 0
    sums = np.stack([np.bincount(codes[known], each[known], n) for each in values])
    first, last = np.triu_indices(n) if column.is_ordered else (np.arange(n), np.arange(n))
    if column.is_ordered:
        up_to = np.concatenate([np.zeros((len(values), 1)), np.cumsum(sums, axis=1)], axis=1)
        sums = up_to[:, last + 1] - up_to[:, first]
    gap = values[:, codes == MISSING].sum(axis=1, keepdims=True)
    ends = [np.append(each, MISSING) for each in (first, last)]
    return ends[0], ends[1], np.concatenate([sums, gap], axis=1)


def _finding(part: _Part, view: View, answers: Answers, outcome: Outcome) -> Finding:
    is_regression = not outcome.task.is_classification
    is_judged = is_regression or outcome.probabilities is not None
    is_firm = is_judged and not is_regression and part.wrong - part.expected >= LEAST_FIRM
    what = "are far off" if is_regression else "are answered wrong"
    rows = {}
    if answers.positions is not None and view.test is not None:
        rows["test"] = tuple(np.sort(view.test.rows[answers.positions[part.rows]]).tolist())
    evidence: dict[str, Any] = {
        "rows": int(part.rows.sum()),
        "share of all answers": round(float(part.rows.mean()), 4),
        f"share of them that {what}": round(part.wrong, 4),
        "expected from rows of which the model is as sure"
        if is_judged and not is_regression
        else "expected from rows that are answered alike": round(part.expected, 4),
        "chance, all columns together": f"{part.p:.2g}",
    }
    if not is_regression and part.wrong > 0.5 and len(outcome.classes) == 2:
        evidence["reversed"] = f"the opposite answer would be right in {part.wrong:.0%}"
    return Finding(
        code=WeakSegmentOfPredictions.code,
        severity=Severity.WARN if is_firm else Severity.ASK,
        title=f"The answers fail where {part.definition}: {part.wrong:.0%} {what}, and "
        f"{part.expected:.0%} was to be expected.",
        evidence=evidence,
        columns=(part.column.column or part.column.name,),
        rows=rows,
        effect=_effect(part, outcome),
        mend="look at such rows: are labels wrong there, or did the model see few of them, or "
        "other ones, in training? Until that is mended let others decide there",
    )


def _effect(part: _Part, outcome: Outcome) -> str:
    losses = losses_of(outcome)
    inside, outside = losses[part.rows].mean(), losses[~part.rows].mean()
    if outcome.task.is_classification:
        return f"accuracy {1 - inside:.3f} there, {1 - outside:.3f} on the rest"
    return f"mean absolute error {inside:.4g} there, {outside:.4g} on the rest"
