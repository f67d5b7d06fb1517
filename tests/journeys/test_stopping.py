"""Ctrl-C and termination in the middle of a fold: the run is kept, the workspace stays usable."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from assay import lifecycle
from tests.conftest import EXAMPLES
from tests.journeys.terminal import stopped


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "status", "reason"),
    [(signal.SIGINT, 130, "stopped by Ctrl-C"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stopped_run_is_kept(
    by: signal.Signals, status: int, reason: str, workers: str, workspace: Path
) -> None:
    experiment = str(EXAMPLES / "adult.yaml")
    said = stopped(["train", experiment, "--workers", workers], by, once="Fitting")
    assert said.status == status, said.err
    assert "Traceback" not in said.err
    assert "What was done so far is kept" in said.err
    assert said.out == ""

    [record] = lifecycle.runs()
    assert (record.status, record.reason) == ("interrupted", reason)
    assert not list(workspace.glob("scratch-*"))
    assert _workers_of(workspace) == []

    run = lifecycle.train(EXAMPLES / "penguins.yaml", overrides=["training.seeds=1"])
    assert run.report.exists()


def _workers_of(workspace: Path) -> list[str]:
    """Processes that still know the workspace."""
    listed = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(workspace) in line]
