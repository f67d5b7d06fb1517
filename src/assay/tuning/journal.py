"""The journal: Optuna's file of a study, made so that a kill at any moment leaves it whole.

Optuna's own lock is a symbolic link that a killed process leaves behind, and a line that was torn
in the middle would spoil all that come after it. Here the kernel holds the lock, and what is left
of a line is cut off before the next is written.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

_BLOCK = 4096


class KernelLock(JournalFileOpenLock):
    """A lock that the kernel lets go when its holder is gone."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


class WholeLines(JournalFileBackend):
    """A journal whose last line, if a kill tore it, is cut off before it is gone on with."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with self._lock_held():  # which Optuna takes once more, from the same hand
            _cut_torn_line(Path(self._file_path))
            super().append_logs(logs)

    def read_logs(self, log_number_from: int) -> Any:
        """As Optuna's; a line that is being written, or was torn, is not there yet."""
        try:
            yield from super().read_logs(log_number_from)
        except ValueError:
            with self._lock_held():
                _cut_torn_line(Path(self._file_path))

    def _lock_held(self) -> Any:
        lock: KernelLock = self._lock  # type: ignore[assignment]
        return lock._lock


def journal(path: Path) -> JournalStorage:
    """The storage of a file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return JournalStorage(WholeLines(str(path), KernelLock(path.with_suffix(".lock"))))


def _cut_torn_line(path: Path) -> None:
    """Cut what stands after the last end of a line; the caller holds the lock."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            begin = max(0, end - _BLOCK)
            file.seek(begin)
            last = file.read(end - begin).rfind(b"\n")
            if last >= 0:
                end = begin + last + 1
                break
            end = begin
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
