"""Every learner of tables compiles, and gives the very bits of the ordinary path, row by row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from assay.data.schema import Task
from assay.inference.compiled import fast_or_ordinary
from assay.inference.compiled.compiling import CompiledModel, compile_model
from assay.learners.adapt import adapt
from assay.learners.builtin import baselines, make_learner
from assay.learners.candidates import Candidate
from assay.learners.protocol import Learner
from tests.fakes import FakeLearner
from tests.inference.compiled.models import alone, mixed, packed, rows_of

QUICK = {"max_rounds": 12}
ALL = tuple(Task)
ONE_TARGET = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
OF_ONE = (Task.BINARY, Task.REGRESSION)


def candidate(learner: str, *, logarithm: bool = False, **options: Any) -> Learner:
    return Candidate(learner=learner, options=options, logarithm=logarithm).recipe


def auto() -> Learner:
    trees = {"learner": "boosting", "options": {"max_leaves": 4, **QUICK}}
    light = {"learner": "lightgbm", "options": QUICK}
    return make_learner("auto", {"candidates": [trees, light, {"learner": "linear"}]})


def ordinal_forest() -> Learner:
    """A pipeline of one's own, whose encoder refuses what it never saw."""
    encoder = ColumnTransformer([("kind", OrdinalEncoder(), ["flag"])])
    return adapt(make_pipeline(encoder, RandomForestClassifier(n_estimators=5)))


LEARNERS: dict[str, tuple[Any, tuple[Task, ...]]] = {
    "linear": (lambda: make_learner("linear", {}), ALL),
    "linear, rare levels": (
        lambda: make_learner("linear", {"max_categories": 3}),
        (Task.MULTICLASS,),
    ),
    "boosting": (lambda: make_learner("boosting", QUICK), ALL),
    "forest": (lambda: make_learner("forest", {"trees": 8}), ALL),
    "lightgbm": (lambda: candidate("lightgbm", **QUICK), ONE_TARGET),
    "lightgbm, levels": (
        lambda: candidate("lightgbm", categories=True, **QUICK),
        (Task.MULTICLASS,),
    ),
    "lightgbm, median": (
        lambda: candidate("lightgbm", loss="absolute_error", **QUICK),
        (Task.REGRESSION,),
    ),
    "perceptron": (lambda: candidate("perceptron", width=8, max_epochs=2), OF_ONE),
    "auto": (auto, ONE_TARGET),
    "prior": (lambda: baselines(Task.BINARY, beside=FakeLearner())[0], (Task.BINARY,)),
    "mean": (lambda: baselines(Task.REGRESSION, beside=FakeLearner())[0], (Task.REGRESSION,)),
    "one's own classifier": (lambda: adapt(KNeighborsClassifier()), (Task.MULTICLASS,)),
    "one's own regressor": (lambda: adapt(LinearRegression()), (Task.REGRESSION,)),
    "one's own pipeline": (ordinal_forest, (Task.BINARY,)),
}
CASES = [(name, task) for name, (_, tasks) in LEARNERS.items() for task in tasks]


def odd_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they are, without a value here and there, with levels unheard of, and extreme."""
    changes: list[dict[str, Any]] = [
        {},
        {},
        dict.fromkeys(("a", "b", "c", "whole"), None),
        dict.fromkeys(("kind", "many", "when", "day"), None),
        {"kind": "mauve", "many": "level 999", "note": "never heard of"},
        {"kind": 7, "note": "", "flag": None},
        {"a": 1e300, "b": -1e-300, "whole": 10**12},
        {"a": 1e36, "b": -0.0, "c": math.inf, "when": "1066-10-14"},
        {"when": "2030-02-28T23:59:59.5", "day": "31.12.2029", "flag": "TRUE"},
        {"when": "2024-05-05", "a": True, "whole": 3.5},
    ]
    return [{**rows[number], **change} for number, change in enumerate(changes)]


def assert_same_bits(said: list[float], other: list[float]) -> None:
    assert np.array(said).tobytes() == np.array(other).tobytes(), (said, other)


@pytest.mark.parametrize(("name", "task"), CASES, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_rows_get_the_bits_of_the_ordinary_path(name: str, task: Task, tmp_path: Path) -> None:
    loaded = packed(LEARNERS[name][0](), task, tmp_path)
    rows = rows_of(mixed(task, 20, seed=5))
    predictor = fast_or_ordinary(loaded, rows)
    assert predictor.is_compiled, predictor.reason
    compiled = compile_model(loaded.served)
    assert isinstance(compiled, CompiledModel)
    for row in odd_rows(rows):
        expected = alone(loaded, row)
        if isinstance(expected, str):
            with pytest.raises(ValueError, match=r"too large|known|Found unknown"):
                compiled.predict_row(row)
            continue
        result = compiled.predict_row(row)
        numbers, prediction, notes = expected
        assert_same_bits(list(result.probabilities or [result.prediction]), numbers)
        assert (result.prediction, sorted(result.notes)) == (prediction, notes)
        assert predictor.predict_rows([row]) == [result]


@pytest.mark.parametrize(
    ("method", "learner"),
    [
        ("sigmoid", "linear"),
        ("sigmoid", "forest"),
        ("isotonic", "linear"),
        ("beta", "forest"),
        ("temperature", "forest"),
        ("temperature", "linear"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_calibration_and_threshold_are_kept(method: str, learner: str, tmp_path: Path) -> None:
    task = Task.MULTICLASS if method == "temperature" else Task.BINARY
    threshold = None if method == "temperature" else 0.3
    loaded = packed(
        LEARNERS[learner][0](), task, tmp_path, calibration=method, threshold=threshold, n=500
    )
    assert loaded.served.about["calibration"] == method
    predictor = fast_or_ordinary(loaded)
    assert predictor.is_compiled, predictor.reason
    for row in rows_of(mixed(task, 20, seed=6)):
        numbers, prediction, _ = alone(loaded, row)
        [result] = predictor.predict_rows([row])
        assert_same_bits(list(result.probabilities), numbers)
        assert result.prediction == prediction


@pytest.mark.filterwarnings("ignore")
def test_a_label_that_all_rows_share_is_kept(tmp_path: Path) -> None:
    learner = make_learner("linear", {})
    loaded = packed(learner, Task.MULTILABEL, tmp_path, label_of_all="y2")
    rows = rows_of(mixed(Task.MULTILABEL, 20, seed=6))
    predictor = fast_or_ordinary(loaded, rows)
    assert predictor.is_compiled, predictor.reason
    [result] = predictor.predict_rows(rows[:1])
    assert result.probabilities[1] == 1
    assert_same_bits(list(result.probabilities), alone(loaded, rows[0])[0])


def test_what_has_no_preprocessing_of_columns_keeps_the_ordinary_path(tmp_path: Path) -> None:
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    bare = adapt(make_pipeline(codes, KNeighborsClassifier()))
    loaded = packed(bare, Task.BINARY, tmp_path)
    predictor = fast_or_ordinary(loaded)
    assert not predictor.is_compiled
    assert predictor.reason == "its preprocessing is of type OrdinalEncoder"
    rows = rows_of(mixed(Task.BINARY, 20, seed=6))
    for row in rows[:3]:
        [result] = predictor.predict_rows([row])
        assert list(result.probabilities) == alone(loaded, row)[0]
