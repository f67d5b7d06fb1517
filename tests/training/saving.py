"""A training in little that does hardly anything but save, to be killed, or to fill its disk.

Its state is a pure function of the step, so that whoever reads it knows what it has to be.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from assay.training.checkpoint import Checkpoints, newest
from tests.training.test_tree import same


def state_of(step: int, size: int = 20_000) -> dict[str, Any]:
    weight = torch.full((size,), float(step))
    return {"step": step, "model": {"weight": weight}, "optimizer": {0: {"mean": weight * 2}}}


def train(folder: Path, told: int) -> None:
    """Save for ever, from the last one on; tell each step that is surely on the disk.

    A child lives on after a kill, as a loader worker does for some seconds.
    """
    with Checkpoints(folder) as kept:
        if os.fork() == 0:
            os.close(told)
            time.sleep(2)
            os._exit(0)
        before = kept.latest()
        step = 0 if before is None else before["step"]
        while True:
            step += 1
            kept.save(state_of(step), best=step % 7 == 0)
            if step % 3 == 0:
                kept.wait()
                os.write(told, b"%d\n" % step)


def kill(folder: Path) -> None:
    """Kill fifteen such trainings, each at another moment, and look what is there."""
    chance = random.Random(0)
    for _ in range(15):
        before = newest(folder)
        heard, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            train(folder, told)
        os.close(told)
        first = os.read(heard, 100)
        time.sleep(chance.uniform(0, 0.04))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said = [int(each) for each in (first + os.read(heard, 10_000)).split()]
        found = newest(folder)
        assert said[0] > (before["step"] if before else 0), "it went on where the last one was"
        assert found["step"] >= said[-1], "what it had told is there"
        assert same(found, state_of(found["step"]))
        best = newest(folder, best=True)
        assert best is None or same(best, state_of(best["step"]))
    print("whole", [len(list(folder.glob("step-*"))) <= 4])


def fill(disk: Path) -> None:
    """Save on a disk that gets full, and again once there is room."""
    filler = disk / "filler"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with Checkpoints(disk / "checkpoints", keep=1) as kept:
            kept.save(state_of(1))
            kept.wait()
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            kept.save(state_of(2))
            print("full", kept.steps(), kept.latest()["step"], len(told))
            filler.unlink()
            kept.save(state_of(3))
        print("room", kept.steps(), kept.latest()["step"], len(told))
    print(told[0].message)
    print(sorted(each.name for each in (disk / "checkpoints").glob("*")))


if __name__ == "__main__":
    {"kill": kill, "fill": fill}[sys.argv[1]](Path(sys.argv[2]))
