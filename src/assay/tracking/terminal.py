"""The terminal log: what a person who watched would have seen, line by line, with its time."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import RawIOBase
from pathlib import Path

from assay.errors import AssayError
from assay.monitor import Announce, Step
from assay.provenance import masked

LOG = "terminal.log"


@contextmanager
def written_down(path: Path, announce: Announce) -> Iterator[Announce]:
    """Write to a file whatever is announced, logged or raised in the block, as it happens.

    Args:
        path: The file; lines are added.
        announce: Told all the same.
    """
    with path.open("ab", buffering=0) as file:
        writer = _Writer(file)
        handler = logging.StreamHandler(writer)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)

        def heard(step: Step) -> None:
            writer.step(step)
            announce(step)

        try:
            yield heard
        except BaseException as error:
            writer.write(_of(error))
            raise
        finally:
            logging.getLogger().removeHandler(handler)


class _Writer:
    """Gives each line its time; says of a stage once that it began."""

    def __init__(self, file: RawIOBase) -> None:
        self._file = file
        self._stage = ""

    def step(self, step: Step) -> None:
        if step.text != self._stage or step.lasting:
            self.write(step.text if not step.total else f"{step.text} ({step.total:,})")
        self._stage = step.text if not step.lasting else self._stage

    def write(self, text: str) -> None:
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        for line in masked(text).splitlines():
            if line.strip():
                with suppress(OSError):  # a full disk stops no training
                    self._file.write(f"{at}  {line}\n".encode())

    def flush(self) -> None:
        self._file.flush()


def _of(error: BaseException) -> str:
    if isinstance(error, AssayError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error))
