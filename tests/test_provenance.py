"""Provenance: commit and uncommitted changes, packages, hardware; no secrets, no imports."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import assay
from assay import provenance
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.learners.protocol import FitContext
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Status
from tests.fakes import FakeLearner, FakeModel
from tests.tables import table


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_commit_and_uncommitted_changes_are_taken_down(tmp_path: Path) -> None:
    assert provenance.git(tmp_path) == {}
    git(tmp_path, "init", "-b", "trunk")
    (tmp_path / "file.txt").write_text("before\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    about = provenance.git(tmp_path)
    assert len(about["commit"]) == 40
    assert (about["branch"], about["uncommitted"]) == ("trunk", False)
    assert "diff" not in about
    (tmp_path / "file.txt").write_text("after\ntoken = abc123\n")
    about = provenance.git(tmp_path)
    assert about["uncommitted"] is True
    assert "-before" in about["diff"]
    assert "+after" in about["diff"]


def test_it_is_fit_for_json_and_names_what_numbers_depend_on(tmp_path: Path) -> None:
    about = json.loads(json.dumps(provenance.collect(tmp_path)))
    assert {"numpy", "scikit-learn", "assay-ml"} <= set(about["packages"])
    assert about["hardware"]["cores"] >= 1


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("assay train x.yaml", "assay train x.yaml"),
        ("--set tracking.password=abc next", "--set tracking.password=*** next"),
        ("API_KEY=abc run", "API_KEY=*** run"),
        ("http://me:secret@host/x", "http://***@host/x"),
        ("http://me:pass@word@host/x", "http://***@host/x"),
        ("postgresql://me:pass/word@host/x", "postgresql://***@host/x"),
        ("https://token-alone@host", "https://***@host"),
        ("postgresql://me@host/x", "postgresql://me@host/x"),
        ("http://me:${PASSWORD}@host", "http://me:${PASSWORD}@host"),
        ("http://me:${PASSWORD:-abc}@host", "http://***@host"),
        ("--set a.token=${TOKEN} b", "--set a.token=${TOKEN} b"),
        ("http://host:80/x and me@example.org", "http://host:80/x and me@example.org"),
        ("sqlite:////home/me@work/x.db", "sqlite:////home/me@work/x.db"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert provenance.masked(text) == masked


def test_it_imports_no_framework() -> None:
    code = (
        "from assay import provenance; from pathlib import Path; provenance.collect(Path())\n"
        "import sys; print([m for m in ('torch', 'sklearn', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


class Meddling(FakeLearner):
    """Changes the project while it is fitted, and takes its time; then fails if it is told to."""

    began: list[datetime] = []
    fails = False

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> FakeModel:
        if not self.began:
            self.began.append(datetime.now(UTC))
            Path("file.txt").write_text("after\n")
            time.sleep(1.1)
        if self.fails:
            raise RuntimeError("out of luck")
        return super().fit(train, validation, context)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without changes, in which one works."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "file.txt").write_text("before\n")
    git(folder, "init", "-b", "trunk")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Meddling, "began", [])
    return folder


def test_a_run_knows_how_things_were_when_it_began(project: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    settings = {"training": {"seeds": 1}}
    run = assay.train(table(Task.BINARY), target="y", learner=Meddling(), settings=settings,
                      store=store, checks=[])  # fmt: skip
    assert provenance.git(project)["uncommitted"] is True
    assert run.provenance["git"]["uncommitted"] is False
    [fitting] = Meddling.began
    assert datetime.fromisoformat(run.created) <= fitting
    kept = json.loads(store.fetch(run.run_id, "provenance.json", tmp_path).read_text())
    assert kept["created"] == run.created
    assert kept["seed"] == run.provenance["seed"] == 0
    assert kept["packages"] == run.provenance["packages"]
    assert kept["data fingerprint"] == run.fingerprint


@pytest.mark.parametrize("fails", ["a fit", "the vault"])
def test_a_failed_run_knows_it_too(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(Meddling, "fails", fails == "a fit")
    if fails == "the vault":
        monkeypatch.setattr("assay.data.vault.Vault.seal", broken)
    store = MemoryStore()
    with pytest.raises(RuntimeError, match="out of luck"):
        assay.train(table(Task.BINARY), target="y", learner=Meddling(), store=store, checks=[])
    [record] = store.runs()
    assert record.status is Status.FAILED
    about = json.loads(store.fetch(record.run_id, "provenance.json", tmp_path).read_text())
    assert len(about["git"]["commit"]) == 40
    assert {"packages", "hardware", "created", "seed"} <= set(about)
    assert store.fetch(record.run_id, "experiment.yaml", tmp_path).exists()
    assert record.params["data.target"] == "y"
