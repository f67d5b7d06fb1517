"""A threshold goes from the experiment file into the model, and all that tells of it agrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay
from assay.data.schema import Task
from assay.errors import ExperimentError
from assay.evaluation.goals import Goal
from assay.inference.loading import load_folder
from assay.reports.wording import estimate, number
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.tables import table

GOALS: dict[str, Any] = {
    "f_beta": {"goal": "f_beta", "beta": 2},
    "cost": {"goal": "cost", "false_positive": 1, "false_negative": 8, "true_positive": 2},
    "precision": {"goal": "precision", "recall_at_least": 0.9},
    "recall": {"goal": "recall", "precision_at_least": 0.6},
    "unreachable": {"goal": "recall", "precision_at_least": 0.99},
}


def trained(
    goal: Any, store: MemoryStore, task: Task = Task.BINARY, learner: Any = "linear"
) -> Run:
    blocks = {
        "evaluation": {"threshold": goal, "resamples": 200},
        "training": {"seeds": 1},
    }
    return assay.train(table(task, 400), target="y", learner=learner, settings=blocks, store=store,
                       checks=[])  # fmt: skip


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", GOALS)
def test_every_goal_from_the_file_to_the_sealed_rows(name: str) -> None:
    store, goal = MemoryStore(), Goal.of(GOALS[name])
    # Of a model that says two things only, no threshold has every precision.
    run = trained(GOALS[name], store, learner=FakeLearner() if name == "unreachable" else "linear")
    threshold = run.threshold
    assert threshold.goal == goal
    assert threshold.falls_short == (name == "unreachable")

    folder, digest = store.model(run.run_id, Path())
    model = load_folder(folder, name="it", expected=digest, trust=None)
    frame = table(Task.BINARY, 400)
    labels = model.predict(frame) == "yes"
    np.testing.assert_array_equal(labels, model.predict_proba(frame)[:, 1] >= threshold.value)

    (no, alarms), (missed, hits) = run.evaluation.confusion
    reached = goal.reached(hits, alarms, hits + missed, no + alarms)
    assert threshold.choice.reached.value == pytest.approx(float(reached))

    told = json.loads(json.dumps(run.summary(), allow_nan=False))["threshold"]
    assert told["goal"] == GOALS[name]
    assert told["choice"]["reached"]["value"] == pytest.approx(float(reached))
    assert "curve" not in told["choice"]
    page = run.report.read_text()
    assert "by threshold</h3>" in page
    assert ("is reached nowhere" in page) == (name == "unreachable")
    assert ("All negative would be" in page) == (name == "cost")

    tested = assay.evaluate(run, on="test", store=store)
    goal_on_test = tested.summary()["goal"]
    assert (goal_on_test is not None) == (name in ("f_beta", "cost"))
    if goal_on_test is not None:
        (no, alarms), (missed, hits) = tested.test.evaluation.confusion
        expected = goal.reached(hits, alarms, hits + missed, no + alarms)
        assert goal_on_test["value"] == pytest.approx(float(expected))
        said = (
            f"is {estimate(tested.test.goal)}; announced {number(threshold.choice.reached.value)}."
        )
        assert said in tested.report.read_text()
        assert said in assay.report(tested.run_id, store=store).read_text()


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_a_task_that_turns_out_to_have_no_threshold_refuses_one(task: Task) -> None:
    with pytest.raises(ExperimentError, match="is for two classes") as caught:
        trained(GOALS["f_beta"], MemoryStore(), task, FakeLearner())
    assert caught.value.mend == "leave evaluation.threshold out"
    assert trained("f1", MemoryStore(), task, FakeLearner()).threshold is None
