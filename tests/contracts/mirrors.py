"""What every mirror owes: it holds all it is told, once, even if it was killed half way."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assay.findings import Finding, Severity
from assay.tracking.mirror import Mirror, Opening
from assay.tracking.recorder import Histogram, Point, Recorder, Status

FINDING = Finding("AS101", Severity.ASK, "a alone explains it.", {"skill": 0.97}, "ignore it")
AT = 1_700_000_000_000
KILLED = """
import os, pickle, signal, sys, time
mirror, opening = pickle.loads(bytes.fromhex(sys.argv[1]))
from assay.tracking.recorder import Point
recorder = mirror.open(opening)
recorder.params({"half": "told"})
recorder.points([Point("loss", 9.0, 1, 5)])
print("told", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass
class Seen:
    """What can be read back of a mirrored run.

    Attributes:
        params: By name, as text; of children with the child's name and a slash before it.
        points: Of metrics, as (name, step, value, moment); names as for params.
        histograms: By name and step.
        rows: Rows of tables that are shown.
        status: How it ended.
        text: Whatever else there is to find words in.
    """

    params: dict[str, str] = field(default_factory=dict)
    points: list[tuple[str, int, float, int]] = field(default_factory=list)
    histograms: dict[tuple[str, int], Histogram] = field(default_factory=dict)
    rows: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)
    status: str = ""
    text: str = ""

    def history(self, name: str) -> list[tuple[int, float]]:
        return [(step, value) for each, step, value, _ in self.points if each == name]


class MirrorContract:
    """Inherit, give a mirror in the fixture `mirror`, and read its runs back in `seen`."""

    precision = 0.0
    """Relative: how exactly it keeps numbers."""

    def seen(self, opening: Opening) -> Seen:
        raise NotImplementedError

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        tags = {"assay.primary": "roc_auc"}
        return Opening("a1" * 16, "boosting-2", "income", tags, AT, tmp_path / "mirrored")

    def test_it_has_a_name_that_can_be_a_file(self, mirror: Mirror) -> None:
        assert mirror.name.isidentifier()
        assert mirror.resumes in (True, False)

    def test_it_pickles(self, mirror: Mirror) -> None:
        assert pickle.loads(pickle.dumps(mirror)).name == mirror.name

    def test_every_metric_keeps_step_value_and_moment(
        self, mirror: Mirror, opening: Opening
    ) -> None:
        recorder = mirror.open(opening)
        told = [Point("loss", 1 / step, step, AT + step) for step in range(1, 40)]
        told += [Point("auc", 0.5, 3, AT + 9), Point("loss", 0.125, 3, AT + 50)]
        recorder.points(told[:20])
        recorder.points(told[20:])
        recorder.finish(Status.FINISHED, at=AT + 100)
        seen = self.seen(opening).points
        assert [(name, step, at) for name, step, _, at in seen] == [
            (each.name, each.step, each.at) for each in told
        ]
        values = [value for _, _, value, _ in seen]
        assert values == pytest.approx([each.value for each in told], rel=self.precision, abs=0)

    def test_params_of_the_run_and_of_children_are_told_apart(
        self, mirror: Mirror, opening: Opening
    ) -> None:
        recorder = mirror.open(opening)
        recorder.params({"model.learner": "boosting", "training.seeds": 3})
        for number in (1, 2):
            child = recorder.child(f"fold-{number}", f"{number}")
            child.params({"chosen": number * 10})
            child.points([Point("loss", 0.5 * number, 1, AT)])
            child.finish(Status.FINISHED, at=AT)
        assert recorder.child("fold-1", "1") is not None
        recorder.finish(Status.FINISHED, at=AT)
        seen = self.seen(opening)
        params = {name: seen.params[name] for name in seen.params if "tags." not in name}
        assert params == {
            "model.learner": "boosting",
            "training.seeds": "3",
            "fold-1/chosen": "10",
            "fold-2/chosen": "20",
        }
        assert seen.history("fold-1/loss") == [(1, 0.5)]
        assert seen.history("fold-2/loss") == [(1, 1.0)]
        assert seen.history("loss") == []

    def test_tags_and_findings_are_there(self, mirror: Mirror, opening: Opening) -> None:
        recorder = mirror.open(opening)
        recorder.tags({"colour": "red"})
        recorder.finding(FINDING, "20260101-1")
        recorder.finish(Status.FINISHED)
        text = self.seen(opening).text
        for word in ("roc_auc", "colour", "red", "AS101", "a alone explains it."):
            assert word in text

    def test_tables_are_there_row_by_row(self, mirror: Mirror, opening: Opening) -> None:
        recorder = mirror.open(opening)
        table = pa.table({"row": range(30), "text": [f"a | b\n{i}" for i in range(30)]})
        recorder.table("sample", table)
        recorder.finish(Status.FINISHED)
        seen = self.seen(opening).rows["sample"]
        assert [int(str(each["row"])) for each in seen] == list(range(30))
        assert [str(each["text"])[-1] for each in seen[:10]] == list("0123456789")

    def test_histograms_are_there_count_by_count(self, mirror: Mirror, opening: Opening) -> None:
        recorder = mirror.open(opening)
        made = Histogram.of(np.arange(100.0))
        recorder.histogram("gradients/weight", made, step=7)
        recorder.histogram("gradients/weight", Histogram((3,), (0.0, 1.0)), step=8)
        recorder.finish(Status.FINISHED)
        seen = self.seen(opening).histograms
        assert set(seen) == {("gradients/weight", 7), ("gradients/weight", 8)}
        assert seen["gradients/weight", 7].counts == made.counts
        assert seen["gradients/weight", 7].edges == pytest.approx(made.edges)
        assert seen["gradients/weight", 8] == Histogram((3,), (0.0, 1.0))

    @pytest.mark.parametrize("status", [Status.FINISHED, Status.FAILED, Status.INTERRUPTED])
    def test_an_ending_is_kept_with_its_reason(
        self, mirror: Mirror, opening: Opening, status: Status
    ) -> None:
        recorder = mirror.open(opening)
        for _ in range(2):  # who tells it may not know that it arrived
            recorder.finish(status, "because of this", at=AT)
        seen = self.seen(opening)
        assert seen.status == status
        assert "because of this" in seen.text

    def test_a_run_of_a_killed_process_is_told_anew_and_whole(
        self, mirror: Mirror, opening: Opening
    ) -> None:
        given = pickle.dumps((mirror, opening)).hex()
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, given],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert killed.stdout == "told\n", killed.stderr
        assert killed.returncode == -signal.SIGKILL
        recorder = mirror.open(opening)
        if not mirror.resumes:
            recorder.params({"told": "anew"})
            recorder.points([Point("loss", 1.0, 1, 5)])
        recorder.finish(Status.FINISHED)
        time.sleep(0.3)  # what is left of the killed one could write no more
        seen = self.seen(opening)
        assert seen.history("loss") == [(1, 9.0 if mirror.resumes else 1.0)]
        assert seen.status == "finished"

    def test_files_and_models_are_taken(
        self, mirror: Mirror, opening: Opening, tmp_path: Path
    ) -> None:
        recorder = mirror.open(opening)
        model = tmp_path / "a model"
        model.mkdir()
        (model / "weights").write_text("1 2 3")
        (tmp_path / "note.txt").write_text("inside")
        recorder.artifact(tmp_path / "note.txt", "notes")
        recorder.artifact(model)
        recorder.model(model, "model", "d1gest")
        recorder.finish(Status.FINISHED)
        assert "d1gest" in self.seen(opening).text

    def test_what_is_odd_is_taken(self, mirror: Mirror, opening: Opening) -> None:
        recorder: Recorder = mirror.open(opening)
        recorder.params({"a list": [1, None], "nothing": None, "true": True, "object": object})
        recorder.points([Point("odd", value, 0, AT) for value in (float("nan"), float("inf"))])
        recorder.table("empty", pa.table({"row": pa.array([], pa.int64())}))
        recorder.table("missing", pa.table({"a": [None, 1], "b": [None, "x"]}))
        recorder.histogram("none", [], step=0)
        recorder.finish(Status.FINISHED)
        values = [value for _, value in self.seen(opening).history("odd")]
        assert np.isnan(values[0])
        assert np.isinf(values[1])
