"""The processes in which fits are done: forked by a server on Linux, elsewhere begun anew."""

from __future__ import annotations

from contextlib import suppress

import psutil


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """The workers of a process."""
    found = []
    for each in process.children():
        with suppress(psutil.Error):  # it may be gone by now
            line = " ".join(each.cmdline())
            found += each.children() if "forkserver" in line else [each] * ("popen_loky" in line)
    return found
