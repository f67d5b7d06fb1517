"""A recorder in another process: what it raises is raised here, and it ends with this one."""

from __future__ import annotations

import gc
import os
import time
from functools import partial
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from assay.errors import TrackingError
from assay.tracking.apart import Apart
from assay.tracking.recorder import Recorder, Silence, Status


class Stubborn(Silence):
    """Refuses tables, prints, and says which process it is in."""

    run_id = "r1"

    def __init__(self, path: Path) -> None:
        path.write_text(str(os.getpid()))

    def table(self, name: str, table: pa.Table) -> None:
        print("to nobody")
        raise ValueError(f"no table {name}")

    def artifact(self, path: Path, folder: str = "") -> None:
        os._exit(3)


def begun(path: Path) -> tuple[Recorder, psutil.Process]:
    recorder = Apart(partial(Stubborn, path), "stubborn", {})
    return recorder, psutil.Process(int(path.read_text()))


def test_what_it_raises_is_raised_here(tmp_path: Path) -> None:
    recorder, _ = begun(tmp_path / "pid")
    assert recorder.run_id == "r1"
    for name in ("a", "b"):
        with pytest.raises(TrackingError, match=f"stubborn refused: ValueError: no table {name}"):
            recorder.table(name, pa.table({"row": [1]}))
    recorder.child("inner").finish(Status.FINISHED)
    recorder.finish(Status.FINISHED)
    recorder.finish(Status.FINISHED)


def test_a_maker_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="stubborn refused: FileNotFoundError"):
        begun(tmp_path / "no" / "folder")


def test_it_is_said_that_it_is_gone(tmp_path: Path) -> None:
    recorder, _ = begun(tmp_path / "pid")
    with pytest.raises(TrackingError, match="its process is gone"):
        recorder.artifact(tmp_path)
    with pytest.raises(TrackingError, match="its process is gone") as caught:
        recorder.tags({})
    assert caught.value.mend == "see what it says; without it: --set tracking.stubborn=false"


def test_the_process_ends_with_the_run(tmp_path: Path) -> None:
    recorder, process = begun(tmp_path / "pid")
    recorder.finish(Status.FINISHED)
    assert not process.is_running()


def test_the_process_ends_when_nobody_needs_it(tmp_path: Path) -> None:
    recorder, process = begun(tmp_path / "pid")
    del recorder
    gc.collect()
    for _ in range(50):
        if not process.is_running():
            return
        time.sleep(0.1)
    pytest.fail("it still runs")
