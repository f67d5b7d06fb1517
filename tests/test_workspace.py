"""The workspace: found like a repository, its owner's alone, clean however the work ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.workspace import Workspace, atomic_write, file_name


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_WORKSPACE")


def test_it_is_found_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / ".assay").mkdir()
    assert Workspace.find(deep).root == tmp_path / ".assay"
    (tmp_path / "a" / ".assay").mkdir()
    assert Workspace.find(deep).root == tmp_path / "a" / ".assay"
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "named"))
    assert Workspace.find(deep).root == tmp_path / "named"


def test_finding_creates_nothing(tmp_path: Path) -> None:
    workspace = Workspace.find(tmp_path)
    assert not workspace.exists
    assert list(tmp_path.iterdir()) == []


def test_it_is_its_owners_and_not_gits(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ".assay").ensure().ensure()
    assert workspace.root.stat().st_mode & 0o077 == 0
    assert (workspace.root / ".gitignore").read_text() == "*\n"


def test_scratch_is_gone_however_the_work_ends(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ".assay")
    with pytest.raises(KeyboardInterrupt), workspace.scratch() as folder:  # noqa: PT012
        (folder / "file").write_text("x")
        raise KeyboardInterrupt
    assert [path.name for path in workspace.root.iterdir()] == [".gitignore"]


def test_what_killed_processes_left_is_swept_and_what_live_ones_use_is_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ".assay").ensure()
    dead, alive = workspace.root / "scratch-999999-x", workspace.root / f"scratch-{os.getpid()}-x"
    dead.mkdir()
    alive.mkdir()
    with workspace.scratch():
        assert not dead.exists()
        assert alive.exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    atomic_write(path, "first")
    with pytest.raises(TypeError):
        atomic_write(path, None)
    assert path.read_text() == "first"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]
    atomic_write(path, b"second")
    assert path.read_text() == "second"


@pytest.mark.parametrize(
    "name", ["income", "boosting-learning_rate=0.1", "Überleben", "two words", "_x", "a" * 120]
)
def test_an_ordinary_name_is_its_own_file_name(name: str) -> None:
    assert file_name(name) == name


@given(st.lists(st.text() | st.sampled_from(["..", ".", "", "a/b", "a_b", "/abs", "~", "a\0b"])))
def test_a_file_name_is_one_and_different_names_never_meet(names: list[str]) -> None:
    files = [file_name(name) for name in names]
    for file in files:
        assert Path(file).name == file
        assert not file.startswith(".")
        assert 0 < len(file.encode()) <= 140
    assert len(set(files)) == len(set(names))


def test_a_file_name_can_be_written(tmp_path: Path) -> None:
    for name in ("../../x", "/abs", "Bob's churn", "a/b", "日本" * 100, "x" * 200, "\ud800", "\n"):
        (tmp_path / f"{file_name(name)}.html").write_text(name, errors="replace")
    assert len(list(tmp_path.glob("*.html"))) == 8
