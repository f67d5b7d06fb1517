"""Running many fits: in this process, or in worker processes that share the data by a file.

Each fit has its own fixed number of threads, so workers never fight for cores. An interrupt stops
the workers at once: they ignore it themselves and are ended by their parent. No worker outlives it,
whatever kills it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import psutil

from assay.data.dataset import Part
from assay.errors import LearnerError
from assay.fitting.forking import Forked, can_fork, let_server_end
from assay.fitting.jobs import Fitted, Job, fit, fit_stored
from assay.fitting.memory import hand_back
from assay.fitting.sharing import store
from assay.threads import THREADS, cores

SMALL_CELLS = 400_000
"""Cells, summed over all fits, below which starting workers takes longer than fitting."""

_OF_EVERY_FIT = (
    "assay.fitting.jobs",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "sklearn.preprocessing",
)
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_WATCH_S = 2.0

Follow = Callable[[Fitted], Sequence[Job]]
"""Told what a job gave, names the jobs that can be done now."""


class Runner(Protocol):
    """Does jobs, and those that follow from them; yields what each gave, as they end."""

    def __call__(self, jobs: Sequence[Job], follow: Follow) -> Iterator[Fitted]: ...


def workers_for(n_jobs: int, cells: int, asked: int | None) -> int:
    """How many processes to use: as asked, else one per core where the work is worth it."""
    if asked is not None:
        return max(1, min(asked, n_jobs))
    if n_jobs * cells <= SMALL_CELLS:
        return 1
    return max(1, min(cores(), n_jobs))


@contextmanager
def runner(development: Part, workers: int, scratch: Path) -> Iterator[Runner]:
    """A runner for fits on this data.

    Args:
        development: The data of all fits.
        workers: Processes; 1 fits in this one.
        scratch: A folder for the file that workers read the data from.
    """
    if workers == 1:
        yield partial(_one_by_one, development)
        return
    path = scratch / "development.arrow"
    executor = started(workers)
    finished = False
    try:
        store(development, path)
        hand_back()
        yield partial(_in_processes, executor.submit, path)
        finished = True
    finally:
        executor.shutdown(wait=True, kill_workers=not finished)


def started(workers: int, imports: Sequence[str] = ()) -> Any:
    """An executor of processes, each with one numerical thread, none of which outlives this one.

    Args:
        workers: How many.
        imports: Modules that all of them need besides those of every fit.
    """
    from loky import ProcessPoolExecutor

    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), THREADS)
    limited = {name: str(number) for name, number in limits.items()}
    limited["OMP_WAIT_POLICY"] = "PASSIVE"
    if not can_fork():
        return ProcessPoolExecutor(
            max_workers=workers, env=limited, initializer=_begin_worker, initargs=(os.getpid(),)
        )

    class Executor(ProcessPoolExecutor):  # type: ignore[misc]  # loky has no types
        def shutdown(self, wait: bool = True, kill_workers: bool = False) -> None:
            super().shutdown(wait=wait, kill_workers=kill_workers)
            context.close()

    context = Forked([*_OF_EVERY_FIT, *imports], limited)
    return Executor(max_workers=workers, context=context, initializer=_begin_forked)


def _one_by_one(development: Part, jobs: Sequence[Job], follow: Follow) -> Iterator[Fitted]:
    waiting = deque(jobs)
    while waiting:
        fitted = fit(waiting.popleft(), development)
        waiting.extend(follow(fitted))
        yield fitted


def _in_processes(
    submit: Callable[..., Future[Fitted]], path: Path, jobs: Sequence[Job], follow: Follow
) -> Iterator[Fitted]:
    from loky.process_executor import TerminatedWorkerError

    try:
        running = {submit(fit_stored, job, path) for job in jobs}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                fitted = future.result()
                running |= {submit(fit_stored, job, path) for job in follow(fitted)}
                yield fitted
    except TerminatedWorkerError as error:
        raise _gone(error) from error


def _gone(error: Exception) -> LearnerError:
    """A worker is no more: where memory is short the kernel kills the largest process."""
    if "SIGKILL" in str(error):
        what = "A worker was killed in the middle of a fit: most likely memory ran out."
        mend = "fewer fits at the same time: --workers 1; or fewer rows, or a smaller learner"
    else:
        what = "A worker crashed in the middle of a fit."
        mend = "the same without workers may say more: --workers 1"
    return LearnerError(what, mend=mend)


def _begin_worker(parent: int) -> None:
    """Live no longer than the parent, and leave Ctrl-C to it: it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    live_no_longer_than(parent)


def _begin_forked() -> None:
    """The same, where the parent is a server that ends with the process that it serves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    let_server_end()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    owner = parent_process()
    if owner is None or not owner.is_alive():  # it was killed before it could be said
        os._exit(1)


def live_no_longer_than(parent: int) -> None:
    """Have this process end when its parent is gone, whatever killed that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before it could be said
            os._exit(1)
    else:
        Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: int) -> None:
    """End this process when its parent is gone."""
    while psutil.pid_exists(parent):
        time.sleep(_WATCH_S)
    os._exit(1)
