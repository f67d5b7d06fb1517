"""`auto`: an ensemble of models of several learners, chosen by what they predict out of fold.

Within a run, out of fold and on all rows, it is fitted by `assay.tuning.auto`, which keeps what the
candidates predicted. What is here is the recipe, and the fit to any rows by themselves: candidates
are cross-fitted on them, members selected, and these fitted on all of the rows.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.data.schema import Task
from assay.errors import LearnerError
from assay.learners.candidates import Candidate
from assay.learners.ensemble import Member, combined
from assay.learners.estimators import EstimatorModel
from assay.learners.portfolio import portfolio
from assay.learners.protocol import FitContext, Learner, Model
from assay.learners.selection import MOST_MEMBERS, Errors, selected
from assay.predictions import Predictions

FIRST = 5
"""Configurations of the portfolio that are fitted where none are named and none are searched."""
_FOLDS = 3


class AutoOptions(BaseModel):
    """Options of `learner: auto`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidates: tuple[Candidate, ...] = Field(
        (),
        description="Configurations to choose from, each {learner, options, logarithm}; the first "
        f"{FIRST} of the portfolio when absent. assay tune searches, and writes them here.",
    )
    folds: int | None = Field(
        None, ge=1, description="Only so many of the folds are fitted, where all take too long."
    )
    members: int = Field(MOST_MEMBERS, ge=1, description="Most models in the ensemble.")


@dataclass(frozen=True)
class AutoLearner:
    """Chooses from candidates and averages the chosen."""

    options: AutoOptions = field(default_factory=AutoOptions)
    name: str = "auto"
    validates: bool = False

    def candidates(self, train: Part) -> list[Candidate]:
        """What it chooses from on these rows."""
        return list(self.options.candidates) or portfolio(train)[:FIRST]

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> EstimatorModel:  # noqa: ARG002
        """Cross-fit the candidates on the rows, select, and fit the members on all of them.

        Raises:
            LearnerError: A candidate refused the data, or the rows may have several labels.
        """
        refuse_labels(train.schema.task)
        candidates, folding = self.candidates(train), _folding(train)
        parts = [_cross_fitted(each, train, folding, context) for each in candidates]
        predicted = [each for each, _ in parts]
        known = train.take(train.rows.searchsorted(predicted[0].rows))
        weights = selected(
            Errors.of(predicted, known.known_target, train.schema, known.weights),
            self.options.members,
        )
        members = []
        for candidate, (_, chosen), weight in zip(candidates, parts, weights, strict=True):
            if weight:
                model = candidate.recipe.fit(train, None, replace(context, fixed=chosen))
                members.append(Member(candidate, as_estimator(model), float(weight)))
        return combined(members, {"members": told(members)})


def as_estimator(model: Model) -> EstimatorModel:
    """The model of a candidate, which is an estimator."""
    assert isinstance(model, EstimatorModel)
    return model


def told(members: Sequence[Member]) -> dict[str, float]:
    """The members of an ensemble in words, with their weights, the heaviest first."""
    ordered = sorted(members, key=lambda each: -each.weight)
    return {
        f"{each.candidate.told}{', of one fold' if each.is_of_fold else ''}": round(each.weight, 4)
        for each in ordered
    }


def typical(chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the fit on all rows takes over from those on folds: the median.

    >>> typical([{"rounds": 30}, {"rounds": 10}, {"rounds": 12}])
    {'rounds': 12}
    """
    return {name: round(statistics.median(each[name] for each in chosen)) for name in chosen[0]}


def refuse_labels(task: Task) -> None:
    """Refuse a task whose rows may have several labels.

    Raises:
        LearnerError: It is one.
    """
    if task is Task.MULTILABEL:
        raise LearnerError(
            "auto makes no ensembles where rows may have several labels.",
            where="model.learner: auto",
            mend="learner: boosting, and assay tune searches its options",
        )


def _folding(train: Part) -> Folding:
    if train.times is not None:
        return Folding("time", _FOLDS)
    return Folding("group" if train.groups is not None else "random", _FOLDS)


def _cross_fitted(
    candidate: Candidate, train: Part, folding: Folding, context: FitContext
) -> tuple[Predictions, dict[str, Any]]:
    """What a candidate predicts of the rows that folds leave out, and what it chose."""
    folds = folding.divide(train, context.seed)
    predictions, chosen = [], []
    for fold in range(folding.count):
        learns, left_out = train.take(folds.learns(fold)), train.take(folds.predicts(fold))
        model = fitted_with_rows_to_stop_on(candidate.recipe, learns, folding, context)
        predictions.append(replace(model.predict(left_out.features), rows=left_out.rows))
        chosen.append(model.chosen)
    return Predictions.concatenate(predictions), typical(chosen)


def fitted_with_rows_to_stop_on(
    learner: Learner, train: Part, folding: Folding, context: FitContext
) -> Model:
    """The learner fitted to rows, some of which are held out to stop on if it needs any."""
    if not learner.validates:
        return learner.fit(train, None, context)
    held_out = folding.held_out(train, context.seed)
    return learner.fit(train.take(~held_out), train.take(held_out), context)
