"""What every learner owes; a learner's test inherits this and names it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.dataset import Part
from assay.data.preparation import Prepared
from assay.data.schema import Task
from assay.learners.protocol import FitContext, Learner, Model, StepwiseLearner
from assay.predictions import Predictions
from assay.tracking.memory import MemoryStore
from tests.tables import prepared, table, target_of


def numbers(predictions: Predictions) -> np.ndarray:
    """The numbers of some predictions."""
    given = predictions.probabilities
    return given if given is not None else predictions.values


class LearnerContract:
    """Inherit, and say which learner and which tasks."""

    tasks = tuple(Task)
    learns = True
    """Whether it learns to the end: not so a network of two epochs, or what heeds no weights."""

    def learner(self) -> Learner:
        raise NotImplementedError

    @pytest.fixture
    def parts(self, request: pytest.FixtureRequest) -> tuple[Part, Part]:
        """Training and validation rows of each of the learner's tasks (see conftest)."""
        development = self.prepared(request.param).development
        validates = np.arange(len(development)) % 5 == 0
        return development.take(~validates), development.take(validates)

    def prepared(self, task: Task) -> Prepared:
        """The learner's data, for a task."""
        return prepared(task)

    def table(self, task: Task) -> pd.DataFrame:
        """The same, raw."""
        return table(task)

    def target(self, task: Task) -> str | tuple[str, ...]:
        """What is predicted of it."""
        return target_of(task)

    def fitted(self, parts: tuple[Part, Part], seed: int = 0) -> Model:
        return self.learner().fit(*parts, FitContext(seed=seed))

    def test_it_is_a_learner_whose_model_is_a_model(self, parts: tuple[Part, Part]) -> None:
        assert isinstance(self.learner(), Learner)
        assert isinstance(self.fitted(parts), Model)

    def test_fitting_changes_neither_recipe_nor_data(self, parts: tuple[Part, Part]) -> None:
        learner = self.learner()
        before = pickle.dumps(learner)
        features, target = parts[0].features.copy(), parts[0].known_target.copy()
        learner.fit(*parts, FitContext())
        assert pickle.dumps(learner) == before
        assert parts[0].features.equals(features)
        np.testing.assert_array_equal(parts[0].known_target, target)

    def test_the_same_seed_gives_the_same_bits(self, parts: tuple[Part, Part]) -> None:
        """What was chosen by measuring is taken over: a busy machine may choose otherwise."""
        features, learner = parts[1].features, self.learner()
        first = self.fitted(parts, seed=3)
        fixed = first.chosen if isinstance(learner, StepwiseLearner) else {}
        second = learner.fit(*parts, FitContext(seed=3, fixed=fixed))
        np.testing.assert_array_equal(
            numbers(first.predict(features)), numbers(second.predict(features))
        )

    def test_a_run_of_it_is_reproduced_bit_for_bit(self, parts: tuple[Part, Part]) -> None:
        store, frame = MemoryStore(), self.table(parts[0].schema.task)
        settings = {
            "training": {"seeds": 1},
            "evaluation": {"resamples": 200},
            "data": {"split": {"folds": 2}},
        }
        target = self.target(parts[0].schema.task)
        run = assay.train(frame, target=target, learner=self.learner(), settings=settings,
                          workers=1, checks=[], store=store)  # fmt: skip
        done = assay.reproduce(run, data=frame, learner=self.learner(), workers=1, store=store)
        assert (done.verdict, done.causes) == ("identical", ())

    def test_predictions_are_whole(self, parts: tuple[Part, Part]) -> None:
        predicted = self.fitted(parts).predict(parts[1].features)
        schema = parts[0].schema
        np.testing.assert_array_equal(predicted.rows, np.arange(len(parts[1])))
        assert np.isfinite(numbers(predicted)).all()
        if schema.task.is_classification:
            assert list(predicted.classes) == list(schema.classes)
            if schema.task is Task.MULTILABEL:
                assert predicted.probabilities.shape == (len(parts[1]), len(schema.classes))
                assert ((predicted.probabilities >= 0) & (predicted.probabilities <= 1)).all()
            else:
                np.testing.assert_allclose(predicted.probabilities.sum(axis=1), 1)
        else:
            assert predicted.values.dtype == np.float64

    def test_a_saved_model_comes_back_bit_for_bit(
        self, parts: tuple[Part, Part], tmp_path: Path
    ) -> None:
        model = self.fitted(parts)
        folder = tmp_path / "model"
        folder.mkdir()
        model.save(folder)
        again = type(model).load(folder)
        features = parts[1].features
        np.testing.assert_array_equal(
            numbers(model.predict(features)), numbers(again.predict(features))
        )
        assert dict(again.chosen) == dict(model.chosen)

    def test_it_fits_without_validation_rows(self, parts: tuple[Part, Part]) -> None:
        chosen = self.fitted(parts).chosen
        model = self.learner().fit(parts[0], None, FitContext(fixed=dict(chosen)))
        assert len(model.predict(parts[1].features)) == len(parts[1])

    def test_a_class_it_never_saw_has_probability_zero(self, parts: tuple[Part, Part]) -> None:
        if parts[0].schema.task is not Task.MULTICLASS:
            return  # two classes are the fewest that there can be
        train, rest = parts
        seen = train.take(train.known_target != "high")
        predicted = self.learner().fit(seen, seen, FitContext()).predict(rest.features)
        column = train.schema.classes.index("high")
        assert (predicted.probabilities[:, column] == 0).all()

    def test_a_label_that_all_rows_share_stays_so(self, parts: tuple[Part, Part]) -> None:
        if parts[0].schema.task is not Task.MULTILABEL or not self.learns:
            return
        train, rest = (replace(part, target=part.known_target.copy()) for part in parts)
        train.known_target[:, 0], train.known_target[:, 2] = 0, 1
        model = self.learner().fit(train, rest, FitContext())
        given = model.predict(rest.features).probabilities
        np.testing.assert_array_equal(given[:, 0], 0)
        np.testing.assert_array_equal(given[:, 2], 1)
        assert ((given[:, 1] > 0) & (given[:, 1] < 1)).any()
        again = self.learner().fit(train, None, FitContext(fixed=dict(model.chosen)))
        np.testing.assert_array_equal(again.predict(rest.features).probabilities[:, 0], 0)

    def test_a_row_that_weighs_nothing_teaches_no_label(self, parts: tuple[Part, Part]) -> None:
        if parts[0].schema.task is not Task.MULTILABEL or not self.learns:
            return
        train, rest = parts
        upside_down = replace(train, target=1 - train.known_target)
        ones = np.arange(2 * len(train)) < len(train)
        both = Part(
            rows=np.arange(2 * len(train)),
            features=pd.concat([train.features, train.features], ignore_index=True),
            target=np.concatenate([train.known_target, upside_down.known_target]),
            schema=train.schema,
            weights=ones.astype(np.float64),
        )
        truth = rest.known_target
        given = self.learner().fit(both, None, FitContext()).predict(rest.features).probabilities
        flat = (
            self.learner()
            .fit(replace(both, weights=None), None, FitContext())
            .predict(rest.features)
            .probabilities
        )
        assert np.abs(given - truth).mean() < np.abs(flat - truth).mean() - 0.02

    def test_unknown_levels_and_gaps_are_predicted(self, parts: tuple[Part, Part]) -> None:
        features = parts[1].features.copy()
        features["kind"] = "violet"
        features["a"] = np.nan
        assert np.isfinite(numbers(self.fitted(parts).predict(features))).all()
