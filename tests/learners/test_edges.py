"""What tables do to learners: empty columns, rare levels, infinite numbers, many levels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import assay
from assay.data.schema import Task
from assay.errors import LearnerError
from assay.tracking.memory import MemoryStore
from tests.tables import table

SETTINGS = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}


def trained(frame: pd.DataFrame, learner: str = "linear") -> assay.Run:
    return assay.train(
        frame, target="y", learner=learner, settings=SETTINGS, store=MemoryStore(), workers=1
    )


@pytest.mark.parametrize("learner", ["linear", "boosting"])
@pytest.mark.parametrize("task", list(Task))
def test_an_empty_feature_is_a_finding_and_the_table_trains(task: Task, learner: str) -> None:
    run = trained(table(task).assign(nothing=np.nan, none=None), learner)
    found = {finding.columns[0] for finding in run.findings if finding.code == "AS301"}
    assert found == {"nothing", "none"}
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


def test_infinite_numbers_are_told_by_the_learner_that_cannot_take_them() -> None:
    frame = table(Task.BINARY)
    frame.loc[3, "a"] = np.inf
    with pytest.raises(LearnerError, match="infinity") as caught:
        trained(frame)
    assert "learner: boosting" in caught.value.mend


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
