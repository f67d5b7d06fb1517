"""The learner `auto` within a run: out of fold, the same again, within its time, and refused."""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import assay
from assay.cli.leaderboard import show_leaderboard
from assay.data.schema import Task
from assay.errors import ExperimentError, LearnerError
from assay.fitting.cross_fit import Plan
from assay.inference.loading import load_folder
from assay.learners.auto import AutoLearner, AutoOptions
from assay.learners.candidates import Candidate
from assay.learners.ensemble import Member, combined
from assay.learners.protocol import FitContext
from assay.predictions import Predictions
from assay.searching.auto import FoundEnsemble
from assay.searching.tune import tune
from assay.tracking.memory import MemoryStore
from assay.tuning.auto import build
from assay.tuning.budget import Budget
from assay.tuning.building import Built
from assay.tuning.configurations import LATE, Configuration, FoldFit, FoldTask, fit_fold
from assay.tuning.ensemble import choose, quick_enough
from assay.tuning.leaderboard import TABLE
from tests.tables import prepared, table

QUICK: list[dict[str, Any]] = [
    {"learner": "boosting", "options": {"max_leaves": 4, "max_rounds": 30}},
    {"learner": "linear"},
    {"learner": "forest", "options": {"trees": 15}},
]
SETTINGS: dict[str, Any] = {
    "data": {"split": {"folds": 3}},
    "evaluation": {"resamples": 200},
    "model": {"options": {"candidates": QUICK}},
}


def learner() -> AutoLearner:
    return AutoLearner(AutoOptions(candidates=tuple(Candidate(**each) for each in QUICK)))


def built(task: Task, folder: Path, *, budget: Budget | None = None, **data: Any) -> Built:
    ready = prepared(task, 300, **data)
    plan = Plan(learner(), [], ready.folding, seed=0, repeats=1)
    metric = "r2" if task is Task.REGRESSION else "log_loss"
    given = budget or Budget()
    return build(
        ready.development, plan, given, metric=metric, scratch=folder, announce=lambda step: None
    )


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_a_run_is_an_ordinary_one_and_plain_mlflow_predicts_the_same(
    task: Task, tmp_path: Path
) -> None:
    store = MemoryStore()
    run = assay.train(table(task, 300), target="y", learner="auto", settings=SETTINGS,
                      workers=1, checks=[], store=store)  # fmt: skip
    constant = "prior" if task.is_classification else "mean"
    assert [each.name for each in run.baselines] == [constant, "linear"]
    board = store.table(run.run_id, TABLE).to_pandas()
    assert board.weight.sum() == pytest.approx(1, abs=1e-3)
    assert list(board.columns[:5]) == ["number", "configuration", "learner", "logarithm", "score"]
    assert len(run.importance) > 0
    folder, digest = store.model(run.run_id, tmp_path / "kept")
    from mlflow.pyfunc import load_model

    rows = table(task, 50, seed=1).drop(columns="y")
    ours = load_folder(folder, name="auto", expected=digest)  # nothing vouched for by anybody
    said = load_model(str(folder)).predict(rows)["prediction"].to_numpy()
    np.testing.assert_array_equal(ours.predict(rows), said)


def test_the_same_seed_gives_the_same_model_whatever_the_workers(tmp_path: Path) -> None:
    rows = table(Task.BINARY, 200, seed=1).drop(columns="y")
    said = []
    for workers in (1, 2):
        store = MemoryStore()
        found = tune(table(Task.BINARY, 200), target="y", learner="auto",
                     settings={**SETTINGS, "tuning": {"trials": 4}}, workers=workers,
                     store=store)  # fmt: skip
        assert isinstance(found, FoundEnsemble)
        assert len(found.leaderboard.rows) == 4  # one of them proposed
        folder, digest = store.model(found.run.run_id, tmp_path / str(workers))
        model = load_folder(folder, name="auto", expected=digest)
        said.append((model.predict_proba(rows), found.leaderboard.ensemble))
    np.testing.assert_array_equal(said[0][0], said[1][0])
    assert said[0][1] == said[1][1]
    again = assay.reproduce(found.run, data=table(Task.BINARY, 200), workers=1, store=store)
    assert (again.verdict, again.causes) == ("identical", ())
    _is_shown(found)


def _is_shown(found: FoundEnsemble) -> None:
    """The terminal names every member with its weight, and both scores."""
    written = StringIO()
    show_leaderboard(found, Console(file=written, width=160, highlight=False))
    text = written.getvalue()
    for each in found.leaderboard.rows:
        assert each.candidate.told in text
        assert not each.weight or f"{each.weight:.2f}" in text
    assert "each row by weights that other rows chose" in text
    told = found.as_dict()
    assert told["leaderboard"]["configurations"][0]["predict_ms_per_row"] > 0
    assert told["corrected"]["candidates"] == 4
    assert told["corrected"]["best"] >= told["corrected"]["corrected"]["value"]


def test_the_time_is_kept(tmp_path: Path) -> None:
    begun = time.monotonic()
    limit = 6.0
    done = built(Task.BINARY, tmp_path, budget=Budget(until=begun + limit))
    took = time.monotonic() - begun
    assert took < limit + 3
    assert done.leaderboard.n_scored >= 2


def test_nothing_in_time_makes_do_with_a_fold(tmp_path: Path) -> None:
    done = built(Task.REGRESSION, tmp_path, budget=Budget(until=time.monotonic() + 0.01))
    assert done.n_folds == 1
    [(predictions, folds)] = done.fitted.repetitions
    assert len(predictions) == len(folds) == 48  # a fifth of 240
    assert len(np.unique(folds)) == 5  # so that each row is weighed and calibrated by others


def test_a_member_that_is_not_done_in_time_is_that_of_a_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(development: Any, task: FoldTask) -> Any:
        raise TimeoutError

    monkeypatch.setattr("assay.tuning.building.fit_all", too_late)
    done = built(Task.MULTICLASS, tmp_path, budget=Budget(trials=3))
    told = done.fitted.chosen["members"]
    assert all(each.endswith(", of one fold") for each in told)
    assert sum(told.values()) == pytest.approx(1, abs=1e-3)
    said = done.fitted.model.predict(prepared(Task.MULTICLASS, 300).development.features)
    np.testing.assert_allclose(said.probabilities.sum(axis=1), 1)


def test_no_row_has_a_say_in_the_weights_it_is_judged_by() -> None:
    part = prepared(Task.REGRESSION, 300).development
    random = np.random.default_rng(0)
    n = len(part)
    candidates = [
        Predictions(part.rows, values=part.known_target + random.normal(scale=5, size=n))
        for _ in range(4)
    ]
    folds = np.arange(n) % 3
    plain = choose(candidates, part, folds, most=4, ordered=False)
    # One fold's own rows say that the last candidate is perfect: the fold must not believe them.
    values = candidates[3].values
    assert values is not None
    lying = np.where(folds == 1, part.known_target, values)
    told = [*candidates[:3], Predictions(part.rows, values=lying)]
    fooled = choose(told, part, folds, most=4, ordered=False)
    np.testing.assert_array_equal(plain.by_fold[1], fooled.by_fold[1])
    assert not np.array_equal(plain.weights, fooled.weights)
    for fold, weights in fooled.by_fold.items():
        own = folds == fold
        expected = sum(
            weight * each.values[own] for weight, each in zip(weights, told, strict=True)
        )
        np.testing.assert_allclose(fooled.predictions.values[own], expected)


def test_in_time_only_earlier_folds_choose() -> None:
    part = prepared(Task.REGRESSION, 300).development
    random = np.random.default_rng(0)
    folds = np.sort(np.arange(len(part)) % 3)
    candidates = [
        Predictions(part.rows, values=part.known_target + random.normal(size=len(part)))
        for _ in range(3)
    ]
    chosen = choose(candidates, part, folds, most=3, ordered=True)
    np.testing.assert_array_equal(chosen.by_fold[0], [1, 0, 0])
    first = folds == 0
    alone = choose([each.take(first) for each in candidates], part.take(first),
                   np.zeros(first.sum(), dtype=np.int64), most=3, ordered=True)  # fmt: skip
    np.testing.assert_array_equal(chosen.by_fold[1], alone.weights)


@pytest.mark.parametrize("by", ["group", "time"])
def test_groups_and_times_are_kept_apart(by: str) -> None:
    frame = table(Task.BINARY, 300)
    frame["who"] = np.arange(300) // 6
    store = MemoryStore()
    asked = {**SETTINGS, "data": {"roles": {by: "who"}, "split": {"folds": 3}}}
    run = assay.train(frame, target="y", learner="auto", settings=asked, workers=1, checks=[],
                      store=store)  # fmt: skip
    table_ = store.table(run.run_id, "out_of_fold").to_pandas()
    who = frame.who.to_numpy()[table_["row"]]
    if by == "group":
        assert table_.groupby(who)["fold"].nunique().max() == 1
    else:
        latest = [who[table_["fold"] == fold].max() for fold in sorted(table_["fold"].unique())]
        assert latest == sorted(latest)
        assert len(table_) < 240  # the earliest are predicted by nobody


def test_members_go_until_it_is_quick_enough() -> None:
    part = prepared(Task.REGRESSION, 300).development
    random = np.random.default_rng(0)
    candidates = [
        Predictions(part.rows, values=part.known_target + random.normal(size=len(part)))
        for _ in range(4)
    ]
    latencies = np.array([1.0, 10.0, 2.0, 2.0])
    assert quick_enough(candidates, part, latencies, 100.0, 8) == [0, 1, 2, 3]
    assert 1 not in quick_enough(candidates, part, latencies, 9.0, 8)
    assert len(quick_enough(candidates, part, latencies, 2.5, 8)) <= 3
    assert quick_enough(candidates, part, latencies, 0.1, 8) == [0]


def test_the_ensemble_is_the_average_of_its_members_with_one_encoder_for_trees() -> None:
    part = prepared(Task.MULTICLASS, 300).development
    context = FitContext(seed=0)
    candidates = [Candidate(**each) for each in QUICK]
    models = [each.recipe.fit(part, None, context) for each in candidates]
    weights = [0.5, 0.2, 0.3]
    whole = combined([Member(*each) for each in zip(candidates, models, weights, strict=True)], {})
    rows = part.features
    expected = sum(
        weight * each.predict(rows).probabilities
        for weight, each in zip(weights, models, strict=True)
    )
    np.testing.assert_allclose(whole.predict(rows).probabilities, expected, atol=1e-12)
    assert sorted(len(getattr(each, "steps", [])) for each in whole.estimator.estimators_) == [2, 2]


def test_several_labels_are_refused() -> None:
    with pytest.raises(LearnerError) as raised:
        assay.train(table(Task.MULTILABEL), target=("y1", "y2", "y3"), learner="auto",
                    store=MemoryStore())  # fmt: skip
    assert "several labels" in str(raised.value)
    assert "learner: boosting" in raised.value.mend


def test_settings_of_other_searches_are_refused() -> None:
    asked = {"tuning": {"space": {"options.members": [3, 4]}}}
    with pytest.raises(ExperimentError) as raised:
        tune(table(Task.BINARY), target="y", learner="auto", settings=asked, store=MemoryStore())
    assert "tuning.space is set" in str(raised.value)
    asked = {"tuning": {"latency_ms": 5}}
    with pytest.raises(ExperimentError) as raised:
        tune(table(Task.BINARY), target="y", learner="linear", settings=asked, store=MemoryStore())
    assert "is for the learner auto" in str(raised.value)


def test_what_fails_is_left_out_with_its_reason(tmp_path: Path) -> None:
    ready = prepared(Task.REGRESSION, 300)
    broken = Candidate(learner="boosting", options={"loss": "gamma"})  # of negative numbers
    options = AutoOptions(candidates=(broken, Candidate(learner="linear")))
    plan = Plan(AutoLearner(options), [], ready.folding, seed=0, repeats=1)
    done = build(ready.development, plan, Budget(), metric="r2", scratch=tmp_path,
                 announce=lambda step: None)  # fmt: skip
    by_learner = {each.candidate.learner: each for each in done.leaderboard.rows}
    assert "boosting" in by_learner["boosting"].reason
    assert by_learner["boosting"].score is None
    assert by_learner["linear"].weight == 1


@pytest.mark.parametrize("kind", ["boosting", "lightgbm", "perceptron"])
def test_a_fit_that_is_cut_is_that_of_so_many_steps(kind: Any) -> None:
    ready = prepared(Task.BINARY, 300)
    plain = Configuration(0, Candidate(learner=kind))

    def fitted(candidate: Candidate, seconds: float | None) -> FoldFit:
        task = FoldTask(candidate.recipe, 0, ready.folding, 0, seconds=seconds,
                        keeps_what_is_cut=True)  # fmt: skip
        return fit_fold(ready.development, task)

    cut = fitted(plain.candidate, 0.0)
    assert cut.cut_at is not None
    plain.cut(cut.cut_at)
    whole = fitted(plain.candidate, None)
    assert whole.cut_at is None
    assert whole.chosen == cut.chosen
    np.testing.assert_array_equal(whole.predictions.probabilities, cut.predictions.probabilities)
    late = FoldTask(Candidate(learner=kind).recipe, 0, ready.folding, 0, seconds=0.0)
    assert fit_fold(ready.development, late).failed == LATE


def test_the_announced_score_is_true_where_the_choice_flatters_itself() -> None:
    """Of 40 candidates that err alike and independently, an average errs by the sum of squares."""
    part = prepared(Task.REGRESSION, 150).development
    random, n, m = np.random.default_rng(7), len(part), 40
    announced, flattered, true = [], [], []
    for _ in range(60):
        noise = random.normal(size=(m, n))
        candidates = [Predictions(part.rows, values=part.known_target + each) for each in noise]
        chosen = choose(candidates, part, random.permutation(n) % 5, most=2, ordered=False)
        true.append(float((chosen.weights**2).sum()))
        for kept, said in ((announced, chosen.predictions), (flattered, chosen.flattered)):
            assert said.values is not None
            kept.append(float(np.mean((said.values - part.known_target) ** 2)))
    assert np.mean(flattered) < 0.85 * np.mean(true)
    assert np.mean(announced) == pytest.approx(np.mean(true), rel=0.03)
