"""Nothing is lost (law 4): of processes that are killed at any moment, all that was recorded stays.

Processes are forked from this one, which has imported everything and started no threads yet; each
writes what it has recorded into a file, and is killed after a random time.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from assay import logbook, sending
from assay.place import Place
from assay.tracking import shipper as shipping
from assay.tracking.leftovers import Sent
from assay.tracking.mlflow import MlflowStore
from assay.tracking.mlflow_client import client
from assay.tracking.recorder import Recorder, Status
from assay.tracking.spool import left
from tests.tracking.story import assert_metrics, children_of, loss, tell_opening

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here"),
]
N_KILLED = 50
LONGEST_S = 0.5


class Witness:
    """A file that says what was recorded: run and step, written when the call has returned."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, text: str) -> None:
        os.write(self._file, f"{text}\n".encode())


def record(witness: Witness, folder: Path) -> None:
    """Runs with every kind of record, as fast as it goes or slower, until it is killed."""
    rest_s = random.choice([0, 0, 2e-4])
    for number in range(1000):
        place = Place.to_begin(None, None)
        recorder = place.begin("income", "boosting", {}, announce=lambda step: None)
        witness(f"begun {recorder.run_id}")
        if number == 0 and random.random() < 0.5:
            tell_opening(recorder, folder)
        _tell_metrics(recorder, witness, "run", random.randrange(2, 3000), rest_s)
        child = recorder.child("fold-1")
        _tell_metrics(child, witness, "child", random.randrange(2, 100))
        child.finish(Status.FINISHED)
        recorder.finish(Status.FINISHED)


def _tell_metrics(recorder: Recorder, witness: Witness, of: str, n: int, rest_s: float = 0) -> None:
    for step in range(n):
        recorder.metrics(loss(step), step)
        witness(f"{of} {step}")
        if rest_s:
            time.sleep(rest_s)


def forked(work: Callable[[], object]) -> int:
    """Do it in a process of its own, which ends without a word."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:  # it has no other way to say it
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def killed_at_a_random_moment(work: Callable[[], object], longest_s: float) -> None:
    pid = forked(work)
    time.sleep(random.uniform(0, longest_s))
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    """Whatever a forked process needs is imported."""
    import pyarrow.parquet  # noqa: F401


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shippers that begin soon, so that they are killed at work too."""
    monkeypatch.setattr(shipping, "_POLL_S", 0.05)
    monkeypatch.setattr(shipping, "_LONGEST_REST_S", 0.05)


def test_what_was_recorded_survives_the_process(workspace: Path, tmp_path: Path) -> None:
    for number in range(N_KILLED):
        witness = Witness(tmp_path / f"witness-{number}")
        killed_at_a_random_moment(
            lambda n=number, witness=witness: record(witness, tmp_path / f"files-{n}"), LONGEST_S
        )
    synced = [sys.executable, "-c", "from assay.cli.main import main; main()", "sync", "--json"]
    done = subprocess.run(synced, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert set(done.stderr.splitlines()) <= {"Sending what was recorded ..."}

    n_steps = sum(assert_kept(path) for path in sorted(tmp_path.glob("witness-*")))
    assert n_steps > N_KILLED, "they were killed too early for this to mean something"
    records = logbook.runs()
    assert {each.status for each in records} <= {Status.FINISHED, Status.INTERRUPTED}
    gone = [each for each in records if each.status is Status.INTERRUPTED]
    # On a busy machine many are killed before their run has begun.
    assert len(gone) >= N_KILLED // 10, "too few were killed while a run went on"
    assert {each.reason for each in gone} == {"its process is gone"}
    assert all(each.finished for each in gone)
    asked = client(store_here().uri)
    assert {asked.get_run(each.run_id).info.status for each in gone} == {"KILLED"}
    assert sending.sync() == Sent((), (), ())
    assert left(workspace / "spool") == []


def store_here() -> MlflowStore:
    store = Place.to_find(settles=False).store
    assert isinstance(store, MlflowStore)
    return store


def assert_kept(witness: Path) -> int:
    """All that a process has recorded is there, once and in order; how many steps that were."""
    store = store_here()
    runs: list[tuple[str, dict[str, int]]] = []
    for line in witness.read_text().splitlines():
        kind, value = line.split()
        if kind == "begun":
            runs.append((value, {"run": -1, "child": -1}))
        else:
            runs[-1][1][kind] = int(value)
    for run_id, last in runs:
        assert_at_least(store, run_id, last["run"])
        children = children_of(store, run_id)
        assert len(children) == (1 if last["child"] >= 0 else len(children[:1]))
        for child in children:
            assert child.info.status in ("FINISHED", "KILLED")
            assert_at_least(store, child.info.run_id, last["child"])
    return sum(last["run"] + 1 for _, last in runs)


def assert_at_least(store: MlflowStore, run_id: str, last: int) -> None:
    """Every step up to this one; the next may be there, if it was written but not told."""
    history = client(store.uri).get_metric_history(run_id, "loss")
    assert len(history) in (last + 1, last + 2)
    assert_metrics(store, run_id, range(len(history)))


def test_a_killed_sync_is_taken_up_by_the_next(workspace: Path, tmp_path: Path) -> None:
    for number in range(4):
        witness = Witness(tmp_path / f"witness-{number}")
        files = tmp_path / f"files-{number}"
        pid = forked(lambda witness=witness, files=files: record(witness, files))
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for _ in range(12):
        killed_at_a_random_moment(sending.sync, 0.6)
    sent = sending.sync()
    assert (sent.unsent, sent.notices) == ((), ())
    assert sum(assert_kept(path) for path in sorted(tmp_path.glob("witness-*"))) > 4
    assert {each.status for each in logbook.runs()} <= {Status.FINISHED, Status.INTERRUPTED}
    assert sending.sync() == Sent((), (), ())


def test_who_is_killed_while_a_run_begins_leaves_none_running(workspace: Path) -> None:
    def begin() -> None:
        for _ in range(100):
            Place.to_begin(None, None).begin("income", "boosting", {})

    for _ in range(10):
        killed_at_a_random_moment(begin, 0.3)
    assert sending.sync().unsent == ()
    records = logbook.runs()
    assert {each.status for each in records} <= {Status.INTERRUPTED}
    assert all(each.finished for each in records)
    assert sending.sync() == Sent((), (), ())
