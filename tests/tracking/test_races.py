"""Processes that begin runs in one store at the same moment: real ones, behind a barrier."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from assay.errors import TrackingError
from assay.tracking import mlflow_experiments
from assay.tracking.mlflow import MlflowStore
from tests.tracking.racing import raced

N_PROCESSES = 3
PATIENCE_S = 120


@pytest.mark.parametrize("existing", [True, False], ids=["store exists", "store is created"])
@pytest.mark.slow
def test_racing_runs_get_names_of_their_own(
    existing: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue("workspace") if existing else tmp_path
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    names = raced(uri, folder, n=N_PROCESSES, timeout_s=PATIENCE_S)
    assert sorted(names) == ["linear", "linear-2", "linear-3"]
    store = MlflowStore(uri, folder)
    assert sorted(run.name for run in store.runs("fresh")) == sorted(names)
    assert [path.name for path in folder.glob(".mlflow.db.*")] == []


def test_who_holds_the_store_for_ever_is_not_waited_for_for_ever(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_experiments, "_PATIENCE_S", 0.1)
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace)
    with (
        FileLock(workspace / "mlflow.db.lock"),
        pytest.raises(TrackingError, match=r"busy for 0\.1 s") as caught,
    ):
        store.begin("income", "linear", {})
    assert caught.value.where == str(workspace / "mlflow.db.lock")
    assert store.get(store.begin("income", "linear", {}).run_id).name == "linear"


def test_who_is_killed_holds_nothing(workspace: Path) -> None:
    lock = workspace / "mlflow.db.lock"
    code = (
        "import sys, time; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    began = time.monotonic()
    MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace).begin("income", "linear", {})
    assert time.monotonic() - began < 30


def test_an_experiment_that_another_created_meanwhile_is_found(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace)
    store.begin("income", "linear", {})
    asked = mlflow_experiments.client(store.uri)
    answers = iter([None])
    real = asked.get_experiment_by_name

    class Late:
        """Does not see the experiment at the first look."""

        def __getattr__(self, name: str) -> object:
            return getattr(asked, name)

        def get_experiment_by_name(self, name: str) -> object:
            return next(answers, real(name))

    monkeypatch.setattr(mlflow_experiments, "client", lambda uri: Late())
    assert store.get(store.begin("income", "linear", {}).run_id).name == "linear-2"


def test_two_runs_of_a_server_that_took_one_name_are_told_apart(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace)
    first = store.get(store.begin("income", "linear", {}).run_id)
    monkeypatch.setattr(mlflow_experiments, "database_of", lambda uri: None)
    monkeypatch.setattr(mlflow_experiments, "unique_name", lambda name, taken: name)
    second = store.get(store.begin("income", "linear", {}).run_id)
    assert (first.name, second.name) == ("linear", f"linear-{second.run_id[:6]}")


def test_a_deleted_experiment_is_told(workspace: Path) -> None:
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}", workspace)
    store.begin("income", "linear", {})
    asked = mlflow_experiments.client(store.uri)
    asked.delete_experiment(asked.get_experiment_by_name("income").experiment_id)
    assert store.runs("income") == store.runs() == []
    with pytest.raises(TrackingError, match="'income' was deleted") as caught:
        store.begin("income", "linear", {})
    assert "restore" in caught.value.mend
