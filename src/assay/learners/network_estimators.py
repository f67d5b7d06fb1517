"""Networks for tables as scikit-learn estimators: in pipelines, searches and cross-validation.

They train as the learners `tabular-net` and `mlp` do, on one thread and without measuring what is
fastest, so that the same seed gives the same numbers wherever it runs. Data frames may hold
categories, dates and texts; gaps are welcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_is_fitted,
    validate_data,
)

from assay.data.dataset import Part
from assay.data.features import feature_frame
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.learners.protocol import FitContext

_TARGET = "(target)"
_FEWEST_ROWS = 50
_SETTLED = {"precision": "fp32", "threads": 1, "loader_workers": 0, "channels_last": False}
"""What would be measured otherwise."""


class _NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """A network for a table.

    Args:
        learner: tabular-net or mlp.
        options: As in `model.options` of an experiment; its defaults when None.
        training: As in `training` of an experiment; the learner's defaults when None.
        validation: Share of the rows that stop the training and are not learnt from; None, or
            fewer than 50 rows, trains for as long as `training` says.
        random_state: Seed.
    """

    def __init__(
        self,
        learner: str = "tabular-net",
        options: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        validation: float | None = 0.2,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.learner = learner
        self.options = options
        self.training = training
        self.validation = validation
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags

    def _fit(self, X: Any, target: Any, task: Task, classes: tuple[int, ...], weight: Any) -> Self:
        from assay.learners.builtin import make_learner

        columns = self._columns(X)
        schema = Schema(columns, _TARGET, task, classes)
        self.reading_ = schema.reading
        weights = None if weight is None else np.asarray(weight, dtype=np.float64)
        features = self._features(X)
        rows = np.arange(len(features), dtype=np.int64)
        part = Part(rows, features, target, schema, weights)
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        learner: Any = make_learner(self.learner, self.options or {})
        learner = learner.with_training({**_SETTLED, **(self.training or {})})
        is_held = _held_out(part, self.validation, seed)
        held = part.take(is_held) if is_held.any() else None
        self.model_ = learner.fit(part.take(~is_held), held, FitContext(seed=seed))
        return self

    def _columns(self, X: Any) -> tuple[Column, ...]:
        """The columns of a data frame by what they hold; of anything else, numbers."""
        if not isinstance(X, pd.DataFrame):
            names = [str(number) for number in range(X.shape[1])]
            return tuple(
                Column(name, Kind.NUMERIC, Role.FEATURE, "float", "array", 0, 0.0) for name in names
            )
        from assay.data.kinds import describe
        from assay.data.sources import from_frame

        table = from_frame(_named(X))
        return tuple(describe(name, table[name], Role.FEATURE) for name in table.column_names)

    def _features(self, X: Any) -> pd.DataFrame:
        frame = _named(X) if isinstance(X, pd.DataFrame) else _named(pd.DataFrame(X))
        return feature_frame(frame, self.reading_)

    def _predictions(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.model_.predict(self._features(self._checked(X, reset=False)))

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """The input, refused where it is no table; a data frame as it is."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if len(X) == 0 or X.shape[1] == 0:
                raise ValueError(f"Found array with {X.shape} (shape) while a minimum of 1 row "
                                 "and 1 feature(s) is required.")  # fmt: skip
            return X
        least = {"ensure_min_samples": 2} if reset else {}
        return validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", **least
        )

    def _weights(self, sample_weight: Any, X: Any) -> Any:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, np.zeros((len(X), 1)), ensure_non_negative=True)


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc]
    __doc__ = _NetworkEstimator.__doc__

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X, shape (n, columns), and their classes y, shape (n,).

        Raises:
            ValueError: There are fewer than two classes, or rows have several labels; or X is no
                table of numbers.
            LearnerError: Training failed.
        """
        X = self._checked(X, reset=True)
        _refuse_labels(y)
        y = _target(y)
        check_consistent_length(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        task = Task.BINARY if len(self.classes_) == 2 else Task.MULTICLASS
        classes = tuple(range(len(self.classes_)))
        weights = self._weights(sample_weight, X)
        return self._fit(X, codes.astype(np.int64), task, classes, weights)

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Probabilities of `classes_`, shape (n, classes)."""
        return self._predictions(X).probabilities

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The most probable class of each row, shape (n,)."""
        codes = self.predict_proba(X).argmax(axis=1)
        return self.classes_[codes]


class NetworkRegressor(RegressorMixin, _NetworkEstimator):  # type: ignore[misc]
    __doc__ = _NetworkEstimator.__doc__

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X, shape (n, columns), and their values y, shape (n,).

        Raises:
            ValueError: X is no table of numbers, or y are no finite numbers.
            LearnerError: Training failed.
        """
        X, y = self._checked(X, reset=True), _target(y)
        check_consistent_length(X, y)
        values = np.asarray(y, dtype=np.float64)
        assert_all_finite(values, input_name="y")
        return self._fit(X, values, Task.REGRESSION, (), self._weights(sample_weight, X))

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Values, shape (n,)."""
        return self._predictions(X).values


def _refuse_labels(y: Any) -> None:
    """Refuse a target of several columns, and say what learns one."""
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {shape} instead: of each row one "
            "class is learnt. For several labels wrap it, "
            "sklearn.multiclass.OneVsRestClassifier(NetworkClassifier()); or train one network "
            "for all of them, assay.train(table, target=[...], learner='tabular-net')."
        )


def _target(y: Any) -> Any:
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    return column_or_1d(y, warn=True)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns, with names that are texts."""
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


def _held_out(part: Part, share: float | None, seed: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows stop the training: of each class its share, rounded down; shape (n,)."""
    held = np.zeros(len(part), dtype=bool)
    if not share or len(part) < _FEWEST_ROWS:
        return held
    random = np.random.default_rng(seed)
    target = part.known_target
    codes = target if part.schema.task.is_classification else np.zeros(len(part), dtype=np.int64)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        held[random.permutation(rows)[: int(share * len(rows))]] = True
    return held
