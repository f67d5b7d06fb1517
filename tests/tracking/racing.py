"""Processes that wait for each other and then begin a run in the same store."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

_RACER = """
import sys, time
from pathlib import Path
from assay.tracking.mlflow import MlflowStore

uri, folder, ready, go = sys.argv[1:]
import mlflow  # takes seconds, and would spread the start
Path(ready).touch()
while not Path(go).exists():
    time.sleep(0.01)
store = MlflowStore(uri, Path(folder) / "artifacts")
recorder = store.begin("fresh", "linear", {})
recorder.params({"a": 1})
print(store.get(recorder.run_id).name)
"""


def raced(uri: str, folder: Path, n: int, timeout_s: float) -> list[str]:
    """The names that runs got which began at the same moment."""
    barrier = folder / "barrier"
    barrier.mkdir()
    ready, go = [barrier / f"ready-{i}" for i in range(n)], barrier / "go"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, uri, str(folder), str(each), str(go)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in ready
    ]
    try:
        deadline = time.monotonic() + timeout_s
        while not all(each.exists() for each in ready):
            assert time.monotonic() < deadline
            assert all(racer.poll() is None for racer in racers), racers[0].communicate()
            time.sleep(0.05)
        go.touch()
        told = [racer.communicate(timeout=timeout_s) for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    assert [racer.returncode for racer in racers] == [0] * n, [err for _, err in told]
    return [out.strip() for out, _ in told]
