"""Every learner keeps the contract, those of scikit-learn and the fake one included."""

from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from assay.data.schema import Task
from assay.learners.adapt import adapt, trained_as
from assay.learners.builtin import baselines, make_learner
from assay.learners.protocol import Learner
from tests.contracts.learners import LearnerContract
from tests.fakes import FakeLearner

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
