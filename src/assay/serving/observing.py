"""Telling observers, in a thread of their own, of what was answered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from assay.serving.log import Log
from assay.serving.observer import Observer
from assay.serving.rows import Answer, Table

_MOST_WAITING = 10_000
_Told = tuple[str, str, Table, Sequence[Answer]]


class Observing:
    """Hands requests over to observers; never waits for them.

    Args:
        observers: Who is told.
        log: Where their errors go.
        dropped: Called for each request that they were too slow for.
    """

    def __init__(
        self, observers: Sequence[Observer], log: Log, dropped: Callable[[], None]
    ) -> None:
        self._observers = observers
        self._log = log
        self._dropped = dropped
        self._queue: queue.Queue[_Told | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="observes", daemon=True)
        if observers:
            self._thread.start()

    def tell(self, request_id: str, version: str, table: Table, answers: Sequence[Answer]) -> None:
        """A request was answered."""
        if not self._observers:
            return
        try:
            self._queue.put_nowait((request_id, version, table, answers))
        except queue.Full:
            self._dropped()

    def close(self) -> None:
        """Tell what is left, and finish."""
        if not self._observers:
            return
        self._queue.put(None)
        self._thread.join()
        for observer in self._observers:
            try:
                observer.close()
            except Exception as error:
                self._log.failure("an observer failed to finish", error)

    def _work(self) -> None:
        while (told := self._queue.get()) is not None:
            request_id, version, table, answers = told
            rows = table.rows
            for observer in self._observers:
                try:
                    observer.observe(request_id, version, rows, answers)
                except Exception as error:
                    self._log.failure("an observer failed", error, request_id=request_id)
