"""Work whose process is killed, as the kernel does it where memory is short."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from assay.data.dataset import Part
from assay.learners.estimators import EstimatorModel
from assay.tuning.configurations import FoldFit, FoldTask, fit_all, fit_fold
from tests.worker_processes import workers_of


def kill_a_worker() -> None:
    """Kill one of the workers of this process, whatever it does, and see it gone."""
    [one, *_] = workers_of(psutil.Process())
    one.kill()
    deadline = time.monotonic() + 10
    while one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def die() -> None:
    """End this process at once; what it holds is not given back."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_once(flag: Path) -> None:
    """Die, unless somebody did already."""
    try:
        flag.touch(exist_ok=False)
    except FileExistsError:
        return
    die()


def fit_all_killed_once(flag: Path, development: Part, task: FoldTask) -> EstimatorModel:
    """A fit to all rows, of which the very first one is lost."""
    killed_once(flag)
    return fit_all(development, task)


def fit_all_killed(development: Part, task: FoldTask) -> EstimatorModel:
    """A fit to all rows that is lost whenever it is begun, if it is of a linear model."""
    if task.learner.name == "linear":
        die()
    return fit_all(development, task)


def fit_fold_killed(development: Part, task: FoldTask) -> FoldFit:
    """A fit that takes its time, and is lost whenever it is begun if it is of a forest."""
    time.sleep(0.2)
    if task.learner.name == "forest":
        die()
    return fit_fold(development, task)


def noted(folder: Path, development: Part, task: tuple[str, str]) -> Any:
    """Note the beginning of a task, named and told what to do; return its name."""
    name, do = task
    folder.joinpath(f"{name}-{time.time_ns()}").touch()
    if do == "die":
        time.sleep(0.1)  # so that others have begun
        die()
    if do == "die once":
        killed_once(folder / "flag")
    if do == "fail":
        raise ValueError(name)
    if do.startswith("sleep "):
        time.sleep(float(do.removeprefix("sleep ")))
    return name
