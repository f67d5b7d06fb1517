"""A locked folder holds all that is needed to train a run again, and nothing that it should not."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import assay
from assay.data.fingerprint import fingerprint
from assay.data.schema import Task
from assay.data.sources import read_table
from assay.errors import DataError, InputError, LearnerError, NotFoundError
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.reproduction.test_reproduce import QUICK, experiment, project, trained
from tests.tables import table

__all__ = ["project"]

OWN = """
from helping.depth import DEPTH
from sklearn.ensemble import ExtraTreesClassifier
def make(size):
    return ExtraTreesClassifier(int(size), max_depth=DEPTH)
"""


@pytest.fixture
def own(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment whose learner is made by modules beside it, as a variable says."""
    monkeypatch.setenv("N_TREES", "3")
    (project / "helping").mkdir()
    (project / "helping" / "__init__.py").write_text("")
    (project / "helping" / "depth.py").write_text("DEPTH = 2\n")
    (project / "apart.py").write_text("not a part of it")
    (project / "treeing.py").write_text(OWN)
    return experiment(project, "treeing:make", "{size: '${N_TREES}'}")


def test_it_holds_everything_and_trains_the_same(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own, overrides=["evaluation.confidence=0.9"])
    folder = tmp_path / "locked"
    locked = assay.lock(run, folder, store=store)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "README.md", "reproduce.sh", "experiment.yaml", "run.json", "requirements.txt",
        f"assay_ml-{version('assay-ml')}-py3-none-any.whl", "data.parquet", "treeing.py",
        "helping/__init__.py", "helping/depth.py", "expected/out_of_fold.parquet",
        "expected/model.parquet",
    }  # fmt: skip
    assert (locked.folder, locked.run) == (folder, run.reference)
    assert fingerprint(read_table(folder / "data.parquet")) == run.fingerprint
    text = (folder / "experiment.yaml").read_text()
    assert "size: ${N_TREES}" in text
    assert "confidence: 0.9" in text
    shutil.rmtree(own.parent)
    done = assay.reproduce(folder, store=MemoryStore(), workers=1)
    assert (done.verdict, done.changes) == ("identical", ())
    assert done.data == "data.parquet, unchanged"


def test_no_path_and_nobody_is_named_in_it(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    folder = tmp_path / "locked"
    assay.lock(run, folder, store=store)
    about = run.provenance
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".whl":
            data = path.read_bytes()
            for private in (str(tmp_path), sys.prefix, about["host"]):
                assert private.encode() not in data, (path, private)


def test_an_estimator_that_was_handed_over_comes_with_it(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY).drop(columns="kind").dropna()
    estimator = make_pipeline(FunctionTransformer(np.asarray), LogisticRegression(C=0.3))
    run = trained(store, frame, target="y", learner=estimator, settings=QUICK)
    folder = tmp_path / "locked"
    assay.lock(run, folder, data=frame, store=store)
    assert "learner: locked_learner:make" in (folder / "experiment.yaml").read_text()
    done = assay.reproduce(folder, store=MemoryStore(), workers=1)
    assert (done.verdict, done.run.learner) == ("identical", run.learner)
    again = trained(MemoryStore(), folder / "experiment.yaml")
    assert again.metrics == run.metrics


def test_packages_are_pinned_to_what_they_were(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    path = store.fetch(run.run_id, "run.json", tmp_path)
    record = json.loads(path.read_text())
    record["provenance"]["all packages"] |= {"scipy": "1.16.1"}
    path.write_text(json.dumps(record))
    store.attach(run.run_id).artifact(path)
    folder = tmp_path / "locked"
    locked = assay.lock(run.run_id, folder, store=store)
    first, *pins = (folder / "requirements.txt").read_text().splitlines()
    assert first.startswith("./assay_ml-")
    assert len(pins) + 1 == locked.n_packages
    pinned = {each.name: str(each.specifier) for each in map(Requirement, pins)}
    assert pinned["scipy"] == "==1.16.1"
    assert pinned["scikit-learn"] == f"=={version('scikit-learn')}"
    assert {"filelock", "mlflow-skinny", "joblib"} <= set(pinned)
    assert not {"pytest", "ruff", "lightgbm"} & set(pinned)


def test_the_wheel_is_one(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    assay.lock(run, tmp_path / "locked", store=store)
    [path] = (tmp_path / "locked").glob("*.whl")
    with ZipFile(path) as wheel:
        names = wheel.namelist()
        assert "assay/lifecycle.py" in names
        assert not [each for each in names if "__pycache__" in each]
        [record] = [each for each in names if each.endswith(".dist-info/RECORD")]
        for name, digest, size in csv.reader(wheel.read(record).decode().splitlines()):
            if name == record:
                continue
            data = wheel.read(name)
            own_digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            assert digest == f"sha256={own_digest.decode()}"
            assert int(size) == len(data)
        about = record.removesuffix("RECORD")
        assert "assay = assay.cli.main:main" in wheel.read(f"{about}entry_points.txt").decode()
        assert "Requires-Dist: filelock" in wheel.read(f"{about}METADATA").decode()
    assay.lock(run, tmp_path / "again", store=store)
    assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_folder_that_is_not_empty_is_left_alone(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    with pytest.raises(InputError, match="project is there already, and not empty") as told:
        assay.lock(run, own.parent, store=store)
    assert told.value.mend == "name another folder: --to FOLDER"
    assert own.exists()
    (tmp_path / "empty").mkdir()
    assay.lock(run, tmp_path / "empty", store=store)
    assert (tmp_path / "empty" / "reproduce.sh").stat().st_mode & 0o100


def test_code_that_was_changed_since_is_not_locked(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    (own.parent / "helping" / "depth.py").write_text("DEPTH = 3\n")
    with pytest.raises(LearnerError, match=r"is not what it was: helping/depth\.py"):
        assay.lock(run, tmp_path / "locked", store=store)
    left = [path.name for path in tmp_path.iterdir() if "locked" in path.name]
    assert left == [], "what was begun is cleared away"


def test_a_learner_that_cannot_be_recorded_cannot_be_locked(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(store, frame, target="y", learner=FakeLearner(), settings=QUICK)
    with pytest.raises(LearnerError, match="handed over as an object") as told:
        assay.lock(run, tmp_path / "locked", data=frame, store=store)
    assert "module:factory" in told.value.mend


def test_a_folder_that_was_tampered_with_is_told_as_such(own: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    run = trained(store, own)
    folder = tmp_path / "locked"
    assay.lock(run, folder, store=store)
    data = folder / "data.parquet"
    pd.read_parquet(data).head(100).to_parquet(data)
    for path in tmp_path.glob("workspace/snapshots/*"):
        path.unlink()
    with pytest.raises(DataError, match="is not to be found") as told:
        assay.reproduce(folder, store=MemoryStore())
    assert "data.parquet has changed: 240 rows then, 100 now" in told.value.where
    (folder / "run.json").unlink()
    with pytest.raises(NotFoundError, match=r"The locked folder has no run\.json"):
        assay.reproduce(folder, store=MemoryStore())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_it_trains_in_a_clean_environment(project: Path, tmp_path: Path) -> None:
    """The whole promise: a new virtual environment, the folder, one command, the same bits."""
    store = MemoryStore()
    run = trained(store, experiment(project, "linear"))
    folder = tmp_path / "locked"
    assay.lock(run, folder, store=store)
    own = ("PYTHONPATH", "ASSAY_WORKSPACE", "VIRTUAL_ENV")
    done = subprocess.run(
        ["sh", "reproduce.sh", "--json"], cwd=folder, capture_output=True, text=True, check=False,
        env={**{k: v for k, v in os.environ.items() if k not in own}, "PYTHON": sys.executable},
    )  # fmt: skip
    if "No matching distribution" in done.stderr or "Could not find a version" in done.stderr:
        pytest.skip(f"pip reaches no index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"] == "identical"
    # this process may have loaded its libraries before there was a limit to their threads
    assert {each["kind"] for each in said["changes"]} <= {"back ends"}
    assert {each["difference"] for each in said["compared"]} == {0.0}
    there = subprocess.run(
        [folder / ".venv/bin/python", "-c", "import assay; print(assay.__file__)"],
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    assert str(folder) in there.stdout
