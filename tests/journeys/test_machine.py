"""What a machine does to a run: a full disk, a folder that cannot be written, a killed worker.

Each time a clear end, the run kept, the workspace usable. The disks are real file systems in
memory, mounted where only the command under test sees them.
"""

from __future__ import annotations

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

ASSAY = f"{sys.executable} -c 'from assay.cli.main import main; main()'"
TRAIN = f"{ASSAY} train penguins.yaml --set training.seeds=1 --quiet"


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
    """What each command says, in one name space of their own; they are told apart by a mark."""
    mark = "=====next====="
    each = [f'{command}; s=$?; echo "{mark}$s"; echo "{mark}" >&2' for command in commands]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", "\n".join(each)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said, out, errors = [], done.stdout.split(mark), done.stderr.split(mark)
    for number in range(len(commands)):
        status = int(out[number + 1].split("\n")[0])
        said.append(Said(status, out[number].partition("\n")[2], errors[number].strip()))
    return said


@pytest.mark.slow
@pytest.mark.parametrize("kib", [64, 1200, 1600, 2100])
def test_a_full_disk_ends_a_run_clearly(mounted: Path, kib: int) -> None:
    """Full before the run is begun, while it is trained, and while its model is kept."""
    _, full, _, listed, again = said_of(
        f"mount -t tmpfs -o size={kib}k tmpfs {mounted}",
        TRAIN,
        f"mount -o remount,size=100m {mounted}",
        f"{ASSAY} runs --json",
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
        f"{ASSAY} register last --as p",
        f"mount -o remount,ro {mounted}",
        TRAIN,
        f"{ASSAY} runs --json",
        f"{ASSAY} evaluate last --json",
        f"{ASSAY} predict p penguins.parquet --out out.csv",
        f"{ASSAY} evaluate last --on test",
        f"{ASSAY} report last",
        f"mount -o remount,rw {mounted}",
        f"{ASSAY} evaluate last --on test --json",
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
            workers = []
            for each in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):  # it may be gone by now
                    workers += [each] if "LokyProcess" in " ".join(each.cmdline()) else []
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
