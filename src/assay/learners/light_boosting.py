"""LightGBM's trees, where it is installed: one of the candidates of the learner `auto`.

It grows trees as `boosting` does, on the same codes, and is the faster of the two; what it errs in
is not the same, which is what an ensemble lives on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.boosting import known_classes
from assay.learners.encoded import encoded
from assay.learners.estimators import EstimatorModel, seeded, told_apart
from assay.learners.protocol import FitContext
from assay.monitor import Answer, Monitor

_ROUNDS_UNWATCHED = 150
"""Rounds where no row can be spared to stop on."""


def is_installed() -> bool:
    """Whether LightGBM can be imported."""
    return find_spec("lightgbm") is not None


class LightBoostingOptions(BaseModel):
    """Options of the candidate `lightgbm`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(0.05, gt=0, le=1, description="Size of a boosting step.")
    max_rounds: int = Field(2000, ge=1, description="Most boosting rounds.")
    patience: int = Field(
        30, ge=1, description="Rounds without a better validation loss before it stops."
    )
    max_leaves: int = Field(31, ge=2, description="Leaves of a tree.")
    min_rows_leaf: int = Field(20, ge=1, description="Fewest rows in a leaf.")
    l2: float = Field(1.0, ge=0, description="L2 penalty on the leaves.")
    max_features: float = Field(0.8, gt=0, le=1, description="Share of features a tree may use.")
    max_rows: float = Field(1.0, gt=0, le=1, description="Share of rows drawn for a tree.")
    categories: bool = Field(
        False, description="Whether splits part sets of levels, not their codes in order."
    )
    random_splits: bool = Field(False, description="Whether each split tries one random cut.")
    loss: Literal["squared_error", "absolute_error", "gamma"] = Field(
        "squared_error", description="Of numbers."
    )


_LOSSES = {
    "squared_error": "regression",
    "absolute_error": "regression_l1",
    "gamma": "gamma",
}


@dataclass(frozen=True)
class LightBoostingLearner:
    """Fits trees of LightGBM until the validation loss no longer falls."""

    options: LightBoostingOptions = field(default_factory=LightBoostingOptions)
    name: str = "lightgbm"
    validates: bool = True

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> EstimatorModel:
        """Fit encoder and trees on the training rows, stopping on the validation rows.

        Raises:
            LearnerError: LightGBM refused the data.
        """
        from sklearn.pipeline import Pipeline

        with told_apart(self.name):
            encoder, categories, features = encoded(train, context.seed)
        kept = known_classes(train, validation) if validation is not None else None
        stops = kept is not None and len(kept) > 0 and "rounds" not in context.fixed
        most = self.options.max_rounds
        rounds = context.fixed.get("rounds", most if stops else min(most, _ROUNDS_UNWATCHED))
        trees = seeded(self._trees(train, rounds), context)
        given: dict[str, Any] = {}
        if stops and kept is not None:
            given = {
                "eval_X": encoder.transform(kept.features),
                "eval_y": _as_learnt(kept, train),
                "eval_sample_weight": None if kept.weights is None else [kept.weights],
                "callbacks": self._callbacks(context.monitor),
            }
        if self.options.categories and categories:
            given["categorical_feature"] = categories
        with told_apart(self.name):
            trees.fit(features, train.known_target, sample_weight=train.weights, **given)
        chosen = int(trees.best_iteration_ or rounds) if stops else int(rounds)
        pipeline = Pipeline([("preprocess", encoder), ("estimator", trees)])
        return EstimatorModel(pipeline, train.schema.classes, {"rounds": chosen})

    def _trees(self, train: Part, rounds: int) -> Any:
        import lightgbm

        options = self.options
        common: dict[str, Any] = {
            "n_estimators": rounds,
            "learning_rate": options.learning_rate,
            "num_leaves": options.max_leaves,
            "min_child_samples": options.min_rows_leaf,
            "reg_lambda": options.l2,
            "colsample_bytree": options.max_features,
            "subsample": options.max_rows,
            "subsample_freq": int(options.max_rows < 1),
            "extra_trees": options.random_splits,
            "n_jobs": 1,
            "verbose": -1,
            "deterministic": True,
            "force_col_wise": True,
        }
        if train.schema.task.is_classification:
            return lightgbm.LGBMClassifier(**common)
        return lightgbm.LGBMRegressor(objective=_LOSSES[options.loss], **common)

    def _callbacks(self, monitor: Monitor) -> list[Callable[[Any], None]]:
        import lightgbm

        least, best = float("inf"), 0

        def watched(round_: Any) -> None:
            nonlocal least, best
            results = round_.evaluation_result_list
            loss = float(results[0][2])
            if loss < least:
                least, best = loss, round_.iteration
            answer = monitor.report(round_.iteration + 1, {"validation_loss": loss})
            if answer is not Answer.CONTINUE:
                raise lightgbm.callback.EarlyStopException(best, results)

        stopping = lightgbm.early_stopping(self.options.patience, verbose=False)
        return [stopping, watched]


def _as_learnt(part: Part, train: Part) -> Any:
    """The target of other rows as LightGBM learns it: classes by their place among those seen."""
    if not train.schema.task.is_classification:
        return part.known_target
    return np.searchsorted(np.unique(train.known_target), part.known_target)
