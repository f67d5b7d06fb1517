"""Cross-fitting: every row is predicted by a model that did not see it, and the plan is whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assay.data.dataset import Part
from assay.data.folds import Folding
from assay.data.schema import Task
from assay.fitting.cross_fit import Plan, cross_fit, n_repeats
from assay.fitting.pool import workers_for
from assay.learners.builtin import make_learner
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Silence
from tests.fakes import FakeLearner, FakeModel
from tests.tables import prepared


@dataclass(frozen=True)
class Watching(FakeLearner):
    """Notes which rows it is given."""

    name: str = "watching"
    seen: tuple = ()

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> FakeModel:
        self.seen[0].append((train.rows, None if validation is None else validation.rows))
        return super().fit(train, validation, context)


def plan(learner, repeats: int = 1) -> Plan:
    return Plan(
        learner, [make_learner("linear", {})], Folding("random", 5), seed=3, repeats=repeats
    )


def test_no_row_is_predicted_by_a_model_that_saw_it(tmp_path: Path) -> None:
    development = prepared(Task.BINARY).development
    learner = Watching(seen=([],))
    cross_fit(development, plan(learner), recorder=Silence(), scratch=tmp_path, workers=1)
    folds = Folding("random", 5).divide(development, 3).number
    fits = learner.seen[0]
    assert len(fits) == 6
    for fold, (train, validation) in enumerate(fits[:5]):
        left_out = development.rows[folds == fold]
        assert not set(left_out) & set(train)
        assert not set(left_out) & set(validation)
        assert not set(train) & set(validation)
        assert len(train) + len(validation) + len(left_out) == len(development)
        assert len(validation) == pytest.approx(len(train) / 9, abs=2)
    assert fits[5][1] is None
    np.testing.assert_array_equal(fits[5][0], development.rows)


def test_the_model_takes_over_the_median_of_what_the_folds_chose(tmp_path: Path) -> None:
    development = prepared(Task.REGRESSION).development
    fitted = cross_fit(
        development, plan(FakeLearner()), recorder=Silence(), scratch=tmp_path, workers=1
    )
    assert fitted.chosen["middle"] == pytest.approx(np.median(development.features["a"]), abs=0.2)
    assert fitted.model.middle == fitted.chosen["middle"]


def test_every_repetition_predicts_every_row_in_folds_of_its_own(tmp_path: Path) -> None:
    development = prepared(Task.MULTICLASS).development
    fitted = cross_fit(
        development, plan(FakeLearner(), 3), recorder=Silence(), scratch=tmp_path, workers=1
    )
    assert len(fitted.repetitions) == 3
    for predictions, folds in fitted.repetitions:
        np.testing.assert_array_equal(predictions.rows, development.rows)
        assert np.bincount(folds).tolist() == pytest.approx([38] * 5, abs=1)
    assert (fitted.repetitions[0][1] != fitted.repetitions[1][1]).any()
    assert list(fitted.baselines) == ["linear"]
    assert set(fitted.shuffled) == {(), *((name,) for name in development.features.columns)}


def test_the_logged_folds_are_recorded_as_children(tmp_path: Path) -> None:
    store = MemoryStore()
    recorder = store.begin("x", "y", {})
    development = prepared(Task.BINARY).development
    cross_fit(development, plan(FakeLearner(), 2), recorder=recorder, scratch=tmp_path, workers=1)
    children = [kept for kept in store._kept.values() if kept.parent == recorder.run_id]
    assert [child.name for child in children] == [f"fold-{n}" for n in range(1, 6)]
    losses = [store.history(child.run_id, "training_loss") for child in children]
    assert losses == [[(1, 1.0), (2, 0.5)]] * 5


@pytest.mark.parametrize(
    ("seeds", "rows", "expected"), [("auto", 1000, 3), ("auto", 300_000, 1), (7, 300_000, 7)]
)
def test_seeds_go_by_size_never_by_time(seeds, rows: int, expected: int) -> None:
    schema = prepared(Task.BINARY).schema
    assert n_repeats(seeds, schema, rows) == expected


def test_small_work_starts_no_workers_and_no_more_than_there_are_jobs() -> None:
    assert workers_for(20, 1000, None) == 1
    assert workers_for(3, 10**9, 8) == 3
    assert workers_for(20, 10**9, None) >= 1


def test_warnings_of_fits_are_counted(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    from assay.learners.adapt import adapt

    development = prepared(Task.BINARY).development
    hurried = adapt(LogisticRegression(max_iter=1))
    fitted = cross_fit(development, plan(hurried), recorder=Silence(), scratch=tmp_path, workers=1)
    [(text, n)] = fitted.warned.items()
    assert text.startswith("LogisticRegression: lbfgs failed to converge")
    assert n == 6
