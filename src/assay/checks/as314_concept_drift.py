"""AS314 concept-drift: features say something else of the target in test rows than in training.

The same test rows are judged twice: by a forest that learnt from training rows, and by one that
learnt from other test rows, fewer of them. If one relation holds in both, the first is the better;
if the second is, beyond chance, the relation has changed. What other shares of the classes alone
do is taken out of the first (Saerens, Latinne and Decaestecker 2002). Leaves are large, so that no
forest knows single things again that have several rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assay.checks.as313_covariate_drift import copies, features_drift
from assay.checks.base import View
from assay.checks.divided import Divided, divided
from assay.checks.later import Later, later_parts
from assay.checks.probe import Whole, encoded, errors, target_columns
from assay.data.dataset import Part
from assay.data.keys import Codes
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

FEWEST_ROWS = 100
MOST_TRAIN, MOST_TEST = 3000, 2000
LEAF_ROWS = (5, 20)
ROWS_PER_LEAF = 50
FOLDS = 3
ROWS_MORE = 1.5
LEAST_Z = 4.5
LEAST_GAIN = 0.03
LEAST_TURN = 0.3
LEAST_SHARE = 0.001


@dataclass(frozen=True)
class Relation:
    """What is learnt from training rows, on other training rows and on test rows.

    Attributes:
        within: Share of variance that training rows explain of each other.
        across: Share that training rows explain of test rows, told the test's shares of classes.
        own: Share that test rows explain of each other.
        z: Own less across, in standard errors.
        slope: How far the target rises with what is predicted of it, among training rows.
        slope_there: The same among test rows.
        slope_z: The second less the first, in standard errors.
    """

    within: float
    across: float
    own: float
    z: float
    slope: float
    slope_there: float
    slope_z: float

    @property
    def has_turned(self) -> bool:
        """Whether the target rises with the predictions otherwise than in training."""
        turned = abs(self.slope_there - self.slope) >= LEAST_TURN * abs(self.slope)
        return turned and abs(self.slope_z) >= LEAST_Z

    @property
    def is_another(self) -> bool:
        """Whether test rows know better."""
        return self.z >= LEAST_Z and self.own - self.across >= LEAST_GAIN

    @property
    def has_changed(self) -> bool:
        return self.has_turned or self.is_another


class ConceptDrift:
    """Learns from training and from test rows, and judges both on the same test rows."""

    code = "AS314"
    name = "concept-drift"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Compare the relation of features and target on both sides."""
        if view.test is None or view.test.target is None:
            return NotApplicable("the targets of test rows are sealed, or there are none")
        if min(len(view.train), len(view.test)) < FEWEST_ROWS:
            return NotApplicable(f"fewer than {FEWEST_ROWS} rows are too few to learn a relation")
        if not view.schema.features:
            return NotApplicable("there are no features")
        later = later_parts(view)[0]
        how = divided(view, later)
        relation = relation_of(view, how)
        if relation is None:
            return NotApplicable("the target is the same in all rows looked at")
        return [_finding(view, later, how, relation)] if relation.has_changed else []


def relation_of(view: View, how: Divided) -> Relation | None:
    """Judge what was learnt on either side; None where there is nothing to explain."""
    assert view.test is not None
    random = np.random.default_rng(0)
    ours = np.sort(random.permutation(_once(view.train))[:MOST_TRAIN])
    theirs = np.sort(random.permutation(_once(view.test))[:MOST_TEST])
    both = _together(view.train.take(ours), view.test.take(theirs))
    X, truth = encoded(both, without=how.by_key), target_columns(both)
    train, test = np.arange(len(ours)), len(ours) + np.arange(len(theirs))
    total, total_there = (_spread(truth[rows]) for rows in (train, test))
    if min(total, total_there) <= 0:
        return None
    clusters = (
        [None, None] if how.clusters is None else [how.clusters[0][ours], how.clusters[1][theirs]]
    )
    within, across = _out_of_fold(X, truth, train, clusters[0], len(train), test)
    if view.schema.task.is_classification:
        across = _with_shares(across, truth, train, test)
    own, _ = _out_of_fold(X, truth, test, clusters[1], len(train) / ROWS_MORE)
    slope, error = _slope(truth[train], truth[train] - within, clusters[0])
    slope_there, error_there = _slope(truth[test], truth[test] - across, clusters[1])
    lost, kept = ((each**2).sum(axis=1) for each in (across, own))
    apart = _summed(lost - kept, clusters[1])
    spread = float(np.sqrt(((apart - apart.mean()) ** 2).sum()))
    return Relation(
        within=1 - float((within**2).sum()) / total,
        across=1 - float(lost.sum()) / total_there,
        own=1 - float(kept.sum()) / total_there,
        z=float(apart.sum()) / spread if spread else 0.0,
        slope=slope,
        slope_there=slope_there,
        slope_z=(slope_there - slope) / float(np.hypot(error, error_there) or 1.0),
    )


def _once(part: Part) -> Whole:
    """Rows that repeat no earlier one: what is copied would be known again."""
    return np.flatnonzero(~copies(part.features, part.target))


def _slope(truth: Floats, said: Floats, clusters: Codes | None) -> tuple[float, float]:
    """Slope of a target on what is predicted of it, all its columns together, and its error."""
    said, truth = said - said.mean(axis=0), truth - truth.mean(axis=0)
    total = float((said**2).sum())
    if total <= 0:
        return 0.0, 0.0
    slope = float((said * truth).sum()) / total
    influence = (said * (truth - slope * said)).sum(axis=1) / total
    return slope, float(np.sqrt((_summed(influence, clusters) ** 2).sum()))


def _summed(each: Floats, clusters: Codes | None) -> Floats:
    """By cluster, since the rows of one are not independent."""
    if clusters is None:
        return each
    return np.bincount(np.unique(clusters, return_inverse=True)[1], each).astype(np.float64)


def _together(train: Part, test: Part) -> Part:
    features = pd.concat([train.features, test.features], ignore_index=True)
    target = np.concatenate([train.known_target, test.known_target])
    return Part(np.arange(len(features)), features, target, train.schema)


def _spread(truth: Floats) -> float:
    return float(((truth - truth.mean(axis=0)) ** 2).sum())


def _with_shares(missed: Floats, truth: Floats, train: Whole, test: Whole) -> Floats:
    """What is missed once the probabilities are told the shares of the test's classes."""
    middle = truth.max(axis=0) - 1  # truth is indicators less their mean
    shares = [np.maximum((truth[at] - middle).mean(axis=0), LEAST_SHARE) for at in (train, test)]
    said = np.clip(truth[test] - missed - middle, LEAST_SHARE, 1) * shares[1] / shares[0]
    said /= said.sum(axis=1, keepdims=True)
    return np.asarray(truth[test] - middle - said)


def _out_of_fold(
    X: Floats,
    truth: Floats,
    rows: Whole,
    clusters: Codes | None,
    most: float,
    others: Whole | None = None,
) -> tuple[Floats, Floats]:
    """What forests miss of their own kind and of others, so that one forest is judged on both.

    Args:
        X: Features of all rows.
        truth: Their targets.
        rows: Those that are learnt from, and judged out of their fold.
        clusters: Those of one cluster are in one fold.
        most: So many rows are learnt from, at most.
        others: Judged as well, each by the forest of one of the folds.
    """
    random = np.random.default_rng(1)
    others = np.arange(0) if others is None else others
    own = np.arange(len(rows)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    fold = (random.permutation(own.max() + 1) % FOLDS)[own]
    fold_there = random.permutation(len(others)) % FOLDS
    missed, there = (np.empty((len(each), truth.shape[1])) for each in (rows, others))
    leaf = int(np.clip(len(rows) // ROWS_PER_LEAF, *LEAF_ROWS))
    for each in range(FOLDS):
        learnt = random.permutation(np.flatnonzero(fold != each))[: int(most)]
        at, at_there = np.flatnonzero(fold == each), np.flatnonzero(fold_there == each)
        judged = np.concatenate([rows[at], others[at_there]])
        found = errors(X, truth, rows[learnt], judged, leaf)
        missed[at], there[at_there] = found[: len(at)], found[len(at) :]
    return missed, there


def _said(view: View, relation: Relation) -> str:
    if not relation.has_turned:
        return (
            f"Test rows say more of {view.predicted} in other test rows than training rows do, "
            "though these are more"
        )
    if relation.slope_there > relation.slope:
        return (
            f"{view.predicted} follows its features more closely in the test rows than in training "
            "(are labels wrong there?)"
        )
    how = "the other way round" if relation.slope_there < -relation.slope / 2 else "much less"
    return f"{view.predicted} goes with its features {how} in the test rows"


def _finding(view: View, later: Later, how: Divided, relation: Relation) -> Finding:
    drifts = features_drift(view, later, how)
    by_time = how.by_time is not None
    severity = Severity.NOTE if by_time else Severity.ASK if drifts else Severity.WARN
    why = ""
    if by_time:
        why = f" (rows are divided by {how.by_time}, so the relation may have moved on)"
    elif drifts:
        why = " (the features drift too: it may be what training has no rows for)"
    return Finding(
        code=ConceptDrift.code,
        severity=severity,
        title=f"{_said(view, relation)}{why}.",
        evidence={
            "explained of training by training": round(relation.within, 4),
            "explained of the test by training": round(relation.across, 4),
            "explained of the test by other test rows": round(relation.own, 4),
            "standard errors apart": round(relation.z, 1),
            "rise with what is predicted, in training": round(relation.slope, 3),
            "rise in the test": round(relation.slope_there, 3),
            "standard errors between them": round(relation.slope_z, 1),
        },
        effect=f"A small forest explains {relation.within:.0%} of {view.predicted} among training "
        f"rows and {max(relation.across, 0):.0%} in the test, where {relation.own:.0%} can be "
        "explained.",
        mend="find out what changed between the two: what the target means, who recorded it, when, "
        "or a feature's meaning. Wrong labels in one of them look the same. Train on rows in which "
        "the relation is the one that the model will meet.\n"
        f"If it is meant to be: checks: {{accept: {{{ConceptDrift.code}: 'the test is another "
        "population'}}",
    )
