"""What a machine does to a run: a full disk, a folder that cannot be written, a killed worker.

Each time a clear end, the run kept, the workspace usable. The disks are real file systems in
memory, mounted where only the command under test sees them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from assay import lifecycle, logbook
from assay.errors import LearnerError
from tests.conftest import EXAMPLES
from tests.journeys.terminal import Said
from tests.worker_processes import workers_of

TRAIN = "assay train penguins.yaml --set training.seeds=1 --quiet"
DRIVER = """
import json, os, shlex, subprocess, sys, tempfile
# what takes long, once: each command has a process of its own
import mlflow.pyfunc, mlflow.store.tracking.sqlalchemy_store
import sklearn.calibration, sklearn.ensemble, sklearn.inspection, sklearn.pipeline
import assay.lifecycle
from assay.cli.main import main
from assay.learners.trust import skops_io

skops_io()

def said(words):
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        if words[0] != "assay":
            status = subprocess.run(words, stdout=out, stderr=err).returncode
        elif child := os.fork():
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = words
            main()
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read().strip()

print(json.dumps([said(shlex.split(each)) for each in sys.argv[1:]]))
"""


def can_mount() -> bool:
    """Whether file systems may be mounted in a name space of one's own."""
    if shutil.which("unshare") is None:
        return False
    asked = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an experiment and an empty folder `disk`, where the workspace goes."""
    if not can_mount():
        pytest.skip("no file system may be mounted here")
    for name in ("penguins.yaml", "penguins.parquet"):
        shutil.copy(EXAMPLES / name, tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setenv("ASSAY_WORKSPACE", str(disk / "workspace"))
    monkeypatch.chdir(tmp_path)
    return disk


def said_of(*commands: str) -> list[Said]:
    """What each command says, in one name space of their own."""
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", DRIVER, *commands],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [Said(*each) for each in json.loads(done.stdout)]


@pytest.mark.slow
@pytest.mark.parametrize("kib", [64, 1200, 1600, 2100])
def test_a_full_disk_ends_a_run_clearly(mounted: Path, kib: int) -> None:
    """Full before the run is begun, while it is trained, and while its model is kept."""
    _, full, _, listed, again = said_of(
        f"mount -t tmpfs -o size={kib}k tmpfs {mounted}",
        TRAIN,
        f"mount -o remount,size=100m {mounted}",
        "assay runs --json",
        TRAIN,
    )
    assert full.status == 2, full.err
    assert "Traceback" not in full.err
    assert "full" in full.err or "No space left" in full.err
    assert "free some space" in full.err
    kept = listed.json["runs"]
    assert [each["status"] for each in kept] in ([], ["failed"])
    if kept:
        assert kept[0]["reason"]
    assert again.status == 0, again.err


@pytest.mark.slow
def test_a_workspace_that_cannot_be_written_can_be_read(mounted: Path) -> None:
    _, _, _, _, train, listed, shown, predicted, tested, page, _, after = said_of(
        f"mount -t tmpfs -o size=100m tmpfs {mounted}",
        TRAIN,
        "assay register last --as p",
        f"mount -o remount,ro {mounted}",
        TRAIN,
        "assay runs --json",
        "assay evaluate last --json",
        "assay predict p penguins.parquet --out out.csv",
        "assay evaluate last --on test",
        "assay report last",
        f"mount -o remount,rw {mounted}",
        "assay evaluate last --on test --json",
    )
    for refused in (train, tested, page):
        assert refused.status == 2, refused
        assert "Read-only file system" in refused.err
        assert "Traceback" not in refused.err
    assert [each["status"] for each in listed.json["runs"]] == ["finished"]
    assert shown.status == 0, shown.err
    assert predicted.status == 0, predicted.err
    assert after.json["looks"] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_worker_ends_the_run_clearly(workspace: Path) -> None:
    """As the kernel does it where memory is short: one of two workers, in the middle of a fit."""

    def kill_one() -> None:
        for _ in range(600):
            workers = workers_of(psutil.Process())
            if len(workers) == 2:
                time.sleep(3)  # into the fits
                with suppress(psutil.NoSuchProcess):
                    workers[0].kill()
                return
            time.sleep(0.1)

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(LearnerError, match="killed in the middle of a fit: most likely memory"):
        lifecycle.train(EXAMPLES / "adult.yaml", workers=2, overrides=["training.seeds=3"])
    killer.join()
    [record] = logbook.runs()
    assert record.status == "failed"
    assert "memory ran out" in record.reason
    assert not list(workspace.glob("scratch-*"))
    run = lifecycle.train(EXAMPLES / "penguins.yaml", overrides=["training.seeds=1"])
    assert run.report.exists()
