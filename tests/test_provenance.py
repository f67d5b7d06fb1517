"""Provenance: commit and uncommitted changes, packages, hardware; no secrets, no imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay import provenance


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
    about = json.loads(json.dumps(provenance.collect(7, tmp_path)))
    assert about["seed"] == 7
    assert {"numpy", "scikit-learn", "assay-ml"} <= set(about["packages"])
    assert about["hardware"]["cores"] >= 1


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("assay train x.yaml", "assay train x.yaml"),
        ("--set tracking.password=abc next", "--set tracking.password=*** next"),
        ("API_KEY=abc run", "API_KEY=*** run"),
        ("http://me:secret@host/x", "http://***@host/x"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert provenance.masked(text) == masked


def test_it_imports_no_framework() -> None:
    code = (
        "from assay import provenance; from pathlib import Path; provenance.collect(0, Path())\n"
        "import sys; print([m for m in ('torch', 'sklearn', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
