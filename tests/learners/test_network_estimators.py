"""Networks among scikit-learn's estimators: its own checks, and what else they promise."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from assay.learners.network_estimators import NetworkClassifier, NetworkRegressor

SMALL = {"members": 2, "width": 32}
TRAINING = {"epochs": 12, "learning_rate": 0.02}
WEIGHTS = "rows of weight 2 and rows that come twice lie in other batches, in another order"
EXPECTED = {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}
"""scikit-learn's checks that fail, and why they must."""


def estimators() -> list[Any]:
    how: dict[str, Any] = {"options": SMALL, "training": TRAINING, "random_state": 0}
    return [NetworkClassifier(**how), NetworkRegressor(**how)]


def expected_failures(estimator: Any) -> dict[str, str]:
    return EXPECTED


@pytest.mark.filterwarnings("ignore")  # of the checks' own data
@parametrize_with_checks(estimators(), expected_failed_checks=expected_failures)
def test_scikit_learn_finds_nothing(estimator: Any, check: Any) -> None:
    check(estimator)


def mixed(n: int = 200) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(random.random(n) < 0.1, np.nan, random.normal(size=n)),
            "kind": random.choice(["red", "green", "blue"], n),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), unit="D"),
        }
    )
    return frame, np.where(frame["kind"] == "red", "yes", "no")


def test_a_frame_of_all_kinds_is_learnt_from_as_it_is() -> None:
    frame, y = mixed()
    classifier = estimators()[0].fit(frame, y)
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.score(frame, y) > 0.9
    unknown = frame.head(2).assign(kind="violet", size=np.nan)
    np.testing.assert_allclose(classifier.predict_proba(unknown).sum(axis=1), 1)


def test_the_perceptron_is_there_too_and_takes_gaps() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.05, np.nan, X)
    classifier = NetworkClassifier("mlp", training={"epochs": 10}, random_state=0).fit(X, y)
    assert classifier.score(X, y) > 0.95


def test_settings_can_be_searched() -> None:
    frame, y = mixed(100)
    options = [SMALL, {**SMALL, "depth": 1}]
    search = GridSearchCV(clone(estimators()[0]), {"options": options}, cv=2)
    assert search.fit(frame, y).best_params_["options"] in options


def test_a_pickled_one_predicts_the_same() -> None:
    frame, y = mixed()
    regressor = estimators()[1].fit(frame, (y == "yes") * 3.0)
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(frame), regressor.predict(frame))


def test_rows_of_no_weight_do_not_count() -> None:
    frame, y = mixed()
    wrong = np.arange(len(y)) % 3 == 0
    told = np.where(wrong, "no", y)
    classifier = estimators()[0].fit(frame, told, sample_weight=np.where(wrong, 0.0, 1.0))
    assert classifier.score(frame, y) > 0.9
