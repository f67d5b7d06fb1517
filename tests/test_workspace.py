"""The workspace: found like a repository, its owner's alone, clean however the work ends."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.workspace import (
    Workspace,
    atomic_write,
    file_name,
    forget_all_but_newest,
    private,
)


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


_WORKER = """
import sys, time
from pathlib import Path
from assay.workspace import Workspace

with Workspace(Path(sys.argv[1])).scratch() as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    time.sleep(60)
"""


@contextmanager
def working(workspace: Workspace) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that works in a scratch folder."""
    command = [sys.executable, "-c", _WORKER, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            yield worker, Path(worker.stdout.readline().strip())
        finally:
            worker.kill()


def test_what_killed_processes_left_is_swept_and_what_live_ones_use_is_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ".assay").ensure()
    with working(workspace) as (worker, folder), workspace.scratch() as own:
        with workspace.scratch():
            assert (folder / "file").exists()
            assert own.exists(), "that of the same process neither"
        worker.kill()
        worker.wait()
        assert folder.exists()
        with workspace.scratch():
            assert not folder.exists()
            assert own.exists()
    assert [path.name for path in workspace.root.iterdir()] == [".gitignore"]


def test_scratch_of_another_host_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / ".assay").ensure()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with workspace.scratch() as folder:
        monkeypatch.setattr(socket, "gethostname", lambda: "here")
        # A lock that is not seen from another host is as good as none.
        folder.with_name(f"{folder.name}.lock").unlink()
        with workspace.scratch() as own:
            assert "here" in own.name
            assert folder.exists()


def test_where_no_file_can_be_locked_one_can_work_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("assay.workspace.FileLock", refused)
    workspace = Workspace(tmp_path / ".assay")
    with workspace.scratch() as first, workspace.scratch():
        assert first.exists()
    assert not first.exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    atomic_write(path, "first")
    with pytest.raises(TypeError):
        atomic_write(path, None)
    assert path.read_text() == "first"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]
    atomic_write(path, b"second")
    assert path.read_text() == "second"
    atomic_write(path, "third", mode=0o600)
    assert path.stat().st_mode & 0o077 == 0


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


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("was", ["absent", "empty", "in use", "opened"])
def test_a_new_workspace_is_private_and_an_opened_one_stays_open(tmp_path: Path, was: str) -> None:
    workspace = Workspace(tmp_path / "work")
    if was != "absent":
        workspace.root.mkdir()
        workspace.root.chmod(0o755)
    if was == "in use":
        (workspace.root / "mine.txt").touch()
    if was == "opened":
        workspace.ensure().root.chmod(0o750)
    workspace.ensure()
    wanted = {"absent": 0o700, "empty": 0o700, "in use": 0o755, "opened": 0o750}
    assert mode(workspace.root) == wanted[was]
    assert mode(workspace.root / ".gitignore") == 0o600


def test_files_are_private_while_one_works_and_as_usual_afterwards(tmp_path: Path) -> None:
    @private()
    def fails() -> None:
        (tmp_path / "within").touch()
        raise KeyError

    before = os.umask(0o022)
    try:
        first, second = private(), private()
        with pytest.raises(KeyError):
            fails()
        (tmp_path / "after").touch()
        # As two verbs in two threads may overlap: however they end, the usual comes back.
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        (tmp_path / "later").touch()
    finally:
        os.umask(before)
    modes = [mode(tmp_path / name) for name in ("within", "after", "later")]
    assert modes == [0o600, 0o644, 0o644]


@pytest.mark.parametrize("when", ["before it is looked at", "before it is removed"])
def test_of_a_cache_the_newest_stay_though_another_process_removes_some(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        (tmp_path / f"{n}.npy").touch()
        os.utime(tmp_path / f"{n}.npy", (n, n))
    (tmp_path / "other").touch()
    name = "stat" if when == "before it is looked at" else "unlink"
    then = getattr(Path, name)

    def late(path: Path, **given: object) -> object:
        if path.name == "0.npy" and path.parent == tmp_path:
            os.unlink(path)  # noqa: PTH108
        return then(path, **given)

    with monkeypatch.context() as patched:
        patched.setattr(Path, name, late)
        forget_all_but_newest(tmp_path, "*.npy", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4.npy", "5.npy", "other"]
    forget_all_but_newest(tmp_path / "none", "*.npy", 2)
