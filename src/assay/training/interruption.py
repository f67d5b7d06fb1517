"""Interruption: a request to end is noted, obeyed between two steps, and then passed on.

Ctrl-C (SIGINT) and a scheduler's SIGTERM come at any moment. Within `Interruption` the first one is
only noted; whoever trains looks, saves, and delivers it: what stood in charge before acts as if the
signal had just come (an exit with 130 or 143, a KeyboardInterrupt, the end of the process).
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While it is entered, signals to end are noted instead of obeyed.

    A second Ctrl-C acts at once. Signals that are ignored stay so. Outside the main thread, where
    Python hears no signals, it does nothing. One may lie within another: delivered by the inner
    one, a signal is noted by the outer one.

    Attributes:
        requested: The number of the signal that came first; None as long as none did.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._is_owed = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in _NUMBERS:
                former = signal.getsignal(number)
                if former not in (None, signal.SIG_IGN):  # None: not Python's
                    self._former[number] = former
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything is as before; a signal that was noted and not delivered comes now."""
        self.deliver()

    def deliver(self) -> None:
        """Give the signals back to whom they belonged, and raise the one that was noted.

        It returns where nothing was noted, or where the former handler returns.
        """
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former.clear()
        if self._is_owed and self.requested is not None:
            self._is_owed = False
            signal.raise_signal(self.requested)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.requested is None:
            self.requested, self._is_owed = number, True
        elif number == signal.SIGINT:
            self.requested = number
            self.deliver()
