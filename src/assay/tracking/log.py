"""The log: lines that are with the operating system before `append` returns (law 4).

A process that is killed loses none of them; a machine that loses power at most the last second. If
the disk is full they are held in memory, up to a limit, until it takes them again.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MOST_HELD_BYTES = 64 << 20
_PATIENCE_S = 1.0
Tell = Callable[[str], None]


def _unheard(text: str) -> None:
    """For those who have nobody to tell."""


class Log:
    """An append-only file of lines, written by one process, by any of its threads.

    What a process that was killed left half written at the end is cut off when it is opened.

    Args:
        path: The file; created if need be, readable by its owner only.
        tell: Told, in words, when the disk is full and when the memory is too.
        most_held: Bytes that are held in memory at most while the disk is full.
    """

    def __init__(
        self, path: Path, tell: Tell = _unheard, *, most_held: int = MOST_HELD_BYTES
    ) -> None:
        self.path = path
        self._tell = tell
        self._most_held = most_held
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._written = _whole_lines(self._file)
        with suppress(OSError):  # an incomplete line at the end is never read either
            os.ftruncate(self._file, self._written)
        self._held = bytearray()
        self._is_synced = True
        self._tried = 0.0
        self.lost = 0
        self._refusal = "it is full"

    @property
    def size(self) -> int:
        """Bytes in whole lines, those included that are held in memory."""
        return self._written + len(self._held)

    @property
    def held(self) -> int:
        """Bytes that the disk has not taken."""
        return len(self._held)

    def append(self, line: bytes) -> None:
        """Write a line, which ends in a newline and has no other.

        It is never refused: what neither the disk nor the memory takes is counted in `lost`.
        """
        with self._lock:
            if (self._held and not self._release()) or not self._write(line):
                self._hold(line)

    def read(self, start: int, most: int = 1 << 17) -> bytes:
        """Whole lines from a place on, at least one if there is one, at most about so many bytes.

        Args:
            start: Where a line begins, counted from the first.
            most: Bytes, unless a single line is longer.
        """
        while True:
            with self._lock:
                if start >= self._written:
                    block = bytes(self._held[start - self._written :][:most])
                    is_all = start + len(block) >= self.size
                else:
                    block = os.pread(self._file, min(most, self._written - start), start)
                    is_all = start + len(block) >= self._written
            whole = block.rfind(b"\n") + 1
            if whole or is_all:
                return block[:whole]
            most *= 2

    def sync(self) -> None:
        """Have the disk keep what was written; nothing to do if that is done."""
        with self._lock:
            if self._held and not self._release():
                return
            is_synced, self._is_synced = self._is_synced, True
        if not is_synced:
            with suppress(OSError):
                os.fdatasync(self._file)

    def close(self) -> None:
        """Let go of the file, if that was not done before."""
        self.sync()
        with self._lock:
            file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _write(self, data: bytes | bytearray) -> bool:
        """Write all of it or nothing."""
        try:
            n_written = os.write(self._file, data)
        except OSError as error:
            self._refusal, self._tried = error.strerror or str(error), time.monotonic()
            return False
        if n_written != len(data):
            self._tried = time.monotonic()
            with suppress(OSError):
                os.ftruncate(self._file, self._written)
            return False
        self._written += n_written
        self._is_synced = False
        return True

    def _hold(self, line: bytes) -> None:
        limit = f"{self._most_held / (1 << 20):,.0f} MiB"
        if len(self._held) + len(line) > self._most_held:
            self.lost += 1
            if self.lost == 1:
                self._tell(f"{limit} of records are held in memory: what comes now is lost.")
            return
        if not self._held:
            self._tell(
                f"The disk refuses what is recorded ({self._refusal}): it is held in memory, up to "
                f"{limit}, and the run goes on. Free some space: {self.path.parent}"
            )
        self._held += line

    def _release(self) -> bool:
        """Write what is held, if that was not tried just now."""
        if time.monotonic() - self._tried < _PATIENCE_S or not self._write(self._held):
            return False
        self._held.clear()
        return True


def _whole_lines(file: int) -> int:
    """Bytes up to the last newline of a file."""
    end = os.fstat(file).st_size
    while end:
        start = max(0, end - (1 << 16))
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
