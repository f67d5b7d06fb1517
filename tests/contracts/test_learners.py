"""Every learner keeps the contract, those of scikit-learn and the fake one included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from assay.data.schema import Task
from assay.learners.adapt import adapt, trained_as
from assay.learners.builtin import baselines, make_learner
from assay.learners.candidates import Candidate
from assay.learners.protocol import FitContext, Learner
from assay.monitor import Answer
from tests.contracts.learners import LearnerContract, numbers
from tests.fakes import FakeLearner
from tests.tables import prepared

QUICK = {"epochs": 2, "batch_size": 64}


class TestLinear(LearnerContract):
    def learner(self) -> Learner:
        return make_learner("linear", {})


class TestBoosting(LearnerContract):
    def learner(self) -> Learner:
        return make_learner("boosting", {"max_rounds": 20})


class TestForest(LearnerContract):
    def learner(self) -> Learner:
        return make_learner("forest", {"trees": 20})


class TestAuto(LearnerContract):
    tasks = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)

    def learner(self) -> Learner:
        quick = {"learner": "boosting", "options": {"max_leaves": 4, "max_rounds": 20}}
        return make_learner("auto", {"candidates": [quick, {"learner": "linear"}]})


@pytest.mark.parametrize("kind", ["lightgbm", "perceptron"])
class TestCandidates:
    """What only `auto` makes use of keeps the same contract, but for what runs would say of it."""

    @pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
    def test_the_same_seed_gives_the_same_bits_and_it_is_saved(
        self, kind: Any, task: Task, tmp_path: Path
    ) -> None:
        part = prepared(task).development
        held = np.arange(len(part)) % 5 == 0
        recipe = Candidate(learner=kind, logarithm=False).recipe
        first, second = (
            recipe.fit(part.take(~held), part.take(held), FitContext(seed=3)) for _ in range(2)
        )
        said = numbers(first.predict(part.features))
        np.testing.assert_array_equal(said, numbers(second.predict(part.features)))
        first.save(tmp_path)
        again = type(first).load(tmp_path)
        np.testing.assert_array_equal(said, numbers(again.predict(part.features)))
        [(name, chosen)] = first.chosen.items()
        fixed = recipe.fit(part, None, FitContext(seed=3, fixed={name: chosen}))
        assert fixed.chosen == {name: chosen}

    def test_an_end_that_is_asked_for_is_heeded(self, kind: Any) -> None:
        part = prepared(Task.BINARY).development
        held = np.arange(len(part)) % 5 == 0
        context = FitContext(monitor=_Third())
        model = Candidate(learner=kind).recipe.fit(part.take(~held), part.take(held), context)
        assert max(model.chosen.values()) <= 3


class _Third:
    """The monitor that has heard enough after three steps."""

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:
        return Answer.STOP if step >= 3 else Answer.CONTINUE


class TestMlp(LearnerContract):
    learns = False

    def learner(self) -> Learner:
        return trained_as(make_learner("mlp", {"width": 16}), QUICK)


class TestTabularNet(LearnerContract):
    learns = False

    def learner(self) -> Learner:
        return trained_as(make_learner("tabular-net", {"width": 16, "members": 3}), QUICK)


class TestFake(LearnerContract):
    learns = False

    def learner(self) -> Learner:
        return FakeLearner()


class TestPrior(LearnerContract):
    tasks = (Task.BINARY, Task.MULTICLASS, Task.MULTILABEL)

    def learner(self) -> Learner:
        return baselines(Task.BINARY, beside=FakeLearner())[0]


class TestMean(LearnerContract):
    tasks = (Task.REGRESSION,)

    def learner(self) -> Learner:
        return baselines(Task.REGRESSION, beside=FakeLearner())[0]


class TestClassifierOfTheUser(LearnerContract):
    tasks = (Task.BINARY, Task.MULTICLASS, Task.MULTILABEL)

    def learner(self) -> Learner:
        return adapt(ExtraTreesClassifier(n_estimators=10))


class TestRegressorOfTheUser(LearnerContract):
    tasks = (Task.REGRESSION,)

    def learner(self) -> Learner:
        return adapt(LinearRegression())


class TestPipelineOfTheUser(LearnerContract):
    tasks = (Task.BINARY, Task.MULTICLASS, Task.MULTILABEL)

    def learner(self) -> Learner:
        columns = ColumnTransformer([("numbers", SimpleImputer(), ["a", "b", "c"])])
        return adapt(make_pipeline(columns, LogisticRegression()))
