"""Many processes at one store in a file, and one that keeps it to itself: nothing lost or said."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from assay import logbook
from assay.tracking import shipper as shipping
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from tests.tracking.story import (
    Telling,
    assert_metrics,
    assert_told,
    begun,
    children_of,
    loss,
    tell_children,
    tell_opening,
)

pytestmark = pytest.mark.slow
N_PROCESSES, STEPS = 8, range(1500)

_MEMBERS = """
import os, sys
import mlflow  # what takes long, before there are many
from assay.place import Place
from assay.tracking.recorder import Status
from tests.tracking.story import loss

def member():
    place = Place.to_begin(None, None)
    recorder = place.begin("crowd", "member", {})
    child = recorder.child("fold-1")
    for step in range(1500):
        recorder.metrics(loss(step), step)
        if step % 10 == 0:
            child.metrics(loss(step // 10), step // 10)
    child.finish(Status.FINISHED)
    recorder.finish(Status.FINISHED)
    print(recorder.run_id, flush=True)

members = []
for _ in range(int(sys.argv[1])):
    members.append(os.fork())
    if members[-1] == 0:
        member()
        sys.exit()
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in members))
"""


def test_eight_processes_record_in_one_file_while_others_read(workspace: Path) -> None:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    members = subprocess.Popen(
        [sys.executable, "-c", _MEMBERS, str(N_PROCESSES)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    n_read = 0
    while members.poll() is None:
        assert all(run.experiment == "crowd" for run in logbook.runs())
        n_read += 1
        time.sleep(0.2)
    out, err = members.communicate()
    assert (members.returncode, err) == (0, "")
    assert n_read > 5
    store = MlflowStore(f"sqlite:///{workspace / 'mlflow.db'}")
    assert len({run.name for run in store.runs("crowd")}) == N_PROCESSES
    assert len(out.split()) == N_PROCESSES
    for run_id in out.split():
        assert store.get(run_id).status is Status.FINISHED
        assert_metrics(store, run_id, STEPS)
        [child] = children_of(store, run_id)
        assert child.info.status == "FINISHED"
        assert_metrics(store, child.info.run_id, range(150))
    assert list((workspace / "spool").glob("*/*.jsonl")) == []


def test_a_store_that_another_keeps_to_itself(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than SQLite and MLflow wait; recording goes on meanwhile."""
    monkeypatch.setattr(shipping, "_POLL_S", 0.05)
    database = workspace / "mlflow.db"
    store, told = MlflowStore(f"sqlite:///{database}", workspace / "artifacts"), Telling()
    recorder = begun(store, tmp_path / "spool", told)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(25, lambda: None)
        release.start()
        tell_opening(recorder, tmp_path / "files")
        for step in range(300):
            recorder.metrics(loss(step), step)
        tell_children(recorder, range(20))
        release.join()
        other.execute("ROLLBACK")
    recorder.finish(Status.FINISHED)
    assert told.told == []
    assert_told(store, recorder.run_id, range(300), tmp_path)
