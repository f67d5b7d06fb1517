"""A crew: processes that work on the same rows, any of which may be let go when time is over.

With one worker the work is done in this process, in the order in which it is asked for.

When a process is killed, loky ends the others with it, and nobody knows whose task took the memory.
So what was being done is done again one at a time, and only a process that is killed while its task
was alone counts against that task: what others took costs nobody anything but time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from assay.data.dataset import Part
from assay.errors import LearnerError
from assay.fitting.memory import hand_back
from assay.fitting.pool import started
from assay.fitting.sharing import store, stored
from assay.learners.light_boosting import is_installed

Task = TypeVar("Task")
Done = TypeVar("Done")
_IMPORTS = "assay.tuning.configurations", "lightgbm"
Work = Callable[[Part, Task], Done]
"""Does a task on the rows; a function of a module, since it goes to other processes."""
MOST_LOSSES = 3
"""How often a task is begun alone whose process is killed each time."""


class LostError(LearnerError):
    """A task whose process was killed each time, though it was alone."""


@dataclass
class _Asked:
    """A task that is not done.

    Attributes:
        work: Does it.
        make: Says what it is at the moment at which it is begun.
        running: What loky says of it; None while it is not begun.
        is_suspect: Whether it was being done when a process was killed.
        losses: How often its process was killed while it was alone.
    """

    work: Work[Any, Any]
    make: Callable[[], Any]
    running: Future[Any] | None = None
    is_suspect: bool = False
    losses: int = 0


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
        self._asked: dict[Future[Any], _Asked] = {}
        if size > 1:
            self._executor = started(size, _IMPORTS)
            store(development, path)
            hand_back()
            for _ in range(size):  # so that no fit waits, or is timed, while modules are imported
                self._executor.submit(_warm)

    def submit(self, work: Work[Task, Done], make: Callable[[], Task]) -> Future[Done]:
        """Have a task done; what it raises is raised where its result is asked for.

        Args:
            work: Does it.
            make: Says what it is whenever it is begun: what is left of a time is not the same the
                next time.

        Returns:
            Its result, once `first_of` or `all_of` has waited for it; it is `LostError` if the
            process was killed each time.
        """
        if self.size == 1:
            return _at_once(lambda: work(self._development, make()))
        future: Future[Done] = Future()
        self._asked[future] = _Asked(work, make)
        self._begin()
        return future

    def first_of(self, futures: Collection[Future[Any]], seconds: float | None) -> set[Future[Any]]:
        """Those that have ended, once one has or the time is over."""
        until = None if seconds is None else time.monotonic() + seconds
        while not (done := {each for each in futures if each.done()}):
            left = None if until is None else max(0.0, until - time.monotonic())
            if not wait(self._running, left, FIRST_COMPLETED).done:
                break
            self._hear()
        return done

    def all_of(self, futures: Collection[Future[Any]], seconds: float | None = None) -> bool:
        """Wait until all have ended or the time is over; whether they have."""
        until = None if seconds is None else time.monotonic() + seconds
        missing = {*futures}
        while missing:
            left = None if until is None else max(0.0, until - time.monotonic())
            ended = self.first_of(missing, left)
            if not ended:
                return False
            missing -= ended
        return True

    def let_go(self) -> None:
        """End all workers now, and give up what they do; others begin with the next task."""
        for future in self._asked:
            future.cancel()
        self._asked = {}
        self._end()

    @property
    def _running(self) -> list[Future[Any]]:
        return [each.running for each in self._asked.values() if each.running is not None]

    def _begin(self) -> None:
        """Begin as many tasks as there are workers; after a loss what was lost, one at a time."""
        self._asked = {
            future: each for future, each in self._asked.items()
            if each.running is not None or not future.cancelled()
        }  # fmt: skip
        suspects = [each for each in self._asked.values() if each.is_suspect]
        free = (1 if suspects else self.size) - len(self._running)
        waiting = [each for each in suspects or self._asked.values() if each.running is None]
        for each in waiting[: max(0, free)]:
            if self._executor is None:
                self._executor = started(self.size, _IMPORTS)
            try:
                each.running = self._executor.submit(_on_stored, each.work, self._path, each.make())
            except BrokenExecutor as error:  # a worker was killed that had nothing to do
                each.running = _failed(error)

    def _hear(self) -> None:
        """Hand over what has ended, and begin what comes next; what was lost is begun again."""
        was_alone = len(self._running) == 1
        if any(each.done() and _is_lost(each) for each in self._running):
            self._end()  # some of the others may have ended by now, the rest is lost with it
            wait(self._running)
        for future, each in [*self._asked.items()]:
            ended = each.running
            if ended is None or not ended.done():
                continue
            if _is_lost(ended):
                each.running, each.is_suspect = None, True
                each.losses += was_alone
                if each.losses < MOST_LOSSES:
                    continue
                ended = _failed(_lost(ended.exception()))
            _hand_over(ended, future)
            del self._asked[future]
        self._begin()

    def _end(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None


@contextmanager
def crew(development: Part, size: int, scratch: Path) -> Iterator[Crew]:
    """Workers on these rows, which end at once with this.

    Left to end by itself, one could wait for ever for a lock that a killed one holds.

    Args:
        development: The rows.
        size: How many; 1 for this process alone.
        scratch: A folder for the file that they read the rows from.
    """
    workers = Crew(development, size, scratch / "development.arrow")
    try:
        yield workers
    finally:
        workers.let_go()


def given(future: Future[Done], of: str = "") -> Done | None:
    """What a task gave; None if it was given up when time was over, or failed by itself.

    Args:
        future: Of the crew, no longer waited for.
        of: What it is about, in words.

    Raises:
        LostError: Its process was killed each time.
    """
    if not future.done() or future.cancelled():
        return None
    error = future.exception()
    if isinstance(error, LostError):
        raise LostError(error.what, where=of, mend=error.mend)
    return None if error is not None else future.result()


def _is_lost(ended: Future[Any]) -> bool:
    """Whether a task gave nothing since its process was killed, or ended with one that was."""
    from loky.process_executor import ShutdownExecutorError

    return isinstance(ended.exception(), BrokenExecutor | ShutdownExecutorError)


def _lost(error: BaseException | None) -> LostError:
    """It was alone each time, so that it is itself what is too much."""
    times = f"{MOST_LOSSES} times in the same fit, while nothing else was fitted"
    if "SIGKILL" in str(error):
        what = f"A worker was killed {times}: most likely memory ran out."
        return LostError(what, mend="more memory, or fewer rows")
    mend = "the same without workers may say more: --workers 1"
    return LostError(f"A worker crashed {times}.", mend=mend)


def _hand_over(ended: Future[Any], future: Future[Any]) -> None:
    """Give what a task came to to who asked for it, if he still does."""
    if future.cancelled():
        return
    error = ended.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(ended.result())


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


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
