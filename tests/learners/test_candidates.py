"""What `auto` makes ensembles of: configurations that are checked, suited, and told in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.data.schema import Task
from assay.errors import ExperimentError
from assay.learners.candidates import Candidate, fewest_rows_leaf
from assay.learners.estimators import EstimatorModel
from assay.learners.portfolio import portfolio
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from tests.tables import prepared, table


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_the_portfolio_suits_the_rows_and_says_nothing_twice(task: Task) -> None:
    part = prepared(task).development
    listed = portfolio(part)
    assert len({each.told for each in listed}) == len(listed) >= 6
    assert {each.learner for each in listed} >= {"linear", "boosting", "perceptron"}
    assert all(each.suits(part) and each.is_available for each in listed)


def test_without_lightgbm_boosting_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.learners.candidates.is_installed", lambda: False)
    listed = portfolio(prepared(Task.BINARY).development)
    assert {each.learner for each in listed} == {"linear", "boosting", "perceptron"}
    for each in listed:
        each.recipe  # noqa: B018 - whose options are its own


def test_logarithm_and_gamma_are_for_skewed_targets() -> None:
    part = prepared(Task.REGRESSION).development
    skewed = replace(part, target=np.exp(part.known_target / 5))
    for candidate in (
        Candidate(learner="lightgbm", logarithm=True),
        Candidate(learner="boosting", options={"loss": "gamma"}),
    ):
        assert not candidate.suits(part)
        assert candidate.suits(skewed)
        assert not candidate.suits(prepared(Task.BINARY).development)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_a_forest_stays_within_its_memory(task: Task) -> None:
    part = prepared(task).development
    forest = Candidate(learner="forest", options={"min_rows_leaf": 1})
    assert forest.suits(part)
    assert forest.within_memory(part) == forest
    more = part.take(np.zeros(60_000, dtype=np.int64))
    assert not forest.suits(more)
    smaller = forest.within_memory(more)
    assert smaller.options == {"min_rows_leaf": fewest_rows_leaf(more)}
    assert smaller.suits(more)
    far_too_many = part.take(np.zeros(2_000_000, dtype=np.int64))
    assert not forest.within_memory(far_too_many).suits(far_too_many)


def test_the_logarithm_is_learnt_and_undone(tmp_path: Path) -> None:
    part = prepared(Task.REGRESSION).development
    skewed = replace(part, target=np.exp(part.known_target / 5))
    plain = Candidate(learner="linear").recipe
    model = Candidate(learner="linear", logarithm=True).recipe.fit(skewed, None, FitContext())
    inner = plain.fit(replace(skewed, target=np.log1p(skewed.known_target)), None, FitContext())
    said = model.predict(part.features).values
    np.testing.assert_array_equal(said, np.expm1(inner.predict(part.features).values))
    model.save(tmp_path)
    again = EstimatorModel.load(tmp_path).predict(part.features).values
    np.testing.assert_array_equal(said, again)


def test_a_model_that_needs_lightgbm_says_so(tmp_path: Path) -> None:
    candidates = [{"learner": "lightgbm", "options": {"max_rounds": 3}}]
    store = MemoryStore()
    run = assay.train(
        table(Task.BINARY), target="y", learner="auto", checks=[], store=store, workers=1,
        settings={"model": {"options": {"candidates": candidates}},
                  "evaluation": {"resamples": 200}, "data": {"split": {"folds": 2}}},
    )  # fmt: skip
    folder, _ = store.model(run.run_id, tmp_path)
    assert "lightgbm==" in (folder / "requirements.txt").read_text()


def test_an_option_that_is_none_is_told_with_its_learner() -> None:
    candidates = [{"learner": "lightgbm", "options": {"depth": 3}}]
    with pytest.raises(ExperimentError) as raised:
        assay.train(table(Task.BINARY), target="y", learner="auto", store=MemoryStore(),
                    settings={"model": {"options": {"candidates": candidates}}})  # fmt: skip
    assert "depth of lightgbm: Extra inputs are not permitted" in str(raised.value)
