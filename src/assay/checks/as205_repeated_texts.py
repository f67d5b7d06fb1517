"""AS205 repeated-texts: texts of the test that the model has met in training, or nearly.

Two texts are the same if they are but for case and white space, and nearly the same if they share
80 % of their word shingles (docs/checks/AS205.md). Short texts are the same by nature and are let
be. Texts that recur often will do so in the rows to come, and a text beside other features does not
make a row: there it asks. Rows equal in all features are for AS201 to tell, unless all are texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.checks.base import View
from assay.checks.shingles import (
    Whole,
    candidates,
    equal_pairs,
    likeness,
    shingle_sets,
    sketched,
)
from assay.data.fingerprint import row_hashes
from assay.data.schema import Kind, Role
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_WORDS = 12
FEWEST_WORDS_NEARLY = 20
LEAST_LIKENESS = 0.8
LEAST_SHARE = 0.01
OFTEN = 10
MOST_PAIRS = 5
MOST_COMPARED = 20_000
MOST_ROWS = 50_000
MOST_LISTED = 1000
NEARLY_ALL = 0.98
SHOWN_PAIRS = 3
SHOWN_LETTERS = 60
MOST_DROPPED = 20


@dataclass(frozen=True)
class Pairs:
    """Test rows with development rows of the same text, or nearly, each of shape (pairs,).

    Attributes:
        test: Position of the test row.
        train: Position of the development row.
        is_same: Whether the texts are the same but for case and white space.
        likeness: Share of the shingles of either text that both have.
        recurs: Whether OFTEN or more development rows have about the text of the test row.
    """

    test: Whole
    train: Whole
    is_same: NDArray[np.bool_]
    likeness: Floats
    recurs: NDArray[np.bool_]

    def take(self, index: NDArray[np.bool_]) -> Pairs:
        """Those of a mask of shape (pairs,)."""
        return Pairs(**{name: each[index] for name, each in vars(self).items()})

    def n_rows(self, index: NDArray[np.bool_] | slice = slice(None)) -> int:
        """Test rows among these pairs."""
        return len(np.unique(self.test[index]))


class RepeatedTexts:
    """Finds texts of the test that repeat those of development rows, by the texts alone."""

    code = "AS205"
    name = "repeated-texts"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the texts of test rows with those of development rows."""
        if view.test is None:
            return NotApplicable("there are no test rows to compare with")
        names = view.schema.named(Kind.TEXT)
        if not names:
            return NotApplicable("no feature is running text")
        test, train = _spread(len(view.test)), _spread(len(view.train))
        findings = []
        for name in names:
            texts = [
                part.features[name].iloc[rows].tolist()
                for part, rows in ((view.test, test), (view.train, train))
            ]
            found = repeated(*texts)
            found = replace(found, test=test[found.test], train=train[found.train])
            found = found.take(~_in_equal_rows(view, found))
            if found.n_rows():
                findings.append(_finding(view, name, found, len(test)))
        return findings


def repeated(test: Sequence[str], train: Sequence[str]) -> Pairs:
    """Pairs of texts of two collections that are the same or nearly; short ones never are.

    Of the development rows with a text, MOST_PAIRS are named. Where both are one collection, no
    text is a pair with itself.
    """
    one = sketched(test)
    other = one if train is test else sketched(train)
    mine = np.flatnonzero(one.words >= FEWEST_WORDS)
    theirs = np.flatnonzero(other.words >= FEWEST_WORDS)
    one, other = one.take(mine), other.take(theirs)
    i, j = equal_pairs(one.whole, other.whole, MOST_PAIRS)
    near_i, near_j, agree = candidates(one, other, LEAST_LIKENESS)
    if train is test:
        i, j = i[i != j], j[i != j]
        is_apart = near_i != near_j
        near_i, near_j, agree = near_i[is_apart], near_j[is_apart], agree[is_apart]
    n_alike = np.bincount(near_i[agree >= LEAST_LIKENESS], minlength=len(mine))
    nth = np.arange(len(near_i)) - np.searchsorted(near_i, near_i)
    is_long = np.minimum(one.words[near_i], other.words[near_j]) >= FEWEST_WORDS_NEARLY
    is_other = one.whole[near_i] != other.whole[near_j]
    tried = np.flatnonzero(is_long & is_other & (nth < MOST_PAIRS))
    # The likest of all rows come first, if there are too many to compare.
    tried = tried[np.argsort(nth[tried], kind="stable")][:MOST_COMPARED]
    near_i, near_j = near_i[tried], near_j[tried]
    alike = _likenesses(test, train, mine[near_i], theirs[near_j])
    is_near = alike >= LEAST_LIKENESS
    i, j = np.concatenate([i, near_i[is_near]]), np.concatenate([j, near_j[is_near]])
    is_same = one.whole[i] == other.whole[j]
    alike = np.concatenate([np.ones(int(is_same.sum())), alike[is_near]])
    return Pairs(mine[i], theirs[j], is_same, alike, n_alike[i] >= OFTEN)


def _likenesses(one: Sequence[str], other: Sequence[str], i: Whole, j: Whole) -> Floats:
    """Likeness of the texts at these positions of two collections, shape (pairs,)."""

    def sets(texts: Sequence[str], rows: Whole) -> dict[int, Any]:
        named = np.unique(rows).tolist()
        return dict(zip(named, shingle_sets([texts[row] for row in named]), strict=True))

    mine, theirs = sets(one, i), sets(other, j)
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    return np.array([likeness(mine[a], theirs[b]) for a, b in pairs], dtype=np.float64)


def _spread(n: int) -> Whole:
    """All positions of n rows, or as many as are looked at, evenly spread."""
    return np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(np.int64)


def _in_equal_rows(view: View, found: Pairs) -> NDArray[np.bool_]:
    """Pairs whose test row AS201 tells of: it has all features of a development row."""
    assert view.raw_test is not None
    if len(view.schema.named(Kind.TEXT)) == len(view.schema.features):
        return np.zeros(len(found.test), dtype=bool)
    names = [c.name for c in view.schema.columns if c.role in (Role.FEATURE, Role.TIME)]
    mine = row_hashes(view.raw_test.select(names).take(found.test))
    theirs = row_hashes(view.raw_train.select(names).take(found.train))
    return np.isin(found.test, found.test[mine == theirs])


def _severity(view: View, found: Pairs, n: int) -> Severity:
    """A warning where texts are what rows are made of, and those repeat that seldom do."""
    if found.n_rows() < LEAST_SHARE * n:
        return Severity.NOTE
    others = [
        column
        for column in view.schema.features
        if column.kind is not Kind.TEXT and column.n_distinct < NEARLY_ALL * len(view.train)
    ]
    is_rare = found.n_rows(~found.recurs) >= LEAST_SHARE * n
    return Severity.WARN if is_rare and not others else Severity.ASK


def _finding(view: View, name: str, found: Pairs, n: int) -> Finding:
    assert view.test is not None
    n_found, n_same = found.n_rows(), found.n_rows(found.is_same)
    share = n_found / n
    rows_of = "row" if n_found == 1 else "rows"
    how = "repeats" if n_same == n_found else "repeats, or nearly repeats,"
    test, train = (
        np.unique(part.rows[at])
        for part, at in ((view.test, found.test), (view.train, found.train))
    )
    evidence: dict[str, Any] = {
        "test rows whose text repeats": n_found,
        "the same but for case and white space": n_same,
        "share of test rows": round(share, 5),
        "texts that recur often": found.n_rows(found.recurs),
        "for example": _examples(view, name, found),
    }
    for part, rows in (("test", view.test), ("development", view.train)):
        if len(rows) > MOST_ROWS:
            evidence[f"{part} rows looked at"] = MOST_ROWS
    return Finding(
        code=RepeatedTexts.code,
        severity=_severity(view, found, n),
        title=f"'{name}' of {n_found:,} test {rows_of} {how} that of a development row.",
        evidence=evidence,
        columns=(name,),
        rows={
            "train": tuple(train[:MOST_LISTED].tolist()),
            "test": tuple(test[:MOST_LISTED].tolist()),
        },
        effect=f"A model that remembers texts scores too high on {share:.2%} of the test.",
        mend=_mend(name, train.tolist(), only_same=n_same == n_found),
    )


def _examples(view: View, name: str, found: Pairs) -> list[str]:
    """A few pairs, the least alike first: their rows, and how the development row's text begins."""
    assert view.test is not None
    shown = []
    rows, first = np.unique(found.test, return_index=True)
    first = first[np.argsort(found.likeness[first], kind="stable")]
    for at in first[np.unique(np.linspace(0, len(rows) - 1, SHOWN_PAIRS).astype(np.int64))]:
        text = " ".join(str(view.train.features[name].iloc[found.train[at]]).split())
        if len(text) > SHOWN_LETTERS:
            text = f"{text[: SHOWN_LETTERS - 1]}…"
        test, train = view.test.rows[found.test[at]], view.train.rows[found.train[at]]
        shown.append(f"test row {test} and row {train}, {found.likeness[at]:.0%} alike: '{text}'")
    return shown


def _mend(name: str, rows: Sequence[int], *, only_same: bool) -> str:
    column = f"frame[{name!r}]"
    dropped = str(list(rows)) if len(rows) <= MOST_DROPPED else "finding.rows['train']"
    key = (
        f"keep equal texts on one side, by a key:\n"
        f"frame['same_text'] = {column}.str.casefold().str.split().str.join(' ')\n"
        "data: {roles: {group: same_text}, split: {by: group}}\n"
        "or drop the repeats"
    )
    return (
        f"{key if only_same else 'drop the repeats'} before training: frame.drop(index={dropped})\n"
        "If the rows to come repeat texts as often:\n"
        f"checks: {{accept: {{{RepeatedTexts.code}: 'texts recur'}}}}"
    )
