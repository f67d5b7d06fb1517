"""MLflow's own evaluation gives the same numbers, where it knows the metric, weights included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from assay.data.schema import Task
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome

N = 300
SAME = {
    Task.BINARY: {
        "accuracy": "accuracy_score", "precision": "precision_score", "recall": "recall_score",
        "f1": "f1_score",
    },
    Task.MULTICLASS: {"accuracy": "accuracy_score", "f1_weighted": "f1_score"},
    Task.REGRESSION: {
        "r2": "r2_score", "rmse": "root_mean_squared_error", "mae": "mean_absolute_error",
    },
}  # fmt: skip


def outcome(task: Task, weights: np.ndarray) -> Outcome:
    random = np.random.default_rng(0)
    if task is Task.REGRESSION:
        truth = random.normal(size=N)
        said = truth + random.normal(size=N)
        return Outcome(task, np.arange(N), truth, values=said, weights=weights)
    classes = ("no", "yes") if task is Task.BINARY else ("a", "b", "c")
    truth = random.integers(0, len(classes), N)
    decided = np.where(random.random(N) < 0.7, truth, random.integers(0, len(classes), N))
    shares = np.full((N, len(classes)), 1 / len(classes))
    return Outcome(task, np.arange(N), truth, classes, shares, decided, weights=weights)


def as_mlflow_says(made: Outcome, folder: Path) -> dict[str, Any]:
    is_classes = made.task.is_classification
    labels = np.array(made.classes)
    truth, said = (
        (labels[made.truth], labels[made.decided]) if is_classes else (made.truth, made.values)
    )
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    try:
        files = (folder / "artifacts").as_uri()
        with mlflow.start_run(experiment_id=mlflow.create_experiment("oracle", files)):
            found = mlflow.models.evaluate(
                data=pd.DataFrame({"truth": truth, "said": said}),
                targets="truth",
                predictions="said",
                model_type="classifier" if is_classes else "regressor",
                evaluators="default",
                evaluator_config={
                    "sample_weights": made.known_weights,
                    "log_explainer": False,
                    **({"pos_label": "yes"} if made.task is Task.BINARY else {}),
                },
            )
    finally:
        mlflow.set_tracking_uri(None)
    return dict(found.metrics)


@pytest.mark.slow
@pytest.mark.parametrize("task", SAME, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_gives_the_same_numbers(task: Task, weighted: bool, workspace: Path) -> None:
    weights = np.random.default_rng(1).gamma(2, 1, N) if weighted else np.ones(N)
    made = outcome(task, weights)
    theirs = as_mlflow_says(made, workspace)
    for ours, name in SAME[task].items():
        assert METRICS[task][ours].of(made) == pytest.approx(theirs[name], abs=1e-12), ours
