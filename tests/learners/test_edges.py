"""What tables do to learners: empty columns, rare levels, infinite numbers, many levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import LearnerError
from assay.learners.builtin import make_learner
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from tests.tables import prepared, table, target_in, target_of

SETTINGS = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
FEW = {"forest": {"trees": 20}, "boosting": {"max_rounds": 40}}
"""Trees that are enough for tables of a few hundred rows."""


def trained(frame: pd.DataFrame, learner: str = "linear") -> assay.Run:
    settings = {**SETTINGS, "model": {"options": FEW.get(learner, {})}}
    return assay.train(
        frame, target=target_in(frame), learner=learner, settings=settings, store=MemoryStore(),
        workers=1,
    )  # fmt: skip


@pytest.mark.parametrize("learner", ["linear", "boosting"])
@pytest.mark.parametrize("task", list(Task))
def test_an_empty_feature_is_a_finding_and_the_table_trains(task: Task, learner: str) -> None:
    run = trained(table(task).assign(nothing=np.nan, none=None), learner)
    [finding] = [each for each in run.findings if each.code == "AS301"]
    assert {*finding.columns} == {"nothing", "none"}
    assert "nothing" not in {each.feature for each in run.importance}


@pytest.mark.parametrize("learner", ["linear", "boosting"])
def test_a_feature_that_is_empty_in_some_folds_only_trains(learner: str) -> None:
    frame = table(Task.BINARY)
    frame["rare"] = np.where(np.arange(len(frame)) == 7, 1.0, np.nan)
    frame["word"] = np.where(np.arange(len(frame)) == 9, "once", None)
    assert trained(frame, learner).evaluation.n == 192


def test_more_levels_than_boosting_can_tell_apart() -> None:
    frame = table(Task.BINARY, n=900)
    frame["city"] = [f"city {i % 400}" for i in range(900)]
    assert trained(frame, "boosting").metrics["roc_auc"].value > 0.7


@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
def test_infinite_numbers_count_as_missing(learner: str) -> None:
    frame = table(Task.BINARY)
    infinite, gap = frame.copy(), frame.copy()
    infinite.loc[[3, 5], "a"] = [np.inf, -np.inf]
    gap.loc[[3, 5], "a"] = np.nan
    assert trained(infinite, learner).seeds == trained(gap, learner).seeds


@pytest.mark.parametrize("learner", ["linear", "boosting"])
def test_a_fold_may_lack_a_class_where_levels_are_many(learner: str) -> None:
    frame = table(Task.MULTICLASS, n=900)
    frame["y"] = np.where(np.arange(900) % 2 == 0, "a", "b")
    frame.loc[0, "y"] = "lonely"
    frame["city"] = [f"city {i % 300}" for i in range(900)]
    assert trained(frame, learner).evaluation.n == 720


def test_boosting_trains_where_groups_or_rows_are_few() -> None:
    few = table(Task.BINARY, n=60).assign(who=np.arange(60) // 20)
    settings = {**SETTINGS, "data": {"roles": {"group": "who"}, "split": {"folds": 2}}}
    run = assay.train(
        few, target="y", learner="boosting", settings=settings, store=MemoryStore(), workers=1
    )
    assert run.evaluation.n == 40
    assert trained(table(Task.MULTICLASS, n=24), "boosting").evaluation.n > 10


def test_a_column_without_a_name_has_its_importance() -> None:
    frame = table(Task.BINARY, n=300).rename(columns={"a": ""})
    run = trained(frame, "boosting")
    assert run.importance[0].feature == "column_0"
    assert run.importance[0].drop.value > 0.05


@pytest.mark.parametrize("odd", [0, 20, 39])
def test_an_odd_date_stops_nothing(odd: int) -> None:
    frame = table(Task.BINARY, n=60)
    frame["when"] = pd.date_range("2026-01-01", periods=60).strftime("%m/%d/%Y")
    frame.loc[odd, "when"] = "02/30/2026"
    assert trained(frame).evaluation.n == 48


def test_an_infinite_target_is_refused() -> None:
    frame = table(Task.REGRESSION)
    frame.loc[:80, "y"] = np.inf
    with pytest.raises(assay.AssayError, match="The target 'y' holds infinite values"):
        trained(frame)


@pytest.mark.parametrize("learner", ["linear", "boosting"])
def test_a_class_of_one_row_trains(learner: str) -> None:
    frame = table(Task.MULTICLASS)
    frame.loc[0, "y"] = "lonely"
    assert "lonely" in trained(frame, learner).schema.classes


def test_a_baseline_that_cannot_be_fitted_is_told_and_left_out() -> None:
    frame = table(Task.BINARY)
    frame["y"] = np.where(np.arange(len(frame)) < 1, "yes", "no")
    run = trained(frame, "boosting")
    assert [each.name for each in run.baselines] == ["prior"]
    assert any("linear: The learner 'linear' could not be fitted" in text for text in run.warned)


def test_linear_with_options_stands_beside_linear_without() -> None:
    settings = {**SETTINGS, "model": {"options": {"C": 0.001}}}
    frame = table(Task.BINARY)
    run = assay.train(
        frame, target="y", learner="linear", settings=settings, store=MemoryStore(), workers=1
    )
    assert [each.name for each in run.baselines] == ["prior", "default linear"]


def test_two_fractions_are_numbers_not_classes() -> None:
    frame = table(Task.REGRESSION).assign(y=np.tile([0.5, 1.5], 120))
    assert trained(frame).schema.task is Task.REGRESSION


@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
@pytest.mark.parametrize("task", list(Task))
def test_dates_and_texts_and_many_levels_are_learnt_from(task: Task, learner: str) -> None:
    random = np.random.default_rng(0)
    n = 600
    frame = table(task, n=n)
    loud = random.random(n) < 0.5
    words = np.array(["bread", "water", "stone", "cloud", "river"])
    ends = np.where(loud, "thunder", "whisper")
    said = pd.Series([" ".join([*random.choice(words, 6), end]) for end in ends])
    frame["said"] = said.where(random.random(n) > 0.05)
    day = random.integers(0, 700, n)
    frame["when"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")).strftime(
        "%d.%m.%Y"
    )
    frame["city"] = [f"city {i}" for i in random.integers(0, 300, n)]
    told = 2.0 * loud + 2.0 * (day % 7 == 3)
    if task is Task.MULTILABEL:
        frame["y1"], frame["y2"], frame["y3"] = loud, day % 7 == 3, told > 3
    else:
        frame["y"] = (
            told if task is Task.REGRESSION else np.array(["a", "b", "c"])[told.astype(int) // 2]
        )
    if task is Task.BINARY:
        frame["y"] = np.where(told > 1, "yes", "no")
    run = trained(frame, learner)
    kinds = {column.name: column.kind.value for column in run.schema.columns}
    assert (kinds["said"], kinds["when"], kinds["city"]) == ("text", "datetime", "categorical")
    gain = run.baselines[0].gain
    assert gain.better == "second"
    assert {run.importance[0].feature, run.importance[1].feature} == {"said", "when"}


def test_names_of_columns_may_be_numbers() -> None:
    frame = table(Task.REGRESSION).rename(columns={"a": 0, "b": 1})
    store = MemoryStore()
    run = assay.train(frame, target="y", learner="linear", settings=SETTINGS, store=store)
    folder, _ = store.model(run.run_id, None)
    assert len(assay.predict(str(folder), frame)) == len(frame)


def test_balanced_classes_move_the_probabilities() -> None:
    frame = table(Task.BINARY)
    means = []
    for weight in (None, "balanced"):
        store = MemoryStore()
        settings = {**SETTINGS, "model": {"options": {"class_weight": weight}}}
        settings["evaluation"] = {"resamples": 200, "calibration": "none"}
        run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
        rows = store.table(run.run_id, "out_of_fold")
        means.append(np.mean(rows["probability_1"].to_numpy()))
    assert means[1] > means[0] + 0.05


def test_a_target_of_dates_is_refused() -> None:
    frame = table(Task.BINARY).assign(y=pd.date_range("2026-01-01", periods=240))
    with pytest.raises(assay.AssayError, match="holds date, which cannot be predicted"):
        trained(frame)


@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_probabilities_and_scores_are_the_estimators_own(task: Task, learner: str) -> None:
    part = prepared(task).development
    model = make_learner(learner, {}).fit(part, None, FitContext())
    said = model.predict(part.features)
    order = np.argsort(model.estimator.classes_)
    expected = model.estimator.predict_proba(part.features)[:, order]
    np.testing.assert_array_equal(said.probabilities, expected)
    if hasattr(model.estimator, "decision_function"):
        scores = model.estimator.decision_function(part.features)
        np.testing.assert_array_equal(said.scores, scores if scores.ndim == 1 else scores[:, order])
    else:
        assert said.scores is None


def test_sealed_cells_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    frame = table(Task.BINARY).assign(part=["train"] * 180 + ["test"] * 60)
    frame["a"] = frame["a"].astype(object)
    frame.loc[[200, 220], "a"] = "n/k"
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.yaml").write_text(
        "data: {source: t.csv, target: y, split: {by: column, column: part}}\n"
        "model: {learner: linear}\ntraining: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    run = assay.train(tmp_path / "t.yaml", store=MemoryStore(), workers=1)
    assert run.schema.reading["a"] == "numeric"
    assert run.provenance["sealed cells that count as missing"] == {"a": 2}
    assert "sealed cells that count as missing" in run.report.read_text()


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "gamma", "poisson"])
def test_skewed_numbers_have_losses_of_their_own(loss: str, tmp_path: Path) -> None:
    frame = table(Task.REGRESSION, n=600)
    frame["y"] = np.exp(frame["y"] / 10)
    store = MemoryStore()
    settings = SETTINGS | {"model": {"options": {"loss": loss}}}
    run = assay.train(
        frame, target="y", learner="boosting", settings=settings, store=store, workers=1
    )
    said = assay.load(str(store.model(run.run_id, tmp_path)[0])).predict(frame)
    assert np.corrcoef(said, frame["y"])[0, 1] > 0.6
    if loss in ("gamma", "poisson"):
        assert (said > 0).all()


def test_a_loss_that_does_not_fit_the_numbers_is_told() -> None:
    settings = SETTINGS | {"model": {"options": {"loss": "gamma"}}}
    with pytest.raises(LearnerError, match="strictly positive"):
        assay.train(
            table(Task.REGRESSION), target="y", learner="boosting", settings=settings,
            store=MemoryStore(), workers=1,
        )  # fmt: skip


@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
def test_an_option_that_means_nothing_for_the_task_is_refused(learner: str) -> None:
    asked = [(Task.REGRESSION, "class_weight", "balanced")]
    asked += [(Task.BINARY, "loss", "gamma")] if learner == "boosting" else []
    for task, name, value in asked:
        settings = SETTINGS | {"model": {"options": {name: value}}}
        with pytest.raises(LearnerError, match=rf"model\.options\.{name} is for") as refused:
            assay.train(table(task), target="y", learner=learner, settings=settings)
        assert refused.value.mend.startswith(f"leave {name} out")
    # What is left at its default says nothing, as in the file that `assay init` writes.
    defaults = {"class_weight": None} | ({"loss": "squared_error"} if learner == "boosting" else {})
    for task in Task:
        settings = SETTINGS | {"model": {"options": defaults | FEW.get(learner, {})}}
        trained_with = assay.train(
            table(task), target=target_of(task), learner=learner, settings=settings,
            store=MemoryStore(),
        )  # fmt: skip
        assert trained_with.report is not None
