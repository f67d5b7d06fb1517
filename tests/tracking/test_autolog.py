"""What a learner of one's own logs with MLflow arrives in our run, once, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS
from mlflow.utils.import_hooks import _post_import_hooks

import assay
from assay.tracking.autolog import taken_over
from assay.tracking.memory import MemoryStore, _Kept
from assay.tracking.transcript import Transcript

OWN = "tests.tracking.own_learners"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """MLflow's own default is a folder of the test's, as is that of the user."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'users.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    yield uri
    while mlflow.active_run() is not None:
        mlflow.end_run()


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(120, 3)), columns=["a", "b", "c"])
    frame["y"] = (frame["a"] + random.normal(size=120) > 0).map({True: "yes", False: "no"})
    return frame


def trained(learner: Any, *, autolog: bool, seeds: int = 1, **more: Any) -> dict[str, _Kept]:
    """The children of a run, by name."""
    store = MemoryStore()
    settings = {
        "tracking": {"autolog": autolog},
        "training": {"seeds": seeds},
        "data": {"split": {"folds": 2}},
    }
    run = assay.train(table(), target="y", learner=learner, settings=settings, store=store, **more)
    kept = store._kept.values()
    within = {each.name: each for each in kept if each.parent == run.run_id}
    for each in kept:
        if each.parent not in (None, run.run_id):
            within[f"{store._kept[each.parent or ''].name}/{each.name}"] = each
    return within


def told(children: dict[str, _Kept], metric: str) -> dict[str, list[tuple[int, float]]]:
    return {
        name: sorted((point.step, point.value) for point in child.points[metric])
        for name, child in children.items()
        if metric in child.points
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pipeline_is_logged_once_for_each_fit(workers: int, elsewhere: str) -> None:
    children = trained(f"{OWN}:pipeline", autolog=True, seeds=2, workers=workers)
    assert sorted(children) == ["all-rows", "fold-1", "fold-2", "seed-2-fold-1", "seed-2-fold-2"]
    for child in children.values():
        assert child.params["logisticregression__C"] == "0.5"
        assert child.tags["estimator_name"] == "Pipeline"
        assert len(child.points["training_accuracy_score"]) == 1
        assert not [name for name in child.tags if name.startswith("mlflow.")]
    assert not Path(elsewhere.removeprefix("sqlite:///")).exists()


def test_what_a_learner_logs_itself_keeps_its_steps() -> None:
    children = trained(f"{OWN}:telling", autolog=True)
    losses = [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert told(children, "loss") == dict.fromkeys(["all-rows", "fold-1", "fold-2"], losses)
    assert {child.tags["colour"] for child in children.values()} == {"red"}


def test_runs_of_its_own_are_children() -> None:
    settings = {"model": {"options": {"how": "runs"}}}
    store = MemoryStore()
    run = assay.train(
        table(),
        target="y",
        learner=f"{OWN}:telling",
        settings={**settings, "tracking": {"autolog": True}, "training": {"seeds": 1}},
        store=store,
    )
    folds = [each for each in store._kept.values() if each.parent == run.run_id]
    inner = [each for each in store._kept.values() if each.parent in {f.run_id for f in folds}]
    assert len(folds) == 6
    assert [each.name for each in inner] == ["mlflow-1", "mlflow-2"] * 6
    values = [[point.value for point in each.points["loss"]] for each in inner]
    assert values == [[0.0], [1.0]] * 6


def test_nothing_is_taken_over_unless_it_is_asked_for(elsewhere: str) -> None:
    assert trained(f"{OWN}:pipeline", autolog=False) == {}
    assert not Path(elsewhere.removeprefix("sqlite:///")).exists()


def test_ours_is_not_logged_by_mlflow() -> None:
    assert trained("linear", autolog=True) == {}


def test_the_users_mlflow_is_as_it_was(elsewhere: str) -> None:
    mlflow.set_experiment("the user's")
    mlflow.sklearn.autolog(log_models=True, disable=True)
    before = {name: dict(each) for name, each in AUTOLOGGING_INTEGRATIONS.items()}
    variables = {name: value for name, value in os.environ.items() if "MLFLOW" in name}
    hooks = {name: list(each) for name, each in _post_import_hooks.items()}
    try:
        with mlflow.start_run() as outer:
            children = trained(f"{OWN}:telling", autolog=True)
            active = mlflow.active_run()
            assert active is not None
            assert active.info.run_id == outer.info.run_id
            mlflow.log_metric("mine", 1.0)
        assert len(told(children, "loss")) == 3
        assert mlflow.get_tracking_uri() == elsewhere
        seen = mlflow.MlflowClient().get_run(outer.info.run_id).data
        assert (dict(seen.metrics), dict(seen.params)) == ({"mine": 1.0}, {})
        after = {name: AUTOLOGGING_INTEGRATIONS[name] for name in before}
        assert after == before
        assert {name: list(each) for name, each in _post_import_hooks.items()} == hooks
        now = {name: value for name, value in os.environ.items() if "MLFLOW" in name}
        quiet = ("MLFLOW_DISABLE", "MLFLOW_ENABLE_ART", "MLFLOW_SUPPRESS")
        assert {k: v for k, v in now.items() if not k.startswith(quiet)} == {
            k: v for k, v in variables.items() if not k.startswith(quiet)
        }
    finally:
        AUTOLOGGING_INTEGRATIONS["sklearn"] = {}
        mlflow.tracking.fluent._active_experiment_id = None
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


def test_what_is_left_open_is_closed() -> None:
    transcript = Transcript()
    with taken_over(transcript):
        mlflow.set_experiment("another")
        mlflow.start_run()
        mlflow.log_param("a", 1)
    assert mlflow.active_run() is None
    store = MemoryStore()
    recorder = store.begin("e", "n", {})
    transcript.replay(recorder)
    assert store.get(recorder.run_id).params == {"a": "1"}


def test_a_search_is_a_run_with_its_trials() -> None:
    from tests.tracking.own_learners import search

    transcript = Transcript()
    frame = table()
    with taken_over(transcript):
        search().fit(frame[["a", "b", "c"]], frame["y"])
    store = MemoryStore()
    recorder = store.begin("e", "n", {})
    transcript.replay(recorder)
    assert "best_C" in store.get(recorder.run_id).params
    trials = [each for each in store._kept.values() if each.parent == recorder.run_id]
    assert sorted(each.params["C"] for each in trials) == ["0.1", "1.0"]
    assert {str(each.status) for each in trials} == {"finished"}


def test_a_fit_that_fails_leaves_nothing_behind() -> None:
    with suppress(ZeroDivisionError), taken_over(Transcript()):
        mlflow.log_metric("a", 1.0)
        1 / 0  # noqa: B018
    assert mlflow.active_run() is None
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
