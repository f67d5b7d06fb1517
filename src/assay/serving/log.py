"""The log: one JSON document a line, on stderr; never what was in a request's rows."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson


class Log:
    """Writes lines.

    Args:
        to: Where to; stderr if None.
        requests: Whether every request is a line.
    """

    def __init__(self, to: BinaryIO | None = None, *, requests: bool = True) -> None:
        self._to = to if to is not None else sys.stderr.buffer
        self.requests = requests

    def write(self, level: str, event: str, **facts: Any) -> None:
        """A line: what happened, and the facts of it."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "level": level, "event": event, **facts}
        try:
            self._to.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))
            self._to.flush()
        except (OSError, ValueError):  # nobody reads the log: the server goes on
            self.requests = False

    def failure(self, event: str, error: BaseException, **facts: Any) -> None:
        """A line with the stack of an error that is not the client's."""
        stack = "".join(traceback.format_exception(error))
        self.write("error", event, error=str(error), stack=stack, **facts)

    def take_over(self, *names: str) -> None:
        """From now on warnings and errors of these standard loggers are lines of this log."""
        handler = _Handler(self)
        for name in names:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(logging.WARNING)


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._log.failure(record.getMessage(), record.exc_info[1], logger=record.name)
        else:
            level = record.levelname.lower()
            self._log.write(level, record.getMessage(), logger=record.name)
