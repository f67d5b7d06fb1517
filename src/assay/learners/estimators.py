"""scikit-learn estimators as learners and models: fitted inside the fold, saved by skops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.data.dataset import Part
from assay.data.schema import Task, label_array
from assay.errors import LearnerError
from assay.learners.by_label import fitted_by_label
from assay.learners.protocol import FitContext
from assay.learners.trust import load_skops, skops_io
from assay.predictions import Floats, Predictions

Build = Callable[[Part, int], Any]
_FILE = "estimator.skops"


@dataclass(frozen=True)
class EstimatorModel:
    """A fitted scikit-learn estimator that takes features as `Part.features` has them.

    Attributes:
        estimator: The estimator, preprocessing included.
        classes: Class labels in the order of the schema; empty for regression.
        has_labels: Whether rows may have several of them: then its last step is scikit-learn's
            OneVsRestClassifier, which gives the probability of each.
        chosen: What the fit decided by looking at validation rows.
    """

    estimator: Any
    classes: tuple[Any, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)
    has_labels: bool = False

    def predict(self, features: pd.DataFrame) -> Predictions:
        """Predict rows; a class that the fit never saw gets probability zero."""
        rows = np.arange(len(features), dtype=np.int64)
        if not self.classes:
            values = np.asarray(self.estimator.predict(features), dtype=np.float64)
            return Predictions(rows, values=values.reshape(len(rows)))
        if self.has_labels:
            given = np.asarray(self.estimator.predict_proba(features), dtype=np.float64)
            return Predictions(rows, probabilities=given, classes=label_array(self.classes))
        known = list(self.estimator.classes_)
        columns = [known.index(label) if label in known else -1 for label in self.classes]
        prepared, last = _prepared(self.estimator, features)
        scores = None
        if hasattr(last, "decision_function"):
            scores = np.asarray(last.decision_function(prepared), dtype=np.float64)
        probabilities = _linked(last, scores)
        if probabilities is None:
            probabilities = last.predict_proba(prepared)
        return Predictions(
            rows,
            probabilities=_in_order(probabilities, columns),
            classes=label_array(self.classes),
            scores=_scores_in_order(scores, columns),
        )

    def save(self, folder: Path) -> None:
        """Write the estimator with skops: no pickle, nothing that runs when it is loaded."""
        import json

        skops_io().dump(self.estimator, folder / _FILE)
        about = {
            "classes": list(self.classes),
            "chosen": dict(self.chosen),
            "has_labels": self.has_labels,
        }
        (folder / "model.json").write_text(json.dumps(about))

    @classmethod
    def load(cls, folder: Path) -> EstimatorModel:
        """Read an estimator that `save` wrote; only types of known libraries are built."""
        import json

        about = json.loads((folder / "model.json").read_text())
        estimator = load_skops(folder / _FILE)
        return cls(
            estimator, tuple(about["classes"]), about["chosen"], about.get("has_labels", False)
        )


def _linked(last: Any, scores: Floats | None) -> Floats | None:
    """What `predict_proba` of boosted trees gives, bit for bit, without another walk down them."""
    from scipy.special import expit
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.utils.extmath import softmax

    if scores is None or not isinstance(last, HistGradientBoostingClassifier):
        return None
    if scores.ndim == 1:
        positive = expit(scores)
        return np.column_stack([1 - positive, positive])
    return np.asarray(softmax(scores))


def _scores_in_order(scores: Floats | None, columns: list[int]) -> Floats | None:
    """The decision function in the order of the schema: a binary margin favours the last class."""
    if scores is None or -1 in columns:
        return None
    if scores.ndim == 1:
        return scores if columns == [0, 1] else -scores
    return scores[:, columns]


@dataclass(frozen=True)
class EstimatorLearner:
    """A recipe that builds an unfitted estimator for the columns at hand and fits it.

    Attributes:
        name: What it is called.
        build: Makes the unfitted estimator from the training part and the seed. A module-level
            function, or an object that pickles: fits run in other processes.
    """

    name: str
    build: Build
    validates: bool = False

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> EstimatorModel:  # noqa: ARG002
        """Fit the estimator to the training rows; it needs no validation rows.

        Raises:
            LearnerError: The estimator refused the data, with its own words.
        """
        estimator = seeded(self.build(train, context.seed), context)
        if train.schema.task is Task.MULTILABEL:
            with told_apart(self.name):
                fitted = fitted_by_label(estimator, train)
            return EstimatorModel(fitted, train.schema.classes, has_labels=True)
        with told_apart(self.name):
            estimator.fit(train.features, train.known_target, **weighted(estimator, train))
        return EstimatorModel(estimator, train.schema.classes)


class told_apart:  # noqa: N801
    """Turns what an estimator raises into a LearnerError that names the learner."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ValueError | TypeError | ArithmeticError):
            reason = str(error).strip().splitlines()[0]
            raise LearnerError(
                f"The learner {self.name!r} could not be fitted: {reason}",
                where="model.learner",
                mend="change model.options, leave the column out (data.roles.ignore), "
                "or try learner: boosting",
            ) from error


def seeded(estimator: Any, context: FitContext) -> Any:
    """Give the context's seed to every random part without one, its threads to all that ask."""
    params = estimator.get_params(deep=True)
    settings = {
        name: context.threads if name.rpartition("__")[2] == "n_jobs" else context.seed
        for name, value in params.items()
        if (name.rpartition("__")[2] == "random_state" and value is None)
        or (name.rpartition("__")[2] == "n_jobs" and value is not None)
    }
    return estimator.set_params(**settings)


def weighted(estimator: Any, train: Part) -> dict[str, Any]:
    """The fit arguments that carry the sample weights, if the part has any."""
    if train.weights is None:
        return {}
    steps = getattr(estimator, "steps", None)
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": train.weights}


def _prepared(estimator: Any, features: pd.DataFrame) -> tuple[Any, Any]:
    """What the last step of a pipeline sees of the features, and that step."""
    steps = getattr(estimator, "steps", None)
    if steps is None or len(steps) == 1:
        return features, estimator
    return estimator[:-1].transform(features), steps[-1][1]


def _in_order(probabilities: Any, columns: list[int]) -> Floats:
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if -1 not in columns:
        return probabilities[:, columns]
    padded = np.hstack([probabilities, np.zeros((len(probabilities), 1))])
    return padded[:, columns]
