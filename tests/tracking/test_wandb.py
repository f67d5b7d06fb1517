"""Weights & Biases: what is in the files, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from assay.tracking.mirror import Opening
from assay.tracking.recorder import Point, Status
from assay.tracking.settings import WandbSettings
from assay.tracking.wandb import WandbMirror, project_name
from tests.tracking.reading import history_of, wandb_records

UNTOUCHED = """
import os, sys
from pathlib import Path
before = (sys.exit, sys.excepthook, dict(os.environ), set(os.listdir()))
from assay.tracking.mirror import Opening
from assay.tracking.recorder import Point, Status
from assay.tracking.settings import WandbSettings
from assay.tracking.wandb import WandbMirror
folder = Path(sys.argv[1])
recorder = WandbMirror(WandbSettings()).open(Opening("r1", "n", "income", {}, 0, folder))
recorder.points([Point("loss", 1.0, 1, 5)])
recorder.finish(Status.FINISHED)
assert before == (sys.exit, sys.excepthook, dict(os.environ), set(os.listdir()))
assert "wandb" not in sys.modules
"""


def png(colour: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((8, 8, 3), colour, np.uint8)).save(file, "png")
    return file.getvalue()


def artifacts_of(opening: Opening) -> list[Any]:
    return [each.artifact for each in wandb_records(opening.folder) if each.HasField("artifact")]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    tags = {"assay.why": "to see", "baseline": "true", "assay.primary": "roc_auc"}
    return Opening("b2" * 16, "boosting", "income/2: a", tags, 1_700_000_000_000, tmp_path / "w")


def test_a_run_is_called_and_tagged_as_ours(opening: Opening) -> None:
    settings = WandbSettings(entity="team", group="group 1")
    recorder = WandbMirror(settings).open(opening)
    recorder.tags({"final": "true", "baseline": "false"})
    recorder.finish(Status.FAILED, "no rows")
    records = wandb_records(opening.folder)
    begun = next(each.run for each in records if each.WhichOneof("record_type") == "run")
    assert (begun.run_id, begun.display_name) == (opening.run_id, "boosting")
    assert (begun.project, begun.entity) == ("income-2- a", "team")
    assert begun.run_group == "group 1"
    last = [each.run for each in records if each.WhichOneof("record_type") == "run"][-1]
    assert (list(last.tags), last.notes) == (["final"], "to see")
    assert [each.exit.exit_code for each in records if each.HasField("exit")] == [1]
    summary = {item.key: item.value_json for each in records for item in each.summary.update}
    assert summary["reason"] == '"no rows"'


def test_pictures_and_text_of_a_table_are_shown(opening: Opening, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(9))
    table = pa.table(
        {
            "image": [png(1), b"\x89PNG\r\n\x1a\nbroken", png(3)],
            "file": [str(tmp_path / "a.png"), str(tmp_path / "gone.png"), None],
            "text": ["first", "second", None],
            "confidence": [0.5, float("nan"), 1.0],
            "raw": [b"\x00\x01", b"", None],
        }
    )
    recorder = WandbMirror(WandbSettings()).open(opening)
    recorder.table("predictions_sample", table)
    recorder.finish(Status.FINISHED)
    [artifact] = artifacts_of(opening)
    files = {each.path: each.local_path for each in artifact.manifest.contents}
    assert all(opening.folder in Path(path).parents for path in files.values())
    shown = json.loads(Path(files["tables/predictions_sample.table.json"]).read_text())

    def shade(cell: Any) -> Any:
        if cell is None:
            return None
        assert cell["_type"] == "image-file"
        return Image.open(files[cell["path"]]).getpixel((0, 0))[0]  # type: ignore[index]

    images, paths, *others = zip(*shown["data"], strict=True)
    assert [shade(each) for each in images] == [1, None, 3]
    assert [shade(each) for each in paths] == [9, None, None]
    assert others[0] == ("first", "second", None)
    assert others[2] == ("2 bytes", "0 bytes", None)


def test_a_long_table_is_a_file_with_all_its_rows(opening: Opening) -> None:
    recorder = WandbMirror(WandbSettings()).open(opening)
    recorder.table("out_of_fold", pa.table({"row": np.arange(10_001)}))
    recorder.finish(Status.FINISHED)
    [path] = opening.folder.rglob("out_of_fold.parquet")
    assert pa.parquet.read_table(path).num_rows == 10_001
    [artifact] = artifacts_of(opening)
    assert artifact.type == "table"
    assert artifact.manifest.contents[0].local_path == str(path)


def test_a_model_is_an_artifact_with_its_digest(opening: Opening, tmp_path: Path) -> None:
    model = tmp_path / "m"
    (model / "deep").mkdir(parents=True)
    (model / "MLmodel").write_text("flavors")
    (model / "deep" / "weights").write_text("1 2 3")
    recorder = WandbMirror(WandbSettings()).open(opening)
    recorder.model(model, "model", "d1gest")
    (model / "deep" / "weights").write_text("changed since")
    recorder.finish(Status.FINISHED)
    [artifact] = artifacts_of(opening)
    assert (artifact.type, artifact.metadata) == ("model", '{"digest":"d1gest"}')
    entries = {each.path: each.local_path for each in artifact.manifest.contents}
    assert set(entries) == {"MLmodel", "deep/weights"}
    assert Path(entries["deep/weights"]).read_text() == "1 2 3"
    assert opening.folder in Path(entries["deep/weights"]).parents


def test_metrics_have_our_steps_for_an_axis(opening: Opening) -> None:
    recorder = WandbMirror(WandbSettings()).open(opening)
    recorder.series("loss", [3.0, 2.0])
    recorder.points([Point("auc", 0.5, 1, 5), Point("f1", 0.25, 1, 5)])
    recorder.finish(Status.FINISHED)
    records = wandb_records(opening.folder)
    assert any(each.metric.step_metric == "assay/step" for each in records)
    lines = [history_of(each) for each in records if each.HasField("history")]
    assert [(each["assay/step"], each.get("loss"), each.get("f1")) for each in lines] == [
        (1, 3.0, None),
        (2, 2.0, None),
        (1, None, 0.25),
    ]
    assert lines[2]["auc"] == 0.5


def test_nothing_but_what_is_told_is_in_the_files(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = "pl4ntedsecret" + "0" * 27
    for name in ("WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD"):
        monkeypatch.setenv(name, planted)
    monkeypatch.setattr(sys, "argv", ["train.py", "--password", planted])
    recorder = WandbMirror(WandbSettings()).open(opening)
    recorder.params({"a": 1})
    recorder.finish(Status.FINISHED)
    files = [path for path in opening.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert planted.encode() not in content
        assert os.path.realpath(sys.executable).encode() not in content
    assert not list(opening.folder.rglob("requirements.txt"))
    assert not list(opening.folder.rglob("wandb-metadata.json"))
    assert opening.folder.stat().st_mode & 0o077 == 0


def test_the_process_that_trains_is_left_alone(tmp_path: Path) -> None:
    cwd = tmp_path / "here"
    cwd.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNTOUCHED, str(tmp_path / "w")],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("income", "income"),
        ("../../x", "..-..-x"),
        ("%", "-"),
        ("ü" * 200, "ü" * 128),
        (" ", "assay"),
    ],
)
def test_a_project_has_a_valid_name(name: str, project: str) -> None:
    assert project_name(name) == project
