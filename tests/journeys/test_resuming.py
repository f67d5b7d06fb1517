"""A run that is killed or stopped in the middle of a fit goes on under its id: nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay import logbook
from assay.data.schema import Task
from assay.place import Place
from tests.journeys.terminal import AS_IN_A_TERMINAL, Terminal
from tests.tables import table

EPOCHS = 6
EXPERIMENT = """
data: {source: table.csv, target: y}
model: {learner: "tests.fakes:FakeStepping", options: {pause_s: PAUSE, measured: measured}}
training: {epochs: 6}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table, an experiment, and what the learner 'measures'."""
    table(Task.BINARY).to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "slow.yaml").write_text(EXPERIMENT.replace("PAUSE", "1.0"))
    (tmp_path / "measured").write_text("fast")
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", f"{root / 'src'}:{root}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recorded_epochs(workspace: Path) -> list[int]:
    """Epochs whose loss is on the disk, whatever the store has been told."""
    lines = [
        line
        for log in workspace.glob("spool/*/log.jsonl")
        for line in log.read_text().splitlines()
        if "training_loss" in line
    ]
    return [json.loads(line)[3] for line in lines]


def ended(by: signal.Signals, workspace: Path, after: int) -> tuple[int, str]:
    """Train in a process of its own until so many epochs are on the disk, then end it."""
    process = subprocess.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, "train", "slow.yaml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 240
        while len(recorded_epochs(workspace)) < after:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(by)
        _, said = process.communicate(timeout=120)
        return process.returncode, said
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "status", "reason"),
    [
        (signal.SIGKILL, -9, "its process is gone"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGINT, 130, "stopped by Ctrl-C"),
    ],
)
def test_a_run_that_was_ended_goes_on_under_its_id(
    by: signal.Signals,
    status: int,
    reason: str,
    project: Path,
    workspace: Path,
    terminal: Terminal,
) -> None:
    returned, said = ended(by, workspace, after=3)
    assert returned == status, said
    if by is not signal.SIGKILL:
        assert "To go on with it: assay train --resume slow/" in said
    [record] = logbook.runs()
    assert (record.status, record.reason) == ("interrupted", reason)
    folder = workspace / "checkpoints" / record.run_id
    assert (folder / "fit" / "state.json").exists()
    (project / "measured").write_text("slow")

    resumed = terminal("train", "--resume", "last", "--json")
    assert resumed.status == 0, resumed.err
    assert (resumed.json["run_id"], resumed.json["rows"]) == (record.run_id, "validation")
    [record] = logbook.runs()
    assert (record.status, record.reason) == ("finished", "")
    store = Place.to_find().store
    [child] = store.children(record.run_id)
    for name in ("training_loss", "share"):
        steps = [step for step, _ in store.history(child.run_id, name)]
        assert steps == list(range(1, EPOCHS + 1))
    assert child.params["chosen.pace"] == '"fast"'
    assert not folder.exists()
    again = terminal("train", "--resume", "last")
    assert (again.status, "has finished" in again.err) == (2, True)

    reproduced = terminal("reproduce", "last", "--json")
    assert reproduced.status == 0, reproduced.out + reproduced.err
    assert reproduced.json["verdict"].startswith("identical")
    [what] = [each for each in reproduced.json["compared"] if "predictions" in each["what"]][:1]
    assert (what["what"], what["verdict"]) == ("validation predictions", "identical")


def test_what_is_resumed_is_no_experiment(terminal: Terminal, project: Path) -> None:
    assert project.is_dir()
    for arguments in (["train"], ["train", "slow.yaml", "--resume", "last"]):
        said = terminal(*arguments)
        assert (said.status, "Give an EXPERIMENT, or --resume RUN" in said.err) == (2, True)
    nobody = terminal("train", "--resume", "last")
    assert nobody.status == 2
    assert "nothing has been trained" in nobody.err
