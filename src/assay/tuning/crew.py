"""A crew: processes that work on the same rows, any of which may be let go when time is over.

With one worker the work is done in this process, in the order in which it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from assay.data.dataset import Part
from assay.fitting.memory import hand_back
from assay.fitting.pool import started
from assay.fitting.sharing import store, stored
from assay.learners.light_boosting import is_installed

Task = TypeVar("Task")
Done = TypeVar("Done")
_IMPORTS = "assay.tuning.configurations", "lightgbm"
Work = Callable[[Part, Task], Done]
"""Does a task on the rows; a function of a module, since it goes to other processes."""


class Crew:
    """Workers on the rows of a file, or this process alone.

    Attributes:
        size: How many work at the same time.
    """

    def __init__(self, development: Part, size: int, path: Path) -> None:
        self.size = size
        self._development = development
        self._path = path
        self._executor: Any = None
        if size > 1:
            self._executor = started(size, _IMPORTS)
            store(development, path)
            hand_back()
            for _ in range(size):  # so that no fit waits, or is timed, while modules are imported
                self._executor.submit(_warm)

    def submit(self, work: Work[Task, Done], task: Task) -> Future[Done]:
        """Have a task done; what it raises is raised where its result is asked for."""
        if self.size == 1:
            return _at_once(partial(work, self._development, task))
        if self._executor is None:
            self._executor = started(self.size, _IMPORTS)
        future: Future[Done] = self._executor.submit(_on_stored, work, self._path, task)
        return future

    def first_of(self, running: set[Future[Any]], seconds: float | None) -> set[Future[Any]]:
        """Those that have ended, once one has or the time is over.

        All of them, if a process was killed: the others go with it.
        """
        done = wait(running, timeout=seconds, return_when=FIRST_COMPLETED).done
        if any(map(_is_lost, done)):
            self.let_go()
            done = wait(running).done
        return done

    def let_go(self) -> None:
        """End all workers now, whatever they do; others begin with the next task."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None

    def close(self) -> None:
        """End the workers once they are idle."""
        if self._executor is not None:
            self._executor.shutdown(wait=True)


@contextmanager
def crew(development: Part, size: int, scratch: Path) -> Iterator[Crew]:
    """Workers on these rows; if something is raised here they end at once.

    Args:
        development: The rows.
        size: How many; 1 for this process alone.
        scratch: A folder for the file that they read the rows from.
    """
    workers = Crew(development, size, scratch / "development.arrow")
    try:
        yield workers
        workers.close()
    finally:
        workers.let_go()


def _is_lost(future: Future[Any]) -> bool:
    """Whether a task that has ended gave nothing: its process was killed."""
    return future.cancelled() or future.exception() is not None


def _at_once(do: Callable[[], Done]) -> Future[Done]:
    future: Future[Done] = Future()
    try:
        future.set_result(do())
    except Exception as error:
        future.set_exception(error)
    return future


def _on_stored(work: Work[Task, Done], path: Path, task: Task) -> Done:
    try:
        return work(stored(path), task)
    finally:
        hand_back()


def _warm() -> None:
    """Import what fits need."""
    import assay.tuning.configurations  # noqa: F401

    if is_installed():
        import lightgbm  # noqa: F401
    time.sleep(_TURN_S)


_TURN_S = 0.2
"""Seconds for which a warm worker waits, so that each gets one such task."""
