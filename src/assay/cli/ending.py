"""Being asked to end: SIGTERM as an exception, raised anew if it was lost.

What is raised while C code calls back into Python may be cleared by that code; so whatever is told
next asks again. All of it in the main thread, the only one in which Python hears signals.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType


class Terminated(BaseException):
    """Somebody asked the process to end."""

    def __str__(self) -> str:
        return "terminated"


class _Asked:
    """Whether somebody did."""

    to_end = False


def end_when_asked() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread; nothing if this is another."""
    if _is_main():
        signal.signal(signal.SIGTERM, _terminate)


def heed() -> None:
    """Raise `Terminated` if it was asked for and lost: not on the way out, which it began."""
    if _Asked.to_end and _is_main() and sys.exc_info()[0] is None:
        raise Terminated


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _Asked.to_end = True
    raise Terminated
