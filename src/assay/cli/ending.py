"""Being asked to end: SIGTERM as an exception, raised anew if it was lost.

What is raised while C code calls back into Python may be cleared by that code; so whatever is told
next asks again.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType


class Terminated(BaseException):
    """Somebody asked the process to end."""

    def __str__(self) -> str:
        return "terminated"


class _Asked:
    """Whether somebody did."""

    to_end = False


def end_when_asked() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread."""
    signal.signal(signal.SIGTERM, _terminate)


def heed() -> None:
    """Raise `Terminated` if it was asked for and lost: not on the way out, which it began."""
    if _Asked.to_end and sys.exc_info()[0] is None:
        raise Terminated


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _Asked.to_end = True
    raise Terminated
