"""What is secret is in no file of the workspace, in no parameter, and in no message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

import assay
from assay import logbook
from assay.data.schema import Task
from assay.errors import TrackingError
from assay.place import Place
from assay.tracking.memory import MemoryStore
from assay.tracking.mlflow import MlflowStore
from assay.tracking.recorder import Status
from assay.workspace import Workspace
from tests.fakes import FakeLearner
from tests.tables import table

SECRET = "hunter-two"
TEXT = """\
name: income
data: {source: "${FOLDER}/t.parquet", target: y}
model: {learner: linear, options: {C: "${STRENGTH}"}}
training: {seeds: 1}
evaluation: {resamples: 200}
checks: {accept: {AS302: "because of ${REASON}"}}
tracking: {uri: URI}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the experiment; its table lies in one that is called by the secret."""
    folder = tmp_path / "project"
    (tmp_path / SECRET).mkdir()
    folder.mkdir()
    table(Task.BINARY).to_parquet(tmp_path / SECRET / "t.parquet")
    monkeypatch.setenv("FOLDER", str(tmp_path / SECRET))
    monkeypatch.setenv("REASON", SECRET)
    monkeypatch.setenv("PW", SECRET)
    monkeypatch.setenv("STRENGTH", "0.0625")
    monkeypatch.chdir(folder)
    return folder


def experiment(folder: Path, uri: str) -> Path:
    path = folder / "income.yaml"
    path.write_text(TEXT.replace("URI", uri))
    return path


def files_with(folder: Path, secret: str) -> list[str]:
    """Files in which the secret is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if secret.encode() in path.read_bytes()]


def test_no_file_and_no_parameter_holds_what_a_variable_stood_for(
    folder: Path, workspace: Path
) -> None:
    run = assay.train(experiment(folder, "null"))
    assert run.report.exists()
    assert files_with(workspace, SECRET) == []
    [record] = logbook.runs()
    assert record.params["data.source"] == "${FOLDER}/t.parquet"
    assert record.params["model.options.C"] == "${STRENGTH}"
    assert run.options["model.options.C"] == "${STRENGTH}"


@pytest.mark.parametrize(
    ("written", "recorded"),
    [
        ("http://me:${PW}@tracking.invalid", "http://me:${PW}@tracking.invalid"),
        (f"http://me:{SECRET}@tracking.invalid", "http://***@tracking.invalid"),
    ],
)
def test_no_file_holds_the_credentials_of_the_store(
    folder: Path, workspace: Path, written: str, recorded: str
) -> None:
    store = MemoryStore()
    run = assay.train(experiment(folder, f'"{written}"'), learner=FakeLearner(), store=store)
    assert store.get(run.run_id).params["tracking.uri"] == recorded
    assert run.options["tracking.uri"] == recorded
    assert recorded in run.experiment_text
    assert recorded in run.report.read_text()
    assert files_with(workspace, SECRET) == []
    assert files_with(store.folder(run.run_id), SECRET) == []
    assert SECRET not in json.dumps(run.as_dict(), default=str)


def test_a_store_that_fails_tells_no_credentials(folder: Path) -> None:
    with pytest.raises(TrackingError, match="cannot be reached") as caught:
        assay.train(experiment(folder, '"http://me:${PW}@127.0.0.1:9"'))
    assert SECRET not in str(caught.value)
    assert "http://***@127.0.0.1:9" in caught.value.where


def remembering(workspace: Path, address: str) -> Path:
    folder = Workspace(workspace)
    folder.ensure().remember(address)
    return workspace / "tracking-uri"


def test_the_remembered_store_is_found_with_the_password_of_the_environment(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = remembering(workspace, "http://me:${PW}@host")
    assert path.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("PW", SECRET)
    place = Place.to_find()
    assert (place.uri, place.address) == (f"http://me:{SECRET}@host", "http://me:${PW}@host")
    monkeypatch.delenv("PW")
    with pytest.raises(TrackingError, match="variable PW, which is not set") as caught:
        Place.to_find()
    assert caught.value.mend == "export PW=..."


def test_a_password_that_was_spelled_out_is_asked_for_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = MemoryStore()
    for name in ("begin", "get", "attach"):
        asked = getattr(there, name)
        monkeypatch.setattr(MlflowStore, name, lambda self, *given, asked=asked: asked(*given))
    recorder = Place.to_begin(f"http://me:{SECRET}@host", None).begin("income", "linear", {})
    recorder.finish(Status.FINISHED)
    assert (workspace / "tracking-uri").read_text() == "http://***@host"
    with pytest.raises(TrackingError, match="needs a password") as caught:
        Place.to_find()
    assert "export MLFLOW_TRACKING_URI=" in caught.value.mend
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{SECRET}@host")
    assert Place.to_find().uri == f"http://me:{SECRET}@host"


def test_a_workspace_below_a_folder_of_an_odd_name_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "api_key=${x} $${y}" / ".assay"
    monkeypatch.setenv("ASSAY_WORKSPACE", str(odd))
    place = Place.to_begin(None, None)
    assert place.uri == place.address == f"sqlite:///{odd / 'mlflow.db'}"
    assert Place.to_find().uri == place.uri


def planted() -> dict[str, str]:
    """A secret for every place; made up here, for the diff of this file is provenance too."""
    places = (
        "variable",
        "command",
        "config",
        "address",
        "changed",
        "untracked",
        "raised",
        "warned",
    )
    keys = {place: f"ghp_{token_hex(18)}" for place in places}
    return {**keys, "variable": token_hex(9), "address": token_hex(9), "config": token_hex(9)}


LEARNER = """\
import os, warnings
import numpy as np
from sklearn.dummy import DummyClassifier

api_key = "CHANGED"

class Talkative(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        warnings.warn("no access with " + os.environ["MY_API_TOKEN"] + " and WARNED")
        if os.environ.get("FAILS"):
            raise RuntimeError("refused: " + os.environ["MY_API_TOKEN"] + " and RAISED")
        return super().fit(X, y)

def made():
    return Talkative()
"""
CLI = "from assay.cli.main import main; main()"
PROJECT = """\
data: {source: t.parquet, target: y}
model: {learner: "mine:made"}
training: {seeds: 1}
evaluation: {resamples: 200}
checks: {accept: {AS302: "token: CONFIG, see http://me:ADDRESS@host"}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, dict]]:
    """A repository with a secret wherever one can be; and these."""
    secrets, folder = planted(), tmp_path / "project"
    folder.mkdir()
    table(Task.BINARY).to_parquet(folder / "t.parquet")
    (folder / "mine.py").write_text("")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init"], ["add", "mine.py"], ["commit", "-m", "first"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)
    learner, experiment = LEARNER, PROJECT
    for place, secret in secrets.items():
        learner = learner.replace(place.upper(), secret)
        experiment = experiment.replace(place.upper(), secret)
    (folder / "mine.py").write_text(learner)
    (folder / "notes.py").write_text(f"connect('{secrets['untracked']}')\n")
    (folder / "t.yaml").write_text(experiment)
    monkeypatch.setenv("MY_API_TOKEN", secrets["variable"])
    monkeypatch.setenv("DATABASE_PASSWORD", secrets["address"])
    monkeypatch.chdir(folder)
    yield folder, secrets
    sys.modules.pop("mine", None)
    sys.path[:] = [each for each in sys.path if each != str(folder)]


def leaks(workspace: Path, secrets: dict[str, str]) -> dict[str, list[str]]:
    found = {place: files_with(workspace, secret) for place, secret in secrets.items()}
    return {place: files for place, files in found.items() if files}


@pytest.mark.parametrize("fails", [False, True])
def test_a_secret_planted_anywhere_is_in_no_file_of_the_workspace(
    project: tuple[Path, dict], workspace: Path, fails: bool
) -> None:
    folder, secrets = project
    command = f"--set=checks.accept.AS301='{secrets['command']}'"
    done = subprocess.run(
        [sys.executable, "-c", CLI, "train", "t.yaml", "--workers", "1", command],
        cwd=folder,
        env={**os.environ, "FAILS": "1" if fails else ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (2 if fails else 0), done.stderr
    assert leaks(workspace, secrets) == {}
    [record] = logbook.runs()
    assert (record.reason != "") is fails
    assert "***" in (record.reason if fails else record.params["checks.accept.AS302"])


def test_nor_does_training_in_python_write_one(project: tuple[Path, dict], workspace: Path) -> None:
    _, secrets = project
    run = assay.train("t.yaml", workers=1)
    assert any("no access with ***" in warned for warned in run.warned)
    assert '+api_key = "***"' in run.provenance["git"]["diff"]
    assert "+connect('***')" in run.provenance["git"]["diff"]
    assert leaks(workspace, secrets) == {}


def test_the_files_of_a_workspace_are_their_owners(folder: Path, workspace: Path) -> None:
    before = os.umask(0o022)
    try:
        run = assay.train(experiment(folder, "null"))
        assay.evaluate(run, on="test")
        assay.register(run)
        after = os.umask(0o022)
    finally:
        os.umask(before)
    assert after == 0o022
    modes = {path: path.stat().st_mode & 0o777 for path in workspace.rglob("*")}
    modes.pop(workspace / "mlflow.db")  # the fixture's copy
    assert len(modes) > 20
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
