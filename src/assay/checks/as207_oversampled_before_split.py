"""AS207 oversampled-before-split: rows made from others lie in the test, those others in training.

Copies of the rarer class, or rows put between two of its rows, belong into training alone: made
before the rows were divided, a row and what it was made from come to lie on both sides, and the
score says how well rows are remembered. Three signs, each set against what is natural:

- the table before it was divided has the rows of the other classes, and lacks test rows of one
  class, or has them fewer times;
- test rows lie on a line with two training rows of a class (`checks/lines.py`), far more often than
  those of another class do, and than the same numbers shuffled within their columns;
- the rows of a class repeat, and are in both parts, while those of another class do not.

Rows made after the division leave no such sign in the test, whatever they leave in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.checks.base import View
from assay.checks.before import lacking_before
from assay.checks.chance import Mask, is_more_often
from assay.checks.lines import FEWEST_COLUMNS, on_lines
from assay.checks.twins import TIMES_NATURAL, Hashed, hashed, n_pairs, natural_pairs
from assay.data.schema import Kind
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 5
LEAST_SHARE = 0.05
TIMES_OTHERS = 3.0
CHANCE = 1e-5
FEWEST_VALUES = 20
QUICK_ROWS = 120
FEWEST_QUICK = 40
QUICK_CELLS = 25_000_000
MOST_ROWS = 3000
MOST_CLASSES = 6
LEAST_REPEATED = 1.25
MOST_REPEATED = 1.05


@dataclass(frozen=True)
class Made:
    """Rows of a class that were made from others before the rows were divided.

    Attributes:
        label: The class.
        how: What shows it, as a clause that follows 'test rows of class ...'.
        test: Which test rows, as positions.
        train: Training rows they were made from, or that were made with them, as positions.
        evidence: Numbers that show it.
    """

    label: object
    how: str
    test: np.ndarray[Any, Any]
    train: np.ndarray[Any, Any]
    evidence: Mapping[str, Any] = field(default_factory=dict)


class OversampledBeforeSplit:
    """Finds rows of one class that were multiplied before the rows were divided."""

    code = "AS207"
    name = "oversampled-before-split"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the table before, at lines, and at repeats; the first sign counts."""
        if not view.schema.task.is_classification:
            return NotApplicable("numbers are not oversampled by class")
        if view.test is None or view.raw_test is None or not len(view.test):
            return NotApplicable("there are no test rows to compare with")
        classes, counts = np.unique(view.train.known_target, return_counts=True)
        if len(classes) < 2:
            return NotApplicable("training has one class")
        by_size = [classes[at] for at in np.argsort(-counts, kind="stable")[:MOST_CLASSES]]
        rows = hashed(view)
        for signs in (_before(view, by_size), _lines(view, by_size), _copies(view, rows, by_size)):
            made = list(signs)
            if made:
                return [_finding(view, each) for each in made]
        return []


def _before(view: View, classes: Sequence[object]) -> Iterator[Made]:
    """Test rows of one class that the table before lacks, while it has those of the others."""
    if view.given is None or view.given.before is None or view.test is None:
        return
    lacking = lacking_before(view, view.given.before)
    if lacking is None or view.test.target is None:
        return
    for label in classes:
        ours = view.test.target == label
        others = _rate(lacking.test[~ours])
        if lacking.test[ours].sum() >= FEWEST_ROWS and _rate(lacking.test[ours]) > max(
            LEAST_SHARE, TIMES_OTHERS * others
        ):
            train = lacking.train & (view.train.known_target == label)
            yield Made(
                label,
                "are not in the table before it was divided, or fewer times",
                np.flatnonzero(lacking.test & ours),
                np.flatnonzero(train),
                {
                    "rows of the class lacking before": int((lacking.test & ours).sum()),
                    "share of its test rows": round(_rate(lacking.test[ours]), 4),
                    "share of the other test rows": round(others, 4),
                },
            )


def _lines(view: View, classes: Sequence[object]) -> Iterator[Made]:
    """Test rows on a line with two training rows of a class, beyond what is natural."""
    assert view.test is not None
    names = _measures(view, classes)
    if len(names) < FEWEST_COLUMNS:
        return
    X, known = (part.features[names].to_numpy(np.float64) for part in (view.test, view.train))
    complete = ~np.isnan(X).any(axis=1)
    target = view.train.known_target
    asked, rates = {}, {}
    for label in classes:
        rows = _of_class(view, label, complete)
        n = QUICK_CELLS // max(1, int((target == label).sum()) * len(names))
        some = np.random.default_rng(0).permutation(rows)
        asked[label] = some[: min(QUICK_ROWS, max(FEWEST_QUICK, n))]
        rates[label] = on_lines(X[asked[label]], known[target == label])[:, 0] >= 0
    calmest = min(classes, key=lambda label: _rate(rates[label]) if len(rates[label]) else 1.0)
    for label in classes:
        of_class = np.flatnonzero(target == label)
        if label == calmest or not _exceeds(rates[label], rates[calmest]):
            continue
        random = np.random.default_rng(0)
        shuffled = on_lines(_shuffled(X[asked[label]], random), _shuffled(known[of_class], random))
        if not _exceeds(rates[label], shuffled[:, 0] >= 0):
            continue
        rows = _of_class(view, label, complete)[:MOST_ROWS]
        pairs = on_lines(X[rows], known[of_class])
        hit = pairs[:, 0] >= 0
        yield Made(
            label,
            "lie on a line with two training rows of the class",
            rows[hit],
            of_class[np.unique(pairs[hit])],
            {
                "test rows on such a line": int(hit.sum()),
                "share of those looked at": round(_rate(hit), 4),
                f"share of class {calmest}": round(_rate(rates[calmest]), 4),
                "share with columns shuffled": round(_rate(shuffled[:, 0] >= 0), 4),
                "columns of numbers": len(names),
            },
        )


def _copies(view: View, rows: Hashed, classes: Sequence[object]) -> Iterator[Made]:
    """Rows of a class that repeat and are in both parts, while those of another do not."""
    assert view.test is not None
    train, test = rows.rows[: rows.n_train], rows.rows[rows.n_train :]
    target = view.train.known_target
    repeated = {label: _times(train[target == label]) for label in classes}
    calmest = min(repeated.values())
    for label in classes:
        if repeated[label] < LEAST_REPEATED or calmest > MOST_REPEATED:
            continue
        of_class = _of_class(view, label, np.ones(len(test), dtype=bool))
        ours = train[target == label]
        of_each = [column[: rows.n_train][target == label] for column in rows.by_column]
        if n_pairs(ours) <= TIMES_NATURAL * natural_pairs(of_each, ours):
            continue  # rows of few values, as where the rest is missing for the whole class
        met = of_class[np.isin(test[of_class], ours)]
        if len(met) >= FEWEST_ROWS and len(met) >= LEAST_SHARE * len(of_class):
            yield Made(
                label,
                "are copies of training rows of the class, which repeat there too",
                met,
                np.flatnonzero((target == label) & np.isin(train, test[met])),
                {
                    "test rows that are copies": len(met),
                    "times that a row of the class is in training": round(repeated[label], 2),
                    "times that a row of another class is": round(calmest, 2),
                },
            )


def _measures(view: View, classes: Sequence[object]) -> list[str]:
    """Columns of numbers without gaps in training that have many values in every class.

    Rows of few values are on lines by nature, and so are they where only made ones have more.
    """
    target, features = view.train.known_target, view.train.features
    names = []
    for column in view.schema.features:
        if column.kind is Kind.NUMERIC and column.missing == 0:
            of_class = [features[column.name].to_numpy()[target == label] for label in classes]
            if all(_has_many(values) for values in of_class):
                names.append(column.name)
    return sorted(names)


def _has_many(values: Floats) -> bool:
    return len(np.unique(values)) > min(FEWEST_VALUES, len(values) // 2)


def _of_class(view: View, label: object, usable: Mask) -> np.ndarray[Any, Any]:
    """Positions of the test rows of a class; of all test rows where their targets are sealed."""
    assert view.test is not None
    is_ours = True if view.test.target is None else view.test.target == label
    return np.flatnonzero(usable & is_ours)


def _exceeds(ours: Mask, others: Mask) -> bool:
    """Whether one share is far above another."""
    if ours.sum() < FEWEST_ROWS or _rate(ours) < max(LEAST_SHARE, TIMES_OTHERS * _rate(others)):
        return False
    return is_more_often(ours, others, CHANCE)


def _rate(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _times(hashes: np.ndarray[Any, Any]) -> float:
    """How often a row is there, on average."""
    return len(hashes) / max(1, len(np.unique(hashes)))


def _shuffled(cells: Floats, random: np.random.Generator) -> Floats:
    return np.column_stack([random.permutation(column) for column in cells.T])


def _finding(view: View, made: Made) -> Finding:
    assert view.test is not None
    n, n_test = len(made.test), len(view.test)
    return Finding(
        code=OversampledBeforeSplit.code,
        severity=Severity.WARN,
        title=f"Rows of class {made.label} were multiplied before the rows were divided: {n:,} "
        f"test rows {made.how}.",
        evidence=made.evidence,
        rows={
            "train": tuple(view.train.rows[made.train].tolist()),
            "test": tuple(view.test.rows[made.test].tolist()),
        },
        effect=f"{n / n_test:.0%} of the test is made of rows that are in training.",
        mend="divide first, then multiply rows of training alone:\n"
        "train, test = train_test_split(frame, test_size=0.3, stratify=frame[target])\n"
        "or let a learner weigh the classes: class_weight='balanced'",
    )
