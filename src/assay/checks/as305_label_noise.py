"""AS305 label-noise: labels of training rows that contradict what is known of rows like them.

Classes that overlap make mistakes too, and nobody made them; so it is not mistakes that count. Of
labels flipped at random two things are true that are not of honest ones. They leave a floor under
the probability of every label, however sure the model is (`evaluation.label_floor`). And test rows
whose labels are right have no such floor, though the same models predict them, neither having
learnt from them. The second needs no model of the right form: what is wrong with the model is wrong
for both. Where the two parts differ so, it asks, since a training set may be labelled otherwise on
purpose; where the floor stands out by itself too, and makes most of what the model gets wrong, the
data proves it. A floor alone is asked about only if no single feature says the class: what
contradicts that feature looks the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.checks.base import View
from assay.checks.probe import encoded
from assay.checks.skill import feature_skills
from assay.data.dataset import Part
from assay.data.fingerprint import among, row_hashes
from assay.data.schema import Kind
from assay.evaluation.label_errors import STRICT
from assay.evaluation.label_floor import SMALLEST, Floor, Floors, floor_of, floors_of
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 200
FEWEST_OF_CLASS = 12
FEWEST_TEST_ROWS = 100
MOST_ROWS = 3000
MOST_TEST_ROWS = 1500
MOST_CLASSES = 30
FOLDS = 3
TREES = 20
NAMING_TREES = 50
PASSES = 2
LEAF_ROWS = 5
APART = 20.0
"""Twice the log likelihood by which the floors of both parts must differ: chance 1 in 130,000."""
SUSPECT = 2.0
"""Standard errors by which more training rows must be wrong than test rows, to be looked at."""
LEAST_NOISE = 0.03
MOST_OF_ERRORS = 0.5
DOMINATES = 0.5

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """What the probabilities say of the labels.

    Attributes:
        floor: Under the training labels by themselves; None where errors do not look like one.
        floors: Under those and the labels of the test; None likewise, or where these are sealed.
        missed: Share of training labels that are not the most probable one out of fold.
        usual: Share that is not the commonest one.
    """

    floor: Floor | None
    floors: Floors | None
    missed: float
    usual: float

    @property
    def is_apart(self) -> bool:
        """Whether training labels contradict their model where those of the test do not."""
        both = self.floors
        return both is not None and both.gain >= APART and both.first > both.second

    @property
    def is_floor(self) -> bool:
        """Whether a floor makes most of what a model gets wrong that gets most rows right."""
        return (
            self.floor is not None
            and self.floor.gain >= STRICT
            and self.floor.noise >= LEAST_NOISE
            and self.floor.noise >= MOST_OF_ERRORS * self.missed
            and self.missed <= MOST_OF_ERRORS * self.usual
        )

    @property
    def best(self) -> Floor:
        """The floor under the training labels, by what tells it best."""
        assert self.floor is not None
        both = self.floors
        if both is None or not self.is_apart:
            return self.floor
        return Floor(both.scale, both.first, self.floor.gain)


class LabelNoise:
    """Finds training rows whose labels are probably wrong."""

    code = "AS305"
    name = "label-noise"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare labels with probabilities out of fold, in training and in the test."""
        refused = _refused(view)
        if refused is not None:
            return NotApplicable(refused)
        truth = view.schema.codes(view.train.known_target)
        rows, (test_rows, test_truth) = _sampled(view, truth), _test_rows(view)
        if len(rows) < FEWEST_ROWS:
            return NotApplicable(f"all but {len(rows)} rows have equals of another label (AS208)")
        log_p, test_log_p = _log_probabilities(view, rows, test_rows)
        seen = _seen(log_p, truth[rows], test_log_p, test_truth)
        if not seen.is_apart and (not seen.is_floor or _one_dominates(view.train.take(rows))):
            return []
        return [_finding(view, truth, seen)]


def _refused(view: View) -> str | None:
    """Why labels cannot be judged here; None if they can."""
    schema, n = view.schema, len(view.train)
    if not schema.task.is_classification:
        return "only classes have labels that can be wrong"
    if n < FEWEST_ROWS:
        return f"{n} rows are too few to tell wrong labels from odd rows"
    if any(each.kind in (Kind.IMAGE, Kind.TEXT) for each in schema.features):
        return "texts and images are judged by the model itself, after training"
    if len(schema.classes) > MOST_CLASSES:
        return f"{len(schema.classes)} classes are too many for a quick look"
    counts = np.bincount(schema.codes(view.train.known_target))
    if counts.min() < FEWEST_OF_CLASS:
        return f"a class has {counts.min()} rows, too few to learn what it looks like"
    return None


def _sampled(view: View, truth: Codes) -> Codes:
    """Positions of the training rows that are looked at first, drawn if there are many.

    Equal rows of several labels are left out: they contradict each other, not the model (AS208).
    """
    hashes = row_hashes(view.raw_train.drop_columns([view.schema.target]))
    order = np.lexsort((truth, hashes))
    same = hashes[order][1:] == hashes[order][:-1]
    other = truth[order][1:] != truth[order][:-1]
    single = np.flatnonzero(~np.isin(hashes, hashes[order][1:][same & other]))
    return np.sort(np.random.default_rng(0).permutation(single)[:MOST_ROWS])


def _test_rows(view: View) -> tuple[Codes, Codes]:
    """Positions and labels of test rows that training does not have; none where they are sealed."""
    none = np.zeros(0, dtype=np.int64)
    if view.test is None or view.test.target is None or view.raw_test is None:
        return none, none
    known = np.sort(row_hashes(view.raw_train.select(view.raw_test.column_names)))
    new = np.flatnonzero(~among(row_hashes(view.raw_test), known))
    rows = np.sort(np.random.default_rng(2).permutation(new)[:MOST_TEST_ROWS])
    return rows, view.schema.codes(view.test.target)[rows]


def _log_probabilities(
    view: View, rows: Codes, test_rows: Codes, weights: Floats | None = None, trees: int = TREES
) -> tuple[Floats, Floats]:
    """Log probabilities of training and of test rows, by forests that learnt from neither.

    Args:
        view: The parts.
        rows: Positions of the training rows.
        test_rows: Positions of the test rows.
        weights: What each training row counts for, shape (n,); None where all count the same.
        trees: Of each forest.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    X, X_test = _features(view, rows, test_rows)
    truth = view.schema.codes(view.train.known_target[rows])
    random = np.random.default_rng(1)
    fold, test_fold = _folds(truth, random), random.permutation(len(test_rows)) % FOLDS
    k = len(view.schema.classes)
    p, q = np.zeros((len(rows), k)), np.zeros((len(test_rows), k))
    for each in range(FOLDS):
        learnt, held, asked = np.flatnonzero(fold != each), fold == each, test_fold == each
        learnt = random.permutation(learnt)[:MOST_ROWS]
        forest = ExtraTreesClassifier(
            trees, min_samples_leaf=LEAF_ROWS, max_features=0.5, random_state=each, n_jobs=1
        )
        forest.fit(X[learnt], truth[learnt], None if weights is None else weights[learnt])
        p[np.ix_(held, forest.classes_)] = forest.predict_proba(X[held])
        if asked.any():
            q[np.ix_(asked, forest.classes_)] = forest.predict_proba(X_test[asked])
    return np.log(np.maximum(p, SMALLEST)), np.log(np.maximum(q, SMALLEST))


def _features(view: View, rows: Codes, test_rows: Codes) -> tuple[Floats, Floats]:
    """Rows of both parts in one coding, shapes (n, p) and (m, p)."""
    train = view.train.take(rows)
    if view.test is None or not len(test_rows):
        return encoded(train), np.zeros((0, 1))
    frames = [train.features, view.test.take(test_rows).features]
    X = encoded(replace(train, features=pd.concat(frames, ignore_index=True)))
    return X[: len(rows)], X[len(rows) :]


def _folds(truth: Codes, random: np.random.Generator) -> Codes:
    """Fold of each row, each class in all of them alike, shape (n,)."""
    fold = np.empty(len(truth), dtype=np.int64)
    for code in np.unique(truth):
        rows = random.permutation(np.flatnonzero(truth == code))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _seen(log_p: Floats, truth: Codes, test_log_p: Floats, test_truth: Codes) -> Seen:
    """Floors are costly, so each is sought only where errors are such as a floor would make."""
    missed = float((log_p.argmax(axis=1) != truth).mean())
    usual = 1 - float(np.bincount(truth).max() / len(truth))
    floors = floor = None
    if len(test_truth) >= FEWEST_TEST_ROWS:
        in_test = float((test_log_p.argmax(axis=1) != test_truth).mean())
        variance = missed * (1 - missed) * (1 / len(truth) + 1 / len(test_truth))
        if missed - in_test >= SUSPECT * np.sqrt(variance) > 0:
            floors = floors_of(log_p, truth, test_log_p, test_truth)
    if floors is not None or LEAST_NOISE <= missed <= MOST_OF_ERRORS * usual:
        floor = floor_of(log_p, truth)
    return Seen(floor, floors, missed, usual)


def _one_dominates(part: Part) -> bool:
    """Whether one feature alone says most of the class: what contradicts it is its own noise."""
    return max(feature_skills(part).values(), default=0.0) >= DOMINATES


def _wrong(view: View, truth: Codes, floor: Floor) -> Floats:
    """Probability that each training label is wrong, by forests that learn less from such."""
    rows, none = np.arange(len(truth)), np.zeros(0, dtype=np.int64)
    weights = None
    for _ in range(PASSES):
        log_p, _ = _log_probabilities(view, rows, none, weights, NAMING_TREES)
        wrong = floor.wrong(log_p, truth)
        weights = 1 - wrong
    return wrong


def _most_probable(wrong: Floats) -> Codes:
    """The rows to name: as many of the likeliest as give the best F1 to expect.

    Naming k of them finds sum(wrong of these) of sum(wrong of all) (Lipton et al. 2014).
    """
    order = np.argsort(-wrong, kind="stable")
    found = np.cumsum(wrong[order])
    f1 = 2 * found / (np.arange(1, len(wrong) + 1) + wrong.sum())
    return np.sort(order[: int(f1.argmax()) + 1])


def _finding(view: View, truth: Codes, seen: Seen) -> Finding:
    named = _most_probable(_wrong(view, truth, seen.best))
    rows = tuple(view.train.rows[named].tolist())
    shown = {
        "share of labels that contradict": round(seen.best.noise, 4),
        "wrong out of fold": round(seen.missed, 4),
        "gain of a floor": round(seen.best.gain, 1),
    }
    if seen.floors is not None:
        shown["share in the test"] = round(seen.floors.second, 4)
        shown["gain of two floors over one"] = round(seen.floors.gain, 1)
    is_firm = seen.is_apart and seen.is_floor
    question = "" if is_firm else "Are these labels right? If not:\n"
    return Finding(
        code=LabelNoise.code,
        severity=Severity.WARN if is_firm else Severity.ASK,
        title=f"About {seen.best.noise:.0%} of the training labels of {view.predicted} contradict "
        f"rows like them; {len(rows):,} are named.",
        evidence=shown,
        rows={"train": rows},
        mend=f"{question}look at the rows named, have them labelled anew, or drop them:\n"
        "frame = frame.drop(index=ROWS)",
    )
