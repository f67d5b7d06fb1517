"""Telling observers, in a thread of their own, of what was answered and what was refused."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from assay.serving.log import Log
from assay.serving.observer import Observer, RefusalObserver
from assay.serving.refusal import Problem
from assay.serving.rows import Answer, Table

_MOST_ROWS = 100_000
"""Rows that wait for observers; of more, they are not told."""
_Tell = Callable[[Observer], None]
_Told = tuple[int, str, Callable[[], _Tell]]
"""So many rows, the id of their request, and what makes of them what an observer is told."""


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
        self._queue: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._n_rows = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="observes", daemon=True)
        if observers:
            self._thread.start()

    def tell(self, request_id: str, version: str, table: Table, answers: Sequence[Answer]) -> None:
        """A request was answered."""

        def begin() -> _Tell:
            rows = table.rows
            return lambda observer: observer.observe(request_id, version, rows, answers)

        self._put((table.n, request_id, begin))

    def tell_refusal(
        self, request_id: str, version: str, n_rows: int, problems: Sequence[Problem]
    ) -> None:
        """A request was refused because of what it held."""

        def tell(observer: Observer) -> None:
            if isinstance(observer, RefusalObserver):
                observer.observe_refusal(version, n_rows, problems)

        self._put((1 + len(problems), request_id, lambda: tell))

    def _put(self, told: _Told) -> None:
        if not self._observers:
            return
        n = told[0]
        with self._counting:
            is_too_much = self._n_rows + n > _MOST_ROWS
            self._n_rows += 0 if is_too_much else n
        if is_too_much:
            self._dropped()
        else:
            self._queue.put(told)

    def close(self, patience_s: float) -> None:
        """Tell what is left, and finish.

        Args:
            patience_s: So long observers may take to be told, in seconds.
        """
        if not self._observers:
            return
        self._queue.put(None)
        self._thread.join(patience_s)
        if self._thread.is_alive():
            self._log.write("warning", "observers were not told of all", rows=self._n_rows)
        for observer in self._observers:
            try:
                observer.close()
            except Exception as error:
                self._log.failure("an observer failed to finish", error)

    def _work(self) -> None:
        while (told := self._queue.get()) is not None:
            n, request_id, begin = told
            tell = begin()
            with self._counting:
                self._n_rows -= n
            for observer in self._observers:
                try:
                    tell(observer)
                except Exception as error:
                    self._log.failure("an observer failed", error, request_id=request_id)
