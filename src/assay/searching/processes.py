"""Processes that work on a study beside each other; those that are killed are replaced."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from assay.errors import LearnerError
from assay.experiment.asking import make_importable
from assay.fitting.pool import live_no_longer_than
from assay.fitting.sharing import store as share
from assay.fitting.sharing import stored
from assay.searching.asked import Asking
from assay.tuning.study import Study
from assay.tuning.worker import Search, is_patient_no_more, work

_GRACE_S = 10.0
_MOST_RESTARTS = 20
"""Since a trial last came to an end."""
_LATE_S = 2.0
"""How long a fit may go on that does not end by itself when the time is over."""


@contextmanager
def workers(asking: Asking, number: int, scratch: Path) -> Iterator[Workers]:
    """Processes at work on a search; the data is theirs by a file that all of them map.

    Args:
        asking: What is searched.
        number: How many.
        scratch: A folder that outlives them.
    """
    spec, data = scratch / "search.pickle", scratch / "development.arrow"
    share(asking.objective.development, data)
    without = replace(asking.objective, development=None)  # type: ignore[arg-type]
    spec.write_bytes(pickle.dumps((asking.search, without, asking.make, data)))
    running = Workers(spec, number)
    try:
        yield running
    finally:
        running.end()


class Workers:
    """Processes that work on a study; those that are killed are replaced."""

    def __init__(self, spec: Path, number: int) -> None:
        self._spec = spec
        self._restarts = 0
        self._n_ended = 0
        self.processes = [self._start() for _ in range(number)]

    def are_needed(self, study: Study, search: Search) -> bool:
        """Whether any is at work; starts others in the place of those that were killed."""
        if search.is_over_for(_LATE_S):
            return False
        n_ended = len(study.ended)
        if n_ended > self._n_ended:
            self._n_ended, self._restarts = n_ended, 0
        for place, process in enumerate(self.processes):
            code = process.poll()
            if code is None or code == 0:
                continue
            if code > 0:
                raise LearnerError(
                    "A worker of the search ended with an error.",
                    where=(process.stderr.read() if process.stderr else "").strip()[-500:],
                    mend="the same with one worker says more: --workers 1",
                )
            if search.is_over or is_patient_no_more(study, search.patience):
                continue
            self._restarts += 1
            if self._restarts > _MOST_RESTARTS:
                raise LearnerError(
                    "Workers of the search are killed again and again: most likely memory runs "
                    "out.",
                    mend="fewer of them: --workers 1",
                )
            self.processes[place] = self._start()
        return any(each.poll() is None for each in self.processes)

    def _start(self) -> subprocess.Popen[str]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return subprocess.Popen(
            [sys.executable, "-m", "assay.searching", str(self._spec), str(os.getpid())],
            env={**os.environ, **threads, "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> None:
        """Have all of them end now."""
        for each in self.processes:
            if each.poll() is None:
                each.terminate()
        until = time.monotonic() + _GRACE_S
        for each in self.processes:
            try:
                each.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
            if each.stderr is not None:
                each.stderr.close()


def work_alone(spec: Path, parent: int) -> None:
    """What a worker process does: the trials of a search that another process began."""
    live_no_longer_than(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    search, objective, make, data = pickle.loads(spec.read_bytes())
    make_importable(make.loaded.folder)
    objective = replace(objective, development=stored(data))
    study = search.study(objective)
    work(search, objective, make, study)
    study.close()
