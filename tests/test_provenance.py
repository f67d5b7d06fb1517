"""Provenance: commit and uncommitted changes, packages, hardware; no secrets, no imports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
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
    assert about["packages"].items() <= about["all packages"].items()
    assert about["hardware"]["cores"] >= 1
    assert about["locale"]
    assert about["time zone"]


def test_every_installed_distribution_is_known_as_it_is_imported() -> None:
    known = provenance.collect(Path())["all packages"]
    for name in ("numpy", "pytest", "ruamel-yaml", "scikit-learn"):
        assert known[name] == metadata.version(name)
    names = {re.sub(r"[-_.]+", "-", each.name).lower() for each in metadata.distributions()}
    assert set(known) == names
    assert list(known) == sorted(known)


def test_where_a_package_is_from_is_known_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {
        "mine": {"url": "https://me:hunter2@host/mine.git", "vcs_info": {"commit_id": "abc"}},
        "here": {"url": "file:///home/me/here", "dir_info": {"editable": True}},
        "odd": "[",
    }
    for name, record in about.items():
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "direct_url.json").write_text(json.dumps(record) if name != "odd" else "[")
    monkeypatch.setattr("sys.path", [str(tmp_path), str(tmp_path / "missing")])
    known = provenance.collect(tmp_path)
    assert known["packages from elsewhere"] == {
        "here": "file:///home/me/here (editable)",
        "mine": "https://***@host/mine.git@abc",
    }
    assert known["all packages"] == {"here": "1.0", "mine": "1.0", "odd": "1.0"}


def test_the_libraries_that_numbers_come_from_are_known() -> None:
    known = provenance.back_ends()
    assert any("threads" in said for said in known.values())
    assert "blas of numpy" in known


def test_the_diff_applied_to_the_commit_is_the_project(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    git(here, "init", "-b", "trunk")
    (here / "a.py").write_text("x = 1\n")
    (here / ".gitignore").write_text("ignored.py\n")
    git(here, "add", ".")
    git(here, "commit", "-m", "first")
    git(tmp_path, "clone", str(here), str(there))
    written = {
        "a.py": "x = 2\n",
        "new.py": "def f(key):\n    return sorted([], key=len)\n",
        "sub/deep er.py": "no end of line",
        "sub/empty.py": "",
        "zoë.py": "y = 'ü'\r\nz = 1\n",
    }
    (here / "sub").mkdir()
    for name, text in written.items():
        (here / name).write_bytes(text.encode())
    (here / "ignored.py").write_text("")
    (here / "notes.txt").write_text("mine")
    (here / "big.py").write_text("#" * (1 << 17))
    about = provenance.git(here)
    assert {"new.py", "sub/", "notes.txt", "big.py", "zoë.py"} == set(about["untracked"])
    assert "diff_masked" not in about
    (tmp_path / "p.patch").write_bytes(about["diff"].encode())
    git(there, "apply", str(tmp_path / "p.patch"))
    for name, text in written.items():
        assert (there / name).read_bytes() == text.encode(), name
    assert not (there / "big.py").exists()


def test_a_diff_in_which_something_was_hidden_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    (tmp_path / "a.py").write_text("password = 'hunter2'\n")
    about = provenance.git(tmp_path)
    assert about["diff_masked"] is True
    assert "+password = '***'" in about["diff"]


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


@pytest.mark.skipif(sys.platform == "win32", reason="no accounts of POSIX")
def test_who_answers_is_the_account_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pwd

    own = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setenv("LOGNAME", own)
    assert provenance.account() == own
    monkeypatch.setenv("LOGNAME", "boss\n\udcff")
    assert provenance.account() == f"{own} (boss??)"
