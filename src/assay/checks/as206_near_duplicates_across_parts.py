"""AS206 near-duplicates-across-parts: training rows that are in the test again, a little changed.

Rounded, written in another case, with some noise or with a column exchanged, a copy is still much
nearer to its original than to any other row. How far the nearest row leads over the next
(`checks/near.py`) is measured for test rows, and for training rows among the other training rows.
Where both were drawn alike, both leads follow one law, however many values the columns have and
however many near twins there are by nature. Test rows that lead further than that law allows are
copies. Exact ones are left to AS201.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.chance import Mask, at_least, at_least_of
from assay.checks.near import Near, Space, Whole
from assay.checks.twins import hashed
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_KNOWN = 30
FEWEST_ASKED = 15
FEWEST_FOUND = 5
LEAST_SHARE = 0.01
TIMES_NATURAL = 3.0
CHANCE = 1e-4
TAIL = 0.1
QUICK_KNOWN = 20_000
QUICK_PAIRS = 10_000_000
MOST_PAIRS = 600_000_000
SHOWN = 3


@dataclass(frozen=True)
class Leads:
    """How far the nearest row leads over the next, for test rows and for training rows.

    Attributes:
        asked: Which test rows were looked at, shape (m,).
        test: What was found for them.
        natural: Leads of training rows, ascending.
        known: Training rows among which nearest ones were looked for.
        space: How they are laid out.
    """

    asked: Whole
    test: Near
    natural: Floats
    known: Whole
    space: Space


class NearDuplicatesAcrossParts:
    """Finds test rows that lie nearer to a training row than rows drawn alike do."""

    code = "AS206"
    name = "near-duplicates-across-parts"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the leads of test rows with those of training rows."""
        if view.test is None or view.raw_test is None:
            return NotApplicable("there are no test rows to compare with")
        told = [c for c in view.schema.features if c.kind not in (Kind.TEXT, Kind.IMAGE)]
        if not told:
            return NotApplicable("rows are running text, which AS205 compares, or pictures")
        asked, known, alone = _apart(view)
        if len(asked) < FEWEST_ASKED or len(alone) < FEWEST_KNOWN:
            return NotApplicable("too few rows differ from all training rows")
        leads = _leads(view, asked, known, alone, QUICK_KNOWN, QUICK_PAIRS)
        level = level_beyond(leads.test.lead, leads.natural)
        if level is None:
            return []
        if len(leads.asked) < len(asked) or len(leads.known) < len(known):
            leads = _leads(view, asked, known, alone, len(known), MOST_PAIRS)
            level = level_beyond(leads.test.lead, leads.natural) or level
        return [_finding(view, leads, level)]


def level_beyond(test: Floats, natural: Floats) -> float | None:
    """The lead from which test rows are copies; None where they are no more than is natural.

    At every level, the numbers of test and of training rows beyond it are compared: if rows were
    drawn alike, each of them is a test row with the same chance (a binomial law). Beyond all
    training rows their tail is continued as an exponential one.

    Args:
        test: Leads of test rows.
        natural: Leads of training rows, ascending.
    """
    levels = np.unique(test)
    if len(levels) == 0:
        return None
    found = len(test) - np.searchsorted(np.sort(test), levels)
    others = len(natural) - np.searchsorted(natural, levels)
    chance = at_least(found, found + others, len(test) / (len(test) + len(natural)))
    begin = float(np.quantile(natural, 1 - TAIL))
    scale = max(float(np.maximum(natural - begin, 0).mean()) / TAIL, 1e-9)
    tail = len(test) * TAIL * np.exp(-np.maximum(levels - begin, 0) / scale)
    is_beyond = (others == 0) & (found >= FEWEST_FOUND)
    chance = np.where(is_beyond, at_least_of(found, tail), chance)
    expected = np.where(is_beyond, tail, others * len(test) / len(natural))
    beyond = found - expected
    is_plain = (chance * len(levels) <= CHANCE) & (found >= TIMES_NATURAL * expected)
    is_plain &= beyond >= max(LEAST_SHARE * len(test), FEWEST_FOUND - 0.5)
    if not is_plain.any():
        return None
    total = float(beyond[is_plain].max())
    likeness = np.where(is_plain, 2 * beyond / (found + total), 0)
    return float(levels[likeness.argmax()])


def _apart(view: View) -> tuple[Whole, Whole, Whole]:
    """Test rows that equal no training row; one of each equal training rows; those alone."""
    rows = hashed(view)
    first, count = np.unique(rows.rows[: rows.n_train], return_index=True, return_counts=True)[1:]
    return np.flatnonzero(~rows.met), np.sort(first), np.sort(first[count == 1])


def _leads(
    view: View, asked: Whole, known: Whole, alone: Whole, most_known: int, most_pairs: int
) -> Leads:
    """Leads of as many rows as may be looked at."""
    assert view.test is not None
    random = np.random.default_rng(0)
    known = np.sort(random.permutation(known)[:most_known])
    space = Space(view.train.take(known))
    n = max(FEWEST_KNOWN, most_pairs // (2 * len(known)))
    asked = np.sort(random.permutation(asked)[:n])
    own = np.searchsorted(known, random.permutation(np.intersect1d(alone, known))[:n])
    theirs, ours = space.read(view.test.take(asked)), space.cells[own].copy()
    if len(theirs):  # what is not known of test rows must not be known of those beside them
        ours[np.isnan(theirs)[random.integers(0, len(theirs), len(ours))]] = np.nan
    natural = space.nearest(ours, own).lead
    test = space.nearest(theirs)
    return Leads(asked, test, np.sort(natural), known, space)


def _finding(view: View, leads: Leads, level: float) -> Finding:
    assert view.test is not None
    is_copy = leads.test.lead >= level
    n, share = int(is_copy.sum()), float(is_copy.mean())
    natural = float((leads.natural >= level).mean())
    train = leads.known[np.unique(leads.test.row[is_copy])]
    rows_are = "row is" if n == 1 else "rows are"
    evidence: dict[str, Any] = {
        "test rows with a near twin in training": n,
        "share of test rows": round(share, 5),
        "share of training rows as near to another": round(natural, 5),
        "lead of the nearest over the next, in nats": round(
            float(np.median(leads.test.lead[is_copy])), 1
        ),
        "the same among training rows": round(float(np.median(leads.natural)), 1),
        "columns changed in them": _changed(view, leads, is_copy),
        "for example": [
            f"test row {view.test.rows[leads.asked[at]]} and training row "
            f"{view.train.rows[leads.known[leads.test.row[at]]]}"
            for at in np.flatnonzero(is_copy)[:SHOWN]
        ],
    }
    if len(leads.asked) < len(view.test):
        evidence["test rows looked at"] = len(leads.asked)
    return Finding(
        code=NearDuplicatesAcrossParts.code,
        severity=Severity.WARN,
        title=f"{n:,} test {rows_are} a training row again, a little changed.",
        evidence=evidence,
        rows={
            "train": tuple(view.train.rows[train].tolist()),
            "test": tuple(view.test.rows[leads.asked[is_copy]].tolist()),
        },
        effect=f"A model that remembers rows scores too high on {share:.2%} of the test.",
        mend="drop the test rows named here, or keep each on the side of its training row by a "
        "key:\ndata: {roles: {group: original}, split: {by: group}}\n"
        "If they are different things that look alike:\n"
        f"checks: {{accept: {{{NearDuplicatesAcrossParts.code}: 'different things'}}}}",
    )


def _changed(view: View, leads: Leads, is_copy: Mask) -> dict[str, float]:
    """Share of the pairs in which each column differs, those in which any does."""
    assert view.test is not None
    ours = leads.space.read(view.test.take(leads.asked[is_copy]))
    theirs = leads.space.cells[leads.test.row[is_copy]]
    differs = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
    shares = zip(leads.space.columns, differs.mean(axis=0), strict=True)
    return {column.name: round(float(share), 3) for column, share in shares if share > 0}
