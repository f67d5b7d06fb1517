"""`boosting`: scikit-learn's histogram gradient boosting with native categories and missing values.

Rounds are chosen on validation rows inside each fold; the refit on all rows takes over the median.
Of several labels each has trees and rounds of its own.
The defaults (small steps, small trees, a random half of the features at each split, L2) follow the
recipe that had the best mean rank of seven on ten public tables, with steps of 0.1 instead of
0.05: the same ROC-AUC on adult (0.928 out of fold) for two thirds of the time. Of more than two
classes the trees are larger, with fewer rows in a leaf, less L2 and fewer features at a split.
Beside HGB and LightGBM as they come, on the same folds of 28 tables: `benchmarks/tables.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.data.schema import Task
from assay.learners.by_label import one_against_rest
from assay.learners.encoded import encoded
from assay.learners.estimators import (
    EstimatorModel,
    seeded,
    told_apart,
    weighted,
)
from assay.learners.preprocessing import ordinal
from assay.learners.protocol import FitContext
from assay.monitor import Answer, Monitor
from assay.predictions import Floats

_ONE_TREE = {
    "max_leaf_nodes": 15,
    "min_samples_leaf": 20,
    "l2_regularization": 5.0,
    "max_features": 0.5,
}
"""A round is one tree: for numbers, one class against another, or a label."""

_TREE_PER_CLASS = {
    "max_leaf_nodes": 31,
    "min_samples_leaf": 10,
    "l2_regularization": 2.0,
    "max_features": 0.3,
}
"""A class is one of several and its rows are few: p (1 - p), against which L2 weighs, is small."""

_ROUNDS_UNWATCHED = 150
"""Rounds where no row can be spared to stop on."""


class BoostingOptions(BaseModel):
    """Options of `learner: boosting`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(0.1, gt=0, le=1, description="Size of a boosting step.")
    max_rounds: int = Field(
        1000,
        ge=1,
        description="Most boosting rounds; at most 150 where no row can be spared to stop on.",
    )
    patience: int = Field(
        20, ge=1, description="Rounds without a better validation loss before it stops."
    )
    max_leaves: int | None = Field(
        None, ge=2, description="Leaves of a tree; 15 by default, 31 for three classes or more."
    )
    min_rows_leaf: int | None = Field(
        None, ge=1, description="Fewest rows in a leaf; 20, or 10 for three classes or more."
    )
    l2: float | None = Field(
        None, ge=0, description="L2 penalty on the leaves; 5, or 2 for three classes or more."
    )
    max_features: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of features that a split chooses from; "
        "0.5, or 0.3 for three classes or more.",
    )
    loss: Literal["squared_error", "absolute_error", "gamma", "poisson"] = Field(
        "squared_error",
        description="Of numbers: gamma suits skewed positive ones, as prices and durations; "
        "poisson counts; absolute_error aims at the median.",
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: rarer classes weigh more; changes the probabilities."
    )


@dataclass(frozen=True)
class BoostingLearner:
    """Fits trees until the validation loss no longer falls."""

    options: BoostingOptions = field(default_factory=BoostingOptions)
    name: str = "boosting"
    validates: bool = True

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> EstimatorModel:
        """Fit encoder and trees on the training rows, stopping on the validation rows.

        Raises:
            LearnerError: scikit-learn refused the data.
        """
        from sklearn.pipeline import Pipeline

        if train.schema.task is Task.MULTILABEL:
            with told_apart(self.name):
                return self._fit_labels(train, validation, context)
        with told_apart(self.name):
            encoder, categories, features = encoded(train, context.seed)
        kept = known_classes(train, validation) if validation is not None else None
        stops = kept is not None and len(kept) > 0 and "rounds" not in context.fixed
        most = self.options.max_rounds
        rounds = context.fixed.get("rounds", most if stops else min(most, _ROUNDS_UNWATCHED))
        trees = self._trees(train, rounds, stops, categories)
        trees = seeded(trees, context)
        pipeline = Pipeline([("preprocess", encoder), ("estimator", trees)])
        with told_apart(self.name):
            held_out = _encoded(kept, encoder) if stops and kept is not None else {}
            with _watched(trees, context.monitor):
                trees.fit(features, train.known_target, **weighted(trees, train), **held_out)
        n = _recorded(_losses(trees), context) if stops else trees.n_iter_
        return EstimatorModel(pipeline, train.schema.classes, {"rounds": n})

    def _fit_labels(
        self, train: Part, validation: Part | None, context: FitContext
    ) -> EstimatorModel:
        """Fit the encoder once and trees for each label, each stopping by itself.

        What is chosen is a list of rounds; None for a label that needed no trees.
        """
        from sklearn.pipeline import Pipeline

        encoder, categories = ordinal(train, context.seed)
        encoder = seeded(encoder, context)
        encoded = encoder.fit_transform(train.features, train.known_target)
        fixed = context.fixed.get("rounds")
        watched = validation if fixed is None else None
        held_out = _encoded(watched, encoder) if watched is not None else {}
        most = self.options.max_rounds
        rounds: list[int | None] = [None] * len(train.schema.classes)
        losses: list[Floats] = []

        def fit_one(code: int, held: NDArray[np.int64]) -> Any:
            truth = watched.known_target[:, code] if watched is not None else held[:0]
            # Where no row has it, or all have, the loss falls for ever.
            stops = len(np.unique(truth)) == 2
            known = fixed[code] if fixed is not None else None
            n = most if stops else known or min(most, _ROUNDS_UNWATCHED)
            trees = seeded(self._trees(train, n, stops, categories), context)
            judged = {**held_out, "y_val": truth} if stops else {}
            with _watched(trees, context.monitor):
                trees.fit(encoded, held, **weighted(trees, train), **judged)
            rounds[code] = int(trees.n_iter_)
            if stops:
                losses.append(_losses(trees))
                rounds[code] = int(np.argmin(losses[-1])) + 1
            return trees

        plain = self._trees(train, most, False, categories)
        pipeline = Pipeline(
            [
                ("preprocess", encoder),
                ("estimator", one_against_rest(plain, encoded, train, fit_one)),
            ]
        )
        if losses:
            _recorded(_mean_over_labels(losses), context)
        return EstimatorModel(pipeline, train.schema.classes, {"rounds": rounds}, has_labels=True)

    def _trees(self, train: Part, rounds: int, stops: bool, categories: list[int]) -> Any:
        from sklearn.ensemble import (
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
        )

        options = self.options
        asked = {
            "max_leaf_nodes": options.max_leaves,
            "min_samples_leaf": options.min_rows_leaf,
            "l2_regularization": options.l2,
            "max_features": options.max_features,
        }
        recipe = _TREE_PER_CLASS if train.schema.task is Task.MULTICLASS else _ONE_TREE
        common = {
            **recipe,
            **{name: value for name, value in asked.items() if value is not None},
            "learning_rate": options.learning_rate,
            "max_iter": rounds,
            "categorical_features": categories,
            "early_stopping": stops,
            "n_iter_no_change": options.patience,
            "scoring": "loss",
        }
        if train.schema.task.is_classification:
            return HistGradientBoostingClassifier(class_weight=options.class_weight, **common)
        return HistGradientBoostingRegressor(loss=options.loss, **common)


def known_classes(train: Part, validation: Part) -> Part:
    """Validation rows whose class the training rows have."""
    if not train.schema.task.is_classification:
        return validation
    seen = set(train.known_target)
    return validation.take(np.array([label in seen for label in validation.known_target], bool))


def _encoded(validation: Part, encoder: Any) -> dict[str, Any]:
    """Validation rows as scikit-learn takes them."""
    weights = {} if validation.weights is None else {"sample_weight_val": validation.weights}
    features = encoder.transform(validation.features)
    return {"X_val": features, "y_val": validation.known_target, **weights}


def _losses(trees: Any) -> Floats:
    """The validation loss of every round, shape (rounds,)."""
    return -np.asarray(trees.validation_score_[1:], dtype=np.float64)


def _mean_over_labels(losses: Sequence[Floats]) -> Floats:
    """Mean loss by round; a label that has stopped stays at its best.

    >>> _mean_over_labels([np.array([4.0, 3.0, 5.0]), np.array([1.0])]).tolist()
    [2.5, 2.0, 2.0]
    """
    n = max(map(len, losses))
    best = [np.minimum.accumulate(np.pad(each, (0, n - len(each)), "edge")) for each in losses]
    return np.asarray(np.mean(best, axis=0))


def _recorded(losses: Floats, context: FitContext) -> int:
    """Record the validation loss of every round and return the best round, counted from one."""
    context.recorder.series("validation_loss", losses.tolist())
    return int(np.argmin(losses)) + 1


@contextmanager
def _watched(trees: Any, monitor: Monitor) -> Iterator[None]:
    """Within it the monitor hears of every round, and may end the fit.

    scikit-learn has no callbacks for these trees; it asks one method whether to stop, with the
    scores so far, and is answered here. Nothing of it is left in the trees.
    """
    plain = trees._should_stop

    def should_stop(scores: list[float]) -> bool:
        rounds = len(scores) - 1  # the first score is that of no round
        told = {"validation_loss": -float(scores[-1])}
        if rounds and monitor.report(rounds, told) is not Answer.CONTINUE:
            return True
        return bool(plain(scores))

    trees._should_stop = should_stop
    try:
        yield
    finally:
        del trees._should_stop
