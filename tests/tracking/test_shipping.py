"""What is recorded arrives once and in order, whatever the store does meanwhile (law 4)."""

from __future__ import annotations

import os
import pickle
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import RefusedError, TrackingError
from assay.tracking import shipper as shipping
from assay.tracking.leftovers import Sent, send_left
from assay.tracking.memory import MemoryRecorder, MemoryStore
from assay.tracking.recorder import Point, Recorder, Status
from assay.tracking.routes import Routes
from assay.tracking.spool import About, Spool, left
from assay.tracking.spooled import Session, SpooledRecorder
from assay.tracking.transcript import Transcript
from tests.contracts.stores import FINDING, a_model


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_POLL_S", "_FIRST_WAIT_S", "_GLANCE_S"):
        monkeypatch.setattr(shipping, name, 0.01)


class Telling:
    """An announcer that remembers what it was told to keep on the screen."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, step: shipping.Step) -> None:
        if step.lasting:
            self.told.append(step.text)


class Moody(MemoryStore):
    """A store that fails as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: Iterator[Exception | None] = iter(())

    def attach(self, run_id: str) -> Recorder:
        return MoodyRecorder(self, self._run(run_id).run_id)


class MoodyRecorder(MemoryRecorder):
    def points(self, points: Sequence[Point]) -> None:
        failure = next(self._store.failures, None)
        if isinstance(failure, TimeoutError):
            super().points(points)  # it arrived, and nobody knows
        if failure is not None:
            raise failure
        super().points(points)


def begun(
    store: MemoryStore, below: Path, told: Telling | None = None, name: str = "boosting"
) -> SpooledRecorder:
    run_id = store.begin("income", name, {}).run_id
    about = About(run_id, name, "income", 5, "memory:")
    below.mkdir(exist_ok=True)
    return SpooledRecorder(Session(below, about, Routes(store, below), told or Telling()))


def resent(store: MemoryStore, below: Path) -> Sent:
    return send_left(below, lambda about: Routes(store, below), patience_s=5)


def test_everything_arrives(tmp_path: Path) -> None:
    store, below = MemoryStore(), tmp_path / "spool"
    recorder = begun(store, below)
    (tmp_path / "note.txt").write_text("inside")
    recorder.params({"model.learner": "boosting", "training.seeds": 3})
    recorder.metrics({"loss": np.float32(0.5)}, step=np.int64(1))
    recorder.series("curve", [3.0, float("nan"), float("inf")])
    recorder.points([Point("early", 1.0, 7, 70)])
    recorder.tags({"colour": "red"})
    recorder.finding(FINDING)
    recorder.table("rows/inner", pa.table({"row": [1, 2]}))
    recorder.histogram("weights", np.arange(10.0), step=2)
    recorder.artifact(tmp_path / "note.txt", "notes")
    recorder.model(a_model(tmp_path), "model", "a digest")
    child = recorder.child("seed-1")
    child.metrics({"loss": 4.0})
    inner = child.child("fold-1")
    inner.metrics({"loss": 5.0})
    inner.finish(Status.FINISHED)
    child.finish(Status.FAILED, "because")
    (tmp_path / "note.txt").write_text("changed since")
    recorder.finish(Status.FINISHED)

    record = store.get(recorder.run_id)
    assert record.status is Status.FINISHED
    assert record.params == {"model.learner": "boosting", "training.seeds": "3"}
    assert record.metrics["loss"] == 0.5
    assert store.history(recorder.run_id, "curve")[::2] == [(1, 3.0), (3, float("inf"))]
    assert store.history(recorder.run_id, "early") == [(7, 1.0)]
    assert record.tags["colour"] == "red"
    assert store.findings(recorder.run_id) == [FINDING]
    assert store.table(recorder.run_id, "rows/inner").equals(pa.table({"row": [1, 2]}))
    assert store.fetch(recorder.run_id, "notes/note.txt", tmp_path).read_text() == "inside"
    assert store.model(recorder.run_id, tmp_path)[1] == "a digest"
    within = {each.name: each for each in store._kept.values() if each.parent is not None}
    assert (within["seed-1"].status, within["seed-1"].reason) == (Status.FAILED, "because")
    assert within["seed-1"].parent == recorder.run_id
    assert within["fold-1"].parent == within["seed-1"].run_id
    assert within["fold-1"].points["loss"] == {Point("loss", 5.0, 0, _moment(within, "fold-1"))}
    assert left(below) == []
    assert list(below.iterdir()) == []


def _moment(within: dict, name: str) -> int:
    [point] = within[name].points["loss"]
    return point.at


@pytest.mark.parametrize(
    "moods",
    [
        [TrackingError("away", mend="wait")] * 3,
        [TimeoutError("no answer")] * 3,
        [OSError("reset"), None, TimeoutError("no answer"), None] * 5,
    ],
    ids=["away", "arrived-but-not-told", "now and then"],
)
def test_a_store_that_fails_is_told_again_and_has_it_once(
    tmp_path: Path, moods: list[Exception | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "MOST_POINTS", 10)
    store, told = Moody(), Telling()
    store.failures = iter(moods)
    recorder = begun(store, tmp_path / "spool", told)
    for step in range(200):
        recorder.metrics({"loss": 1.0 / (step + 1)}, step)
    recorder.finish(Status.FINISHED)
    assert store.history(recorder.run_id, "loss") == [(s, 1.0 / (s + 1)) for s in range(200)]
    assert len(store._kept[recorder.run_id].points["loss"]) == 200
    assert store.get(recorder.run_id).status is Status.FINISHED
    assert told.told == []


def test_the_same_value_at_the_same_step_and_moment_is_there_as_often_as_it_was_recorded(
    tmp_path: Path,
) -> None:
    store = MemoryStore()
    recorder = begun(store, tmp_path / "spool")
    for _ in range(50):
        recorder.metrics({"loss": 1.0}, step=3)
    recorder.finish(Status.FINISHED)
    assert store.history(recorder.run_id, "loss") == [(3, 1.0)] * 50


def test_a_store_that_stays_away_stops_nothing_and_gets_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.tracking.spooled.PATIENCE_S", 0.2)
    store, told, below = Moody(), Telling(), tmp_path / "spool"
    store.failures = iter([TrackingError("The store is away.", mend="wait")] * 100_000)
    recorder = begun(store, below, told)
    recorder.metrics({"loss": 1.0})
    recorder._session.close(0.2)
    [text] = told.told
    assert text.startswith("income/boosting has not reached the store of runs yet: The store is")
    assert "assay sync" in text
    assert len(left(below)) == 1
    assert store.history(recorder.run_id, "loss") == []
    store.failures = iter(())
    sent = resent(store, below)
    assert (sent.runs, sent.unsent, sent.notices) == (("income/boosting",), (), ())
    assert store.history(recorder.run_id, "loss") == [(0, 1.0)]
    assert store.get(recorder.run_id).status is Status.INTERRUPTED
    assert store.get(recorder.run_id).reason == "its process is gone"
    assert resent(store, below) == Sent((), (), ())


def test_what_a_store_will_never_take_is_set_aside_and_said(tmp_path: Path) -> None:
    class Strict(MemoryRecorder):
        def points(self, points: Sequence[Point]) -> None:
            if any(each.name == "bad" for each in points):
                raise RefusedError("No such name.", mend="another")
            super().points(points)

    class Picky(MemoryStore):
        def attach(self, run_id: str) -> Recorder:
            return Strict(self, run_id)

    store, told, below = Picky(), Telling(), tmp_path / "spool"
    recorder = begun(store, below, told)
    for step in range(10):
        recorder.metrics({"bad" if step == 4 else "good": float(step)}, step)
    recorder.finish(Status.FINISHED)
    good = [(step, float(step)) for step in range(10) if step != 4]
    assert store.history(recorder.run_id, "good") == good
    assert store.get(recorder.run_id).status is Status.FINISHED
    [text] = told.told
    assert text.startswith("store will not take 1 of the records of income/boosting, kept in ")
    assert text.endswith(": No such name.")
    [kept] = below.with_name("refused").iterdir()
    assert str(kept) in text
    assert '"bad"' in (kept / "store.refused").read_text()
    assert list(below.iterdir()) == []


def test_a_file_that_a_store_will_never_take_is_kept_with_what_it_said(tmp_path: Path) -> None:
    class Strict(MemoryRecorder):
        def artifact(self, path: Path, folder: str = "") -> None:
            raise RefusedError('Not "this" one.', mend="another")

    class Picky(MemoryStore):
        def attach(self, run_id: str) -> Recorder:
            return Strict(self, run_id)

    (tmp_path / "note.txt").write_text("inside")
    told = Telling()
    recorder = begun(Picky(), tmp_path / "spool", told)
    recorder.artifact(tmp_path / "note.txt")
    recorder.finish(Status.FINISHED)
    assert told.told[0].endswith('Not "this" one.')
    [kept] = (tmp_path / "refused").rglob("note.txt")
    assert kept.read_text() == "inside"


def test_what_comes_after_the_end_does_not_begin_the_run_anew(tmp_path: Path) -> None:
    store, below = MemoryStore(), tmp_path / "spool"
    recorder = begun(store, below)
    recorder.metrics({"loss": 1.0}, 1)
    recorder.finish(Status.FINISHED)
    recorder.metrics({"loss": 0.5}, 2)
    recorder.close()
    assert resent(store, below) == Sent((), (), ())
    assert store.get(recorder.run_id).status is Status.FINISHED
    assert store.history(recorder.run_id, "loss") == [(1, 1.0), (2, 0.5)]


def test_a_mark_beyond_the_log_hides_nothing_that_comes_later(tmp_path: Path) -> None:
    """As after a power cut, or when what was held in memory was sent and never written."""
    store, below = Moody(), tmp_path / "spool"
    recorder = begun(store, below)
    recorder.metrics({"loss": 1.0})
    recorder._session.close()
    recorder.metrics({"loss": 2.0})
    [folder] = left(below)
    recorder._session._open[1].stop()
    recorder._session._open[0].log.close()
    recorder._session._open[0]._lock.release()
    (folder / "store.sent").write_text("100000")
    store.failures = iter([TrackingError("away", mend="wait")] * 1000)
    send_left(below, lambda about: Routes(store, below), patience_s=0)
    store.failures = iter(())
    resent(store, below)
    assert store.get(recorder.run_id).status is Status.INTERRUPTED
    assert left(below) == []


def test_no_secret_gets_into_the_spool(tmp_path: Path) -> None:
    store = MemoryStore()
    recorder = begun(store, tmp_path / "spool")
    recorder.params({"at": "http://me:hunter2@host"})
    recorder.tags({"at": "http://me:hunter2@host"})
    recorder.finding(replace(FINDING, mend="http://me:hunter2@host"))
    recorder.finish(Status.FINISHED)
    record = store.get(recorder.run_id)
    [found] = store.findings(recorder.run_id)
    assert {record.params["at"], record.tags["at"], found.mend} == {"http://***@host"}


def test_one_store_that_is_away_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []

    class Away(MemoryStore):
        def attach(self, run_id: str) -> Recorder:
            asked.append(run_id)
            raise TrackingError("The store is away.", mend="wait")

    store, below = Away(), tmp_path / "spool"
    for number in range(3):
        recorder = begun(store, below, name=f"run-{number}")
        recorder.metrics({"loss": 1.0})
        recorder._session.close(0)
    asked.clear()
    sent = send_left(below, lambda about: Routes(store, below), patience_s=0)
    assert len(sent.unsent) == 3
    assert len(set(asked)) == 1


def test_a_spool_in_use_is_left_alone(tmp_path: Path) -> None:
    store, below = MemoryStore(), tmp_path / "spool"
    recorder = begun(store, below)
    recorder.metrics({"loss": 1.0})
    assert resent(store, below) == Sent((), (), ())
    assert Spool.take_over(left(below)[0]) is None
    recorder.finish(Status.FINISHED)
    assert store.get(recorder.run_id).status is Status.FINISHED


def test_threads_and_pickled_recorders_write_to_the_same_run(tmp_path: Path) -> None:
    store, below = MemoryStore(), tmp_path / "spool"
    recorder = begun(store, below)
    child = recorder.child("fold-1")

    def write(part: int) -> None:
        for step in range(100):
            recorder.metrics({f"part-{part}": float(step)}, step)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    recorder.finish(Status.FINISHED)
    for part in range(4):
        expected = [(step, float(step)) for step in range(100)]
        assert store.history(recorder.run_id, f"part-{part}") == expected
    assert child.run_id == recorder.run_id


def test_a_recorder_of_another_process_writes_to_the_same_child(tmp_path: Path) -> None:
    from assay.tracking.mlflow import MlflowStore

    store = MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    recorder = begun(store, tmp_path / "spool")
    child = recorder.child("fold-1")
    child.metrics({"loss": 1.0}, 1)
    elsewhere = pickle.loads(pickle.dumps(child))
    elsewhere.metrics({"loss": 0.5}, 2)
    elsewhere._session._announce = Telling()
    elsewhere.close()
    assert store.get(recorder.run_id).status is Status.RUNNING
    recorder.finish(Status.FINISHED)
    [run] = _children(store, recorder.run_id)
    assert store.history(run, "loss") == [(1, 1.0), (2, 0.5)]


def _children(store, run_id: str) -> list[str]:
    from assay.tracking.mlflow_client import client
    from assay.tracking.mlflow_experiments import experiment_ids

    wanted = f"tags.`mlflow.parentRunId` = '{run_id}'"
    found = client(store.uri).search_runs(experiment_ids(store.uri, None), wanted)
    return [each.info.run_id for each in found]


def test_a_transcript_keeps_its_moments(tmp_path: Path) -> None:
    store, transcript = MemoryStore(), Transcript()
    transcript.metrics({"loss": 1.0}, 1)
    before = time.time_ns() // 1_000_000
    time.sleep(0.02)
    recorder = begun(store, tmp_path / "spool")
    transcript.replay(recorder)
    recorder.finish(Status.FINISHED)
    [point] = store._kept[recorder.run_id].points["loss"]
    assert point.at <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_forked_process_leaves_the_spool_to_its_parent(tmp_path: Path) -> None:
    from assay.tracking.mlflow import MlflowStore

    store = MlflowStore(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    recorder = begun(store, tmp_path / "spool")
    child = recorder.child("fold-1")
    child.metrics({"loss": 1.0}, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads: as in real life
        pid = os.fork()
    if pid == 0:
        child.metrics({"loss": 0.5}, 2)
        recorder._session.spool.close(keep=True)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    child.metrics({"loss": 0.25}, 3)
    assert len(left(tmp_path / "spool")) == 2
    recorder.finish(Status.FINISHED)
    assert store.get(recorder.run_id).status is Status.FINISHED
    sent = send_left(tmp_path / "spool", lambda about: Routes(store, tmp_path), patience_s=5)
    assert (len(sent.runs), sent.unsent) == (1, ())
    [run] = _children(store, recorder.run_id)
    assert store.history(run, "loss") == [(1, 1.0), (2, 0.5), (3, 0.25)]


def test_a_recorder_that_was_closed_goes_on_in_the_same_child(tmp_path: Path) -> None:
    store = MemoryStore()
    recorder = begun(store, tmp_path / "spool")
    child = recorder.child("fold-1")
    for step in (1, 2):
        child.metrics({"loss": 1.0 / step}, step)
        child.close()
    [run] = [each for each in store._kept.values() if each.parent is not None]
    assert store.history(run.run_id, "loss") == [(1, 1.0), (2, 0.5)]


def test_what_was_sent_from_memory_is_not_waited_for_in_the_log(tmp_path: Path) -> None:
    """A full disk held less than was sent, and then the process was killed."""
    store, below = MemoryStore(), tmp_path / "spool"
    recorder = begun(store, below)
    recorder.metrics({"loss": 1.0}, 1)
    spool, shipper = recorder._session._open
    shipper.drain(5)
    spool.mark_sent("store", spool.log.size + 100)
    spool.close(keep=True)
    recorder._session._open = None
    assert resent(store, below) == Sent(("income/boosting",), (), ())
    assert store.get(recorder.run_id).status is Status.INTERRUPTED


def test_a_child_whose_birth_is_damaged_holds_nothing_up(tmp_path: Path) -> None:
    store, told, below = MemoryStore(), Telling(), tmp_path / "spool"
    recorder = begun(store, below, told)
    recorder._spool.append("metrics", "never-born", 1, {"loss": 1.0})
    recorder.metrics({"loss": 2.0}, 2)
    recorder.finish(Status.FINISHED)
    assert store.history(recorder.run_id, "loss") == [(2, 2.0)]
    assert "There is no run 'never-born' inside the run." in told.told[0]


def test_a_spool_that_was_never_begun_is_removed_in_time(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name / "files").mkdir(parents=True)
    os.utime(tmp_path / "old", (0, 0))
    assert left(tmp_path) == []
    assert [each.name for each in tmp_path.iterdir()] == ["new"]
