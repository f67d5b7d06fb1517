"""Ctrl-C and termination in the middle of a fold: the run is kept, the workspace stays usable."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from assay import lifecycle, logbook
from tests.conftest import EXAMPLES
from tests.journeys.terminal import AS_IN_A_TERMINAL, stopped
from tests.worker_processes import workers_of


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

    [record] = logbook.runs()
    assert (record.status, record.reason) == ("interrupted", reason)
    assert not list(workspace.glob("scratch-*"))
    assert _workers_of(workspace) == []

    run = lifecycle.train(EXAMPLES / "penguins.yaml", overrides=["training.seeds=1"])
    assert run.report.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_workers_do_not_outlive_a_killed_run(workspace: Path) -> None:
    command = ["train", str(EXAMPLES / "adult.yaml"), "--workers", "2", "--seeds", "3"]
    process = psutil.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    workers: list[psutil.Process] = []
    try:
        for _ in range(600):
            children = process.children(recursive=True)
            workers = workers_of(process)
            if len(workers) == 2:
                break
            time.sleep(0.2)
        time.sleep(5)  # into the fits
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert (len(workers), alive) == (2, [])
    finally:
        for each in (process, *workers):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
    [record] = logbook.runs()
    assert (record.status, record.reason) == ("interrupted", "its process is gone")


def _workers_of(workspace: Path) -> list[str]:
    """Processes that still know the workspace."""
    listed = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(workspace) in line]
