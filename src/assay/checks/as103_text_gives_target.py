"""AS103 text-gives-target: marks in a text that say the class by themselves.

The footer of a list, a header of the server that received the mail, the agency before a report:
they stand in the texts of one source, and say the class where sources and classes go together. So
only marks are looked at, never plain words, and they must be frequent in one class, rare in all
others, and stand in texts that have little else in common. The data alone cannot decide: it asks,
and is firm only where a verbatim line is in a large share of one class and in hardly any other text
(docs/checks/AS103.md has the numbers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.checks.base import View
from assay.checks.marks import KINDS, Mark, class_name, pattern
from assay.checks.shingles import Whole, normal
from assay.checks.telling import FEWEST_TEXTS, Told, telling
from assay.data.dataset import Part
from assay.data.fingerprint import hash_bytes
from assay.data.schema import Kind, Task
from assay.findings import Finding, NotApplicable, Severity

MOST_TEXTS = 10_000
SHOWN = 6
SHOWN_LETTERS = 80
ROWS_TO_MEASURE = 2000
LETTERS_TO_MEASURE = 5000
FOLDS = 3
THIRDS = ("lowest", "middle", "highest")


class TextGivesTarget:
    """Finds lines, headers and odd words that stand in the texts of one class only."""

    code = "AS103"
    name = "text-gives-target"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look for marks in each column of texts."""
        columns = view.schema.named(Kind.TEXT)
        if not columns:
            return NotApplicable("no feature is running text")
        looked_at = {column: _distinct(view.train, column) for column in columns}
        most = max(map(len, looked_at.values()))
        if most < FEWEST_TEXTS:
            return NotApplicable(f"{most} different texts are too few to tell a mark from chance")
        codes, labels = _classes(view.train)
        findings = []
        for column, rows in looked_at.items():
            texts = view.train.features[column].iloc[rows].tolist()
            half = _halves(view.train, rows)
            told = telling(texts, codes[rows], half, [*map(class_name, view.schema.classes)])
            if told:
                findings.append(_finding(view, column, told, texts, codes[rows], labels))
        return findings


def _distinct(train: Part, column: str) -> Whole:
    """Development rows of different texts, evenly spread if there are very many."""
    seen: dict[int, int] = {}
    for row, text in enumerate(train.features[column].tolist()):
        seen.setdefault(hash_bytes(normal(text).encode("utf-8", "replace")), row)
    seen.pop(hash_bytes(b""), None)
    rows = np.fromiter(seen.values(), np.int64, len(seen))
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_TEXTS)).astype(np.int64)]


def _halves(train: Part, rows: Whole) -> NDArray[np.bool_]:
    """A half of these rows by chance, of whole groups where there are some, shape (rows,)."""
    random = np.random.default_rng(0)
    if train.groups is None:
        return random.permutation(len(rows)) % 2 == 0
    groups = np.unique(train.groups[rows], return_inverse=True)[1]
    is_in = random.permutation(int(groups.max(initial=0)) + 1) % 2 == 0
    return np.asarray(is_in[groups])


def _classes(train: Part) -> tuple[Whole, list[str]]:
    """The class of each row and the names of the classes; of numbers, which third they are in."""
    target = train.known_target
    if train.schema.task is not Task.REGRESSION:
        return train.schema.codes(target), [repr(label) for label in train.schema.classes]
    numbers = target.astype(np.float64)
    thirds = np.quantile(numbers, [1 / 3, 2 / 3])
    named = [f"the {which} third of '{train.schema.target}'" for which in THIRDS]
    return np.searchsorted(thirds, numbers).astype(np.int64), named


def balanced_accuracy(texts: Sequence[str], codes: Whole) -> float:
    """Mean share of each class that a linear model of words finds, out of fold.

    Args:
        texts: Texts in the order of their classes, so that the folds are dealt within classes.
        codes: Class of each, shape (n,).
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline

    counts = HashingVectorizer(n_features=2**17, norm=None, alternate_sign=False).transform(texts)
    folds = np.arange(len(texts)) % FOLDS
    right = np.zeros(len(texts))
    for fold in range(FOLDS):
        learns, judged = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights = TfidfTransformer(sublinear_tf=True)
        model = make_pipeline(weights, RidgeClassifier(solver="sparse_cg"))
        model.fit(counts[learns], codes[learns])
        right[judged] = model.predict(counts[judged]) == codes[judged]
    return float(np.mean([right[codes == code].mean() for code in np.unique(codes)]))


def _finding(
    view: View,
    column: str,
    told: Sequence[Told],
    texts: Sequence[str],
    codes: Whole,
    labels: Sequence[str],
) -> Finding:
    target, n = view.predicted, len(told)
    spread = np.linspace(0, len(texts) - 1, min(len(texts), ROWS_TO_MEASURE)).astype(np.int64)
    rows = np.argsort(codes, kind="stable")[spread]
    strip = re.compile(pattern(each.mark for each in told))
    some = [texts[row][:LETTERS_TO_MEASURE] for row in rows]
    before = balanced_accuracy(some, codes[rows])
    after = balanced_accuracy([strip.sub(" ", text) for text in some], codes[rows])
    told_of = np.unique(np.concatenate([each.texts for each in told]))
    is_firm = any(each.is_firm for each in told)
    shown = sorted(told, key=lambda each: (not each.is_firm, KINDS.index(each.mark.kind)))[:SHOWN]
    return Finding(
        code=TextGivesTarget.code,
        severity=Severity.WARN if is_firm else Severity.ASK,
        title=f"'{column}' has {n} {'mark that says' if n == 1 else 'marks that say'} {target} "
        f"by {'itself' if n == 1 else 'themselves'}, such as the {_named(shown[0].mark)}.",
        evidence={
            "marks": [_in_numbers(each, labels) for each in shown],
            "share of texts with any": round(len(told_of) / len(texts), 4),
            "different texts looked at": len(texts),
            "balanced accuracy of words, with them": round(before, 4),
            "balanced accuracy of words, without": round(after, 4),
        },
        columns=(column,),
        effect=f"A linear model of words finds {before:.1%} of each class on average, and "
        f"{after:.1%} without these marks, on {len(rows):,} development texts out of fold.",
        mend=f"Will the texts to come have such marks for the same reason? If not, strip them:\n"
        f"frame[{column!r}] = frame[{column!r}].str.replace({strip.pattern!r}, '', "
        "regex=True)\n"
        "or leave the column out:\n"
        f"data: {{roles: {{ignore: [{column!r}]}}}}\n"
        "If they will:\n"
        f"checks: {{accept: {{{TextGivesTarget.code}: 'known before, because ...'}}}}",
    )


def _named(mark: Mark) -> str:
    is_long = len(mark.value) > SHOWN_LETTERS
    shown = f"{mark.value[: SHOWN_LETTERS - 1]}…" if is_long else mark.value
    return f"{mark.kind} '{shown}'"


def _in_numbers(told: Told, labels: Sequence[str]) -> str:
    low, high = (told.log_odds + side * 1.96 * told.error for side in (-1, 1))
    return (
        f"{_named(told.mark)}: {told.cover:.1%} of {labels[told.code]}, {told.others:.1%} of the "
        f"others, log odds {told.log_odds:.1f} ({low:.1f} to {high:.1f})"
    )
