"""Ensemble: fitted candidates with weights become one estimator, of scikit-learn's own parts.

Whoever has scikit-learn, and LightGBM where it takes part, can load and ask it. Members that read
the same encoding of the rows share it, so that it is made once for a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from assay.learners.candidates import OF_TREES, Candidate
from assay.learners.estimators import EstimatorModel


@dataclass(frozen=True)
class Member:
    """One model of an ensemble.

    Attributes:
        candidate: What it is a model of.
        model: Fitted; all members on the same rows, but those of a fold.
        weight: Its share; all shares sum to one.
        is_of_fold: Whether it was fitted to the rows of a fold, so that its encoding is its own.
    """

    candidate: Candidate
    model: EstimatorModel
    weight: float
    is_of_fold: bool = False


def combined(members: Sequence[Member], chosen: dict[str, Any]) -> EstimatorModel:
    """The weighted average of what the members say, as one model.

    Args:
        members: At least one, of weights above zero.
        chosen: What is to be kept as chosen by the ensemble.
    """
    ordered = sorted(members, key=lambda each: (_reads(each), -each.weight))
    parts = []
    for reads, group in groupby(ordered, key=_reads):
        alike = list(group)
        if reads:
            parts.append(_sharing(alike))
        else:
            parts += [(each.model.estimator, each.weight) for each in alike]
    classes = members[0].model.classes
    return EstimatorModel(_averaging(parts), classes, chosen)


def _reads(member: Member) -> str:
    """Names the encoding that is shared with others; empty for an encoding of its own."""
    if member.is_of_fold or member.candidate.learner not in OF_TREES:
        return ""
    return "codes, by the logarithm" if member.candidate.logarithm else "codes"


def _sharing(members: Sequence[Member]) -> tuple[Any, float]:
    """Members behind one encoder, and the weight of all of them."""
    from sklearn.pipeline import Pipeline

    first = members[0].model.estimator
    weight = sum(each.weight for each in members)
    last = [(each.model.estimator.steps[-1][1], each.weight / weight) for each in members]
    return Pipeline([*first.steps[:-1], ("estimator", _averaging(last))]), weight


def _averaging(parts: Sequence[tuple[Any, float]]) -> Any:
    """Fitted estimators as scikit-learn's voting, which averages what they say."""
    from sklearn.base import clone, is_classifier
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import LabelEncoder

    if len(parts) == 1:
        return parts[0][0]
    # Not fitted where it asks for what it is made of: or all of it would be saved twice.
    named = [(f"member {number}", clone(each)) for number, (each, _) in enumerate(parts, start=1)]
    weights = [float(weight) for _, weight in parts]
    if not is_classifier(parts[0][0]):
        voting = VotingRegressor(named, weights=weights)
    else:
        voting = VotingClassifier(named, voting="soft", weights=weights)
        labels = [each.classes_ for each, _ in parts]
        assert all(np.array_equal(labels[0], each) for each in labels), "fitted on the same rows"
        voting.le_ = LabelEncoder().fit(labels[0])
        voting.classes_ = voting.le_.classes_
    voting.estimators_ = [each for each, _ in parts]
    return voting
