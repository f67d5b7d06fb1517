"""What nobody expected: exit 70 and one line, the traceback in a file, the run kept as failed."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from assay import logbook
from assay.data.schema import Task
from assay.errors import DataError
from tests.journeys.terminal import Terminal
from tests.tables import table

OWN_LEARNER = """\
from sklearn.linear_model import LogisticRegression

class Mine(LogisticRegression):
    def fit(self, X, y):
        raise RuntimeError("out of luck")
"""


def experiment(folder: Path, learner: str = "linear") -> str:
    table(Task.BINARY).to_parquet(folder / "t.parquet")
    path = folder / "income.yaml"
    path.write_text(
        f"data: {{source: t.parquet, target: y}}\nmodel: {{learner: {learner}}}\n"
        "training: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    return str(path)


def failing(error: BaseException) -> Mock:
    """Fails whatever it is called with, and not in a line of these tests."""
    return Mock(side_effect=error)


def test_a_bug_is_told_in_one_line_and_kept(
    terminal: Terminal, tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = ZeroDivisionError("at http://me:hunter2@host")
    monkeypatch.setattr("assay.steps.judge", failing(bug))
    said = terminal("train", experiment(tmp_path), "-q", "--json")
    assert said.status == 70
    assert said.out == ""
    first, where, mend = said.err.splitlines()
    assert first == "This is a bug in Assay: ZeroDivisionError: at http://***@host"
    assert mend.startswith("  mend:  report it")
    [path] = (workspace / "tracebacks").iterdir()
    assert f"traceback in {path}" in where
    text = path.read_text()
    assert text.startswith("assay train ")
    assert "Traceback (most recent call last)" in text
    assert "in train" in text
    assert "hunter2" not in text
    assert path.stat().st_mode & 0o077 == 0
    [run] = logbook.runs()
    assert (run.status, run.reason) == ("failed", "ZeroDivisionError: at http://***@host")


def test_the_traceback_is_shown_where_that_is_asked_for(
    terminal: Terminal, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DEBUG", "1")
    monkeypatch.setattr("assay.logbook.runs", failing(KeyError("x")))
    said = terminal("runs")
    assert said.status == 70
    assert "This is a bug in Assay: KeyError: 'x'" in said.err
    assert "Traceback (most recent call last)" in said.err
    assert not (workspace / "tracebacks").exists()


def test_without_a_workspace_none_is_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("assay.logbook.runs", failing(KeyError("x")))
    said = terminal("runs")
    assert said.status == 70
    [path] = tmp_path.glob("assay-*.txt")
    assert str(path) in said.err
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_error_in_ones_own_learner_is_not_called_a_bug_of_ours(
    terminal: Terminal, tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch,
    workers: str,
) -> None:  # fmt: skip
    module = f"mine_{workers}"
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / f"{module}.py").write_text(OWN_LEARNER)
    path = experiment(tmp_path, f"{module}:Mine")
    said = terminal("train", path, "-q", "--workers", workers)
    assert said.status == 2
    assert "bug in Assay" not in said.err
    assert "out of luck" in said.err
    [run] = logbook.runs()
    assert run.status == "failed"


@pytest.mark.parametrize(
    ("error", "told", "mend"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.db"), "No space left", "free some"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.db"),
            "Permission denied",
            "owns it",
        ),
        (MemoryError(), "not enough memory", "--workers 1"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(
    terminal: Terminal, workspace: Path, monkeypatch: pytest.MonkeyPatch, error: Exception,
    told: str, mend: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("assay.logbook.runs", failing(error))
    said = terminal("runs")
    assert said.status == 2
    assert told in said.err
    assert mend in said.err
    assert "Traceback" not in said.err
    assert not (workspace / "tracebacks").exists()


def test_what_could_not_be_recorded_is_said_after_what_happened(
    terminal: Terminal, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, status in ((KeyboardInterrupt(), 130), (DataError("what", mend="mend"), 2)):
        error.add_note("The run could not be marked as failed: gone")
        monkeypatch.setattr("assay.logbook.runs", failing(error))
        said = terminal("runs")
        assert said.status == status
        assert said.err.rstrip().endswith("The run could not be marked as failed: gone")


def test_a_bug_is_kept_whatever_it_quotes(
    terminal: Terminal, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.logbook.runs", failing(RuntimeError("bad \udcff")))
    assert terminal("runs").status == 70
    [path] = (workspace / "tracebacks").iterdir()
    assert path.read_text(encoding="utf-8").endswith("RuntimeError: bad \\udcff\n")
