"""The disk of the store is full, or that of the spool: the run goes on, and all arrives once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_machine import can_mount

pytestmark = pytest.mark.slow


def recorded(tmp_path: Path, template: Path, small: str) -> str:
    """What a run says of which one of two disks, `store` and `spool`, gets full."""
    if not can_mount():
        pytest.skip("no file system may be mounted here")
    disks = {name: tmp_path / name for name in ("store", "spool")}
    for each in disks.values():
        each.mkdir()
    script = Path(__file__).with_name("disks.py")
    mounts = [f"mount -t tmpfs -o size={'8m' if n == small else '100m'} tmpfs {disks[n]}"
              for n in disks]  # fmt: skip
    names = f"{disks['store']} {disks['spool']} {disks[small]}"
    steps = [*mounts, f"cp {template} {disks['store']}/mlflow.db",
             f"{sys.executable} {script} {names}"]  # fmt: skip
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    done = subprocess.run(
        [shutil.which("unshare") or "unshare", "-rm", "sh", "-ec", "\n".join(steps)],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_disk_of_the_store_is_full_for_a_while(tmp_path: Path, template_database: Path) -> None:
    said = recorded(tmp_path, template_database, small="store").splitlines()
    assert said == ["full", "held 0", "told "]


def test_the_disk_of_the_spool_is_full_for_a_while(tmp_path: Path, template_database: Path) -> None:
    full, held, told = recorded(tmp_path, template_database, small="spool").splitlines()
    assert full == "full"
    assert int(held.split()[1]) > 100_000
    assert told.startswith("told The disk refuses what is recorded (")
    assert "it is held in memory, up to 64 MiB, and the run goes on. Free some space: " in told
    assert " | " not in told, "it is said once"
