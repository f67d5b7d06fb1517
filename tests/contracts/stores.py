"""What every store of runs owes, and the recorders it gives out."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assay.errors import NotFoundError, TrackingError
from assay.findings import Finding, Severity
from assay.tracking.keeping import kept
from assay.tracking.recorder import Point, Recorder, Status
from assay.tracking.store import Store
from assay.tracking.transcript import Transcript

FINDING = Finding(
    "AS101",
    Severity.ASK,
    "a alone explains it.",
    evidence={"explained alone": 0.97},
    mend="ignore it",
    columns=("a",),
    rows={"test": (3, 5)},
)


def a_model(folder: Path) -> Path:
    """A folder that MLflow takes for a model."""
    model = folder / "a model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {python_function: {loader_module: nowhere}}\n")
    (model / "weights").write_text("1 2 3")
    return model


class StoreContract:
    """Inherit, and give a store in the fixture `store`."""

    def begun(self, store: Store, name: str = "boosting") -> Recorder:
        return store.begin("income", name, {"assay.primary": "roc_auc"})

    def test_a_run_is_found_as_it_was_begun(self, store: Store) -> None:
        record = store.get(self.begun(store).run_id)
        assert (record.name, record.experiment) == ("boosting", "income")
        assert record.status is Status.RUNNING
        assert record.tags["assay.primary"] == "roc_auc"
        assert record.finished is None

    def test_names_are_unique_within_an_experiment(self, store: Store) -> None:
        names = [store.get(self.begun(store).run_id).name for _ in range(3)]
        assert names == ["boosting", "boosting-2", "boosting-3"]
        other = store.begin("another", "boosting", {})
        assert store.get(other.run_id).name == "boosting"

    def test_what_is_recorded_comes_back(self, store: Store) -> None:
        recorder = self.begun(store)
        recorder.params({"model.learner": "boosting", "training.seeds": 3})
        recorder.metrics({"roc_auc": 0.5}, step=1)
        recorder.metrics({"roc_auc": 0.75}, step=2)
        recorder.series("loss", [3.0, 2.0, 1.0])
        recorder.tags({"colour": "red"})
        recorder.finding(FINDING)
        table = pa.table({"row": [1, 2], "truth": ["a", "b"]})
        recorder.table("out_of_fold", table)
        record = store.get(recorder.run_id)
        assert record.params == {"model.learner": "boosting", "training.seeds": "3"}
        assert record.metrics["roc_auc"] == 0.75
        assert record.tags["colour"] == "red"
        assert store.history(recorder.run_id, "roc_auc") == [(1, 0.5), (2, 0.75)]
        assert store.history(recorder.run_id, "loss") == [(1, 3.0), (2, 2.0), (3, 1.0)]
        assert store.findings(recorder.run_id) == [FINDING]
        assert store.table(recorder.run_id, "out_of_fold").equals(table)

    def test_children_and_files_are_listed(self, store: Store, tmp_path: Path) -> None:
        recorder = self.begun(store)
        for name in ("fold-1", "fold-2"):
            child = recorder.child(name)
            child.metrics({"roc_auc": 0.5})
            child.finish(Status.FINISHED)
        (tmp_path / "a.txt").write_text("a")
        recorder.artifact(tmp_path / "a.txt", "deep/er")
        recorder.table("out_of_fold", pa.table({"row": [1]}))
        children = store.children(recorder.run_id)
        assert sorted(each.name for each in children) == ["fold-1", "fold-2"]
        assert children[0].metrics == {"roc_auc": 0.5}
        assert children[0].duration_s is not None
        assert store.get(recorder.run_id).duration_s is None
        assert store.children(children[0].run_id) == store.files(children[0].run_id) == []
        assert "deep/er/a.txt" in store.files(recorder.run_id)

    def test_many_params_and_long_ones_are_taken(self, store: Store) -> None:
        recorder = self.begun(store)
        recorder.params({f"p{i}": "x" * 7000 for i in range(120)})
        assert len(store.get(recorder.run_id).params) == 120

    def test_files_and_folders_come_back(self, store: Store, tmp_path: Path) -> None:
        folder = tmp_path / "deep"
        folder.mkdir()
        (folder / "a.txt").write_text("inside")
        (tmp_path / "b.txt").write_text("alone")
        recorder = self.begun(store)
        recorder.artifact(folder)
        recorder.artifact(tmp_path / "b.txt", "notes")
        into = tmp_path / "into"
        into.mkdir()
        assert (store.fetch(recorder.run_id, "deep", into) / "a.txt").read_text() == "inside"
        assert store.fetch(recorder.run_id, "notes/b.txt", into).read_text() == "alone"

    @pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED, Status.INTERRUPTED])
    def test_an_ending_is_kept_with_its_reason(self, store: Store, status: Status) -> None:
        recorder = self.begun(store)
        recorder.finish(status, "because")
        record = store.get(recorder.run_id)
        assert (record.status, record.reason) == (status, "because")
        assert record.finished is not None

    def test_a_run_that_resumes_is_running_until_it_ends_again(self, store: Store) -> None:
        recorder = self.begun(store)
        recorder.metrics({"loss": 1.0}, step=1)
        recorder.finish(Status.INTERRUPTED, "stopped by Ctrl-C")
        again = store.resume(recorder.run_id)
        record = store.get(recorder.run_id)
        assert again.run_id == recorder.run_id
        assert (record.status, record.reason, record.finished) == (Status.RUNNING, "", None)
        again.metrics({"loss": 0.5}, step=2)
        again.finish(Status.FINISHED)
        record = store.get(recorder.run_id)
        assert (record.status, record.reason) == (Status.FINISHED, "")
        assert store.history(recorder.run_id, "loss") == [(1, 1.0), (2, 0.5)]

    def test_a_failing_block_is_kept_as_failed(self, store: Store) -> None:
        recorder = self.begun(store)
        with pytest.raises(ZeroDivisionError), kept(recorder):
            1 / 0  # noqa: B018
        record = store.get(recorder.run_id)
        assert record.status is Status.FAILED
        assert record.reason == "ZeroDivisionError: division by zero"

    def test_ctrl_c_is_kept_as_interrupted(self, store: Store) -> None:
        recorder = self.begun(store)
        with pytest.raises(KeyboardInterrupt), kept(recorder):
            raise KeyboardInterrupt
        record = store.get(recorder.run_id)
        assert (record.status, record.reason) == (Status.INTERRUPTED, "stopped by Ctrl-C")

    def test_children_are_runs_but_not_listed(self, store: Store) -> None:
        recorder = self.begun(store)
        child = recorder.child("fold-1")
        child.metrics({"loss": 0.25})
        child.finish(Status.FINISHED)
        assert store.get(child.run_id).metrics == {"loss": 0.25}
        assert [run.run_id for run in store.runs()] == [recorder.run_id]

    def test_the_newest_run_comes_first(self, store: Store) -> None:
        first, second = self.begun(store), store.begin("other", "linear", {})
        third = self.begun(store)
        listed = [run.run_id for run in store.runs()]
        assert listed == [third.run_id, second.run_id, first.run_id]
        assert [run.run_id for run in store.runs("income")] == [third.run_id, first.run_id]
        assert [run.run_id for run in store.runs("other")] == [second.run_id]
        assert store.runs("nothing of that name") == []

    def test_a_recorder_attaches_to_a_run(self, store: Store) -> None:
        run_id = self.begun(store).run_id
        store.attach(run_id).metrics({"late": 1.0})
        another = self.begun(store)
        another.attach(run_id).tags({"from": "another"})
        record = store.get(run_id)
        assert (record.metrics["late"], record.tags["from"]) == (1.0, "another")

    def test_findings_of_all_recorders_of_a_run_add_up(self, store: Store) -> None:
        recorder = self.begun(store)
        found = [replace(FINDING, title=f"finding {i}") for i in range(4)]
        recorder.finding(found[0])
        attached = store.attach(recorder.run_id)
        attached.finding(found[1])
        recorder.finding(found[2])
        recorder.attach(recorder.run_id).finding(found[3])
        assert store.findings(recorder.run_id) == found

    @pytest.mark.parametrize(
        "name", ["Bob's churn", "both \" and '", "back\\slash", "../../x", "/abs", "ü" * 200, "%"]
    )
    def test_an_experiment_may_be_called_anything(
        self, store: Store, tmp_path: Path, name: str
    ) -> None:
        (tmp_path / "note.txt").write_text("inside")
        for number in range(2):
            recorder = store.begin(name, "linear", {})
            recorder.artifact(tmp_path / "note.txt")
            record = store.get(recorder.run_id)
            assert (record.experiment, record.name) == (name, ["linear", "linear-2"][number])
            fetched = store.fetch(recorder.run_id, "note.txt", tmp_path / f"{number}")
            assert fetched.read_text() == "inside"
        assert [run.name for run in store.runs(name)] == ["linear-2", "linear"]

    def test_a_transcript_replays_onto_it(self, store: Store) -> None:
        transcript = Transcript()
        transcript.metrics({"x": 1.0}, step=4)
        transcript.series("loss", [2.0, 1.0])
        child = transcript.child("inner")
        child.tags({"where": "inside"})
        recorder = self.begun(store)
        pickle.loads(pickle.dumps(transcript)).replay(recorder)
        assert store.history(recorder.run_id, "x") == [(4, 1.0)]
        assert store.history(recorder.run_id, "loss") == [(1, 2.0), (2, 1.0)]

    def test_points_keep_their_moments_and_come_back_in_order(self, store: Store) -> None:
        recorder = self.begun(store)
        points = [Point("loss", 4.0 - step, step, 1_700_000_000_000) for step in range(4)]
        again = Point("loss", 9.0, 3, 1_700_000_000_001)
        recorder.points([*points[2:], again, *points[:2]])
        assert store.history(recorder.run_id, "loss") == [(0, 4), (1, 3), (2, 2), (3, 1), (3, 9)]
        assert store.get(recorder.run_id).metrics["loss"] == 9.0

    def test_what_is_recorded_twice_is_there_once(self, store: Store, tmp_path: Path) -> None:
        recorder = self.begun(store)
        (tmp_path / "note.txt").write_text("inside")
        folder = a_model(tmp_path)
        for _ in range(2):
            recorder.params({"a": 1})
            recorder.points([Point("loss", 2.0, 1, 5), Point("loss", 1.0, 2, 6)])
            recorder.finding(FINDING, "20260101-1")
            recorder.table("rows", pa.table({"row": [1]}))
            recorder.artifact(tmp_path / "note.txt")
            recorder.model(folder, "model", "a digest")
            child = recorder.child("fold-1", "1")
            child.points([Point("loss", 3.0, 1, 5)])
            child.finish(Status.FINISHED, at=7000)
        recorder.finish(Status.FINISHED, at=9000)
        assert store.history(recorder.run_id, "loss") == [(1, 2.0), (2, 1.0)]
        assert store.findings(recorder.run_id) == [FINDING]
        assert store.history(child.run_id, "loss") == [(1, 3.0)]
        assert recorder.child("fold-1", "1").run_id == child.run_id
        assert recorder.child("fold-1", "2").run_id != child.run_id
        assert store.get(recorder.run_id).finished == "1970-01-01T00:00:09+00:00"
        found, digest = store.model(recorder.run_id, tmp_path / "into")
        assert digest == "a digest"
        assert (found / "weights").read_text() == "1 2 3"

    def test_a_model_that_was_half_kept_is_kept_whole(self, store: Store, tmp_path: Path) -> None:
        recorder = self.begun(store)
        with pytest.raises((OSError, TrackingError), match="nothing"):
            recorder.model(tmp_path / "nothing", "model", "a digest")
        recorder.model(a_model(tmp_path), "model", "a digest")
        found, digest = store.model(recorder.run_id, tmp_path / "into")
        assert (digest, (found / "weights").read_text()) == ("a digest", "1 2 3")

    def test_a_histogram_is_kept(self, store: Store, tmp_path: Path) -> None:
        recorder = self.begun(store)
        recorder.histogram("weights", np.arange(10.0), step=2)
        path = store.fetch(recorder.run_id, "histograms/weights-2.json", tmp_path)
        assert '"counts"' in path.read_text()

    def test_a_run_that_is_not_there_cannot_resume(self, store: Store) -> None:
        with pytest.raises(NotFoundError, match="There is no run"):
            store.resume("nowhere")

    def test_what_is_not_there_is_said(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="no run 'nobody'"):
            store.get("nobody")
        with pytest.raises(NotFoundError, match="no run 'nobody'"):
            store.attach("nobody")
        run_id = self.begun(store).run_id
        with pytest.raises(NotFoundError, match=r"recorded no missing\.txt"):
            store.fetch(run_id, "missing.txt", tmp_path)
        with pytest.raises(NotFoundError, match="recorded no"):
            store.table(run_id, "missing")
        with pytest.raises(NotFoundError, match="no run 'nobody'"):
            store.fetch("nobody", "missing.txt", tmp_path)
        with pytest.raises(NotFoundError, match="no run 'nobody'"):
            store.findings("nobody")
        with pytest.raises(NotFoundError, match="has no model"):
            store.model(run_id, tmp_path)
        assert store.findings(run_id) == []
        assert store.history(run_id, "missing") == []
