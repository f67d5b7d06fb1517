"""A story that a run records, and the proof that a store behind MLflow has it: whole and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from assay.monitor import Step
from assay.tracking.mlflow import MlflowStore
from assay.tracking.mlflow_client import client
from assay.tracking.mlflow_experiments import experiment_ids
from assay.tracking.recorder import Status
from assay.tracking.routes import Routes
from assay.tracking.spool import About
from assay.tracking.spooled import Session, SpooledRecorder
from tests.contracts.stores import FINDING, a_model

TABLE = pa.table({"row": [1, 2], "p": [0.5, 0.25]})
CHILDREN = ("fold-1", "fold-2")


class Telling:
    """An announcer that remembers what it was told to keep on the screen."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, step: Step) -> None:
        if step.lasting:
            self.told.append(step.text)


def begun(store: MlflowStore, below: Path, told: Telling | None = None) -> SpooledRecorder:
    """A run that has begun, recorded through a spool."""
    begun = store.get(store.begin("income", "boosting", {}).run_id)
    about = About(begun.run_id, begun.name, "income", 5, "somewhere")
    below.mkdir(exist_ok=True)
    return SpooledRecorder(Session(below, about, Routes(store, below), told or Telling()))


def loss(step: int) -> dict[str, float]:
    return {"loss": 1 / (step + 1), "accuracy": step / 7}


def tell_opening(recorder: Any, folder: Path) -> None:
    """Everything but metrics: there are two children that have not ended."""
    folder.mkdir(exist_ok=True)
    (folder / "note.txt").write_text("inside")
    recorder.params({"model.learner": "boosting", "training.seeds": 3})
    recorder.tags({"colour": "red"})
    recorder.finding(FINDING)
    recorder.histogram("weights", np.arange(10.0), step=2)
    recorder.table("rows", TABLE)
    recorder.artifact(folder / "note.txt", "notes")
    recorder.model(a_model(folder), "model", "a digest")


def tell_children(recorder: Any, steps: range) -> None:
    """Two children, from birth to end."""
    for name in CHILDREN:
        child = recorder.child(name)
        for step in steps:
            child.metrics(loss(step), step)
        child.finish(Status.FINISHED)


def assert_told(
    store: MlflowStore, run_id: str, steps: range, into: Path, children: range = range(20)
) -> None:
    """All that was told is there, once and in order."""
    record = store.get(run_id)
    assert (record.status, record.reason) == (Status.FINISHED, "")
    assert record.params == {"model.learner": "boosting", "training.seeds": "3"}
    assert record.tags["colour"] == "red"
    assert_metrics(store, run_id, steps)
    assert store.findings(run_id) == [FINDING]
    assert store.table(run_id, "rows").equals(TABLE)
    assert store.fetch(run_id, "notes/note.txt", into).read_text() == "inside"
    assert store.fetch(run_id, "histograms/weights-2.json", into).exists()
    found = children_of(store, run_id)
    assert sorted(each.info.run_name for each in found) == sorted(CHILDREN)
    for each in found:
        assert each.info.status == "FINISHED"
        assert_metrics(store, each.info.run_id, children)
    folder, digest = store.model(run_id, into)
    assert (digest, (folder / "MLmodel").exists()) == ("a digest", True)
    asked = client(store.uri)
    [kept] = asked.search_logged_models(experiment_ids(store.uri, record.experiment))
    outputs = asked.get_run(run_id).outputs.model_outputs
    assert {each.model_id for each in outputs} == {kept.model_id}
    assert str(kept.status) == "READY"


def assert_metrics(store: MlflowStore, run_id: str, steps: range) -> None:
    """Every step is there once, in the order in which it was recorded."""
    for name in loss(0):
        history = client(store.uri).get_metric_history(run_id, name)
        in_order = sorted(history, key=lambda each: (each.timestamp, each.step))
        assert [(each.step, each.value) for each in in_order] == [
            (step, loss(step)[name]) for step in steps
        ]


def children_of(store: MlflowStore, run_id: str) -> list[Any]:
    """MLflow's runs inside a run."""
    wanted = f"tags.`mlflow.parentRunId` = '{run_id}'"
    return list(client(store.uri).search_runs(experiment_ids(store.uri, None), wanted))
