"""Resources: what a run uses of the machine while it goes on, as metrics named `system/...`.

A thread looks now and then, more seldom the longer the run; nothing waits for it. Memory is what
the process and its workers have resident; pages that they share are counted for each of them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from assay.tracking.recorder import Recorder

_FIRST_S = 1.0
_GROWTH = 1.2
_LONGEST_S = 15.0
_MIB = 1 << 20


@contextmanager
def watched(recorder: Recorder, scratch: Path, since_s: int = 0) -> Iterator[None]:
    """Record what is used until the block ends; where a GPU's memory is full, what filled it.

    Args:
        recorder: Of the run.
        scratch: A folder for a file on its way.
        since_s: How long the run was watched before it resumed, in seconds.
    """
    watch = _Watch(recorder, since_s)
    watch.start()
    try:
        yield
    except Exception as error:
        summary = _memory_of_gpu(error)
        if summary:
            path = scratch / "cuda-memory.txt"
            path.write_text(summary, encoding="utf-8")
            recorder.artifact(path)
        raise
    finally:
        watch.stop()


class _Watch(threading.Thread):
    def __init__(self, recorder: Recorder, since_s: int) -> None:
        super().__init__(name="assay-resources", daemon=True)
        self._recorder = recorder
        self._since_s = since_s
        self._ended = threading.Event()
        self._usage = Usage()

    def run(self) -> None:
        rest_s, began = _FIRST_S, time.monotonic()
        while not self._ended.wait(rest_s):
            with suppress(Exception):  # whatever the system says, the run goes on
                step = self._since_s + round(time.monotonic() - began)
                self._recorder.metrics(self._usage.since_last(), step)
            rest_s = min(rest_s * _GROWTH, _LONGEST_S)

    def stop(self) -> None:
        self._ended.set()
        self.join()


class Usage:
    """What this process and those it began use."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._at = time.monotonic()
        self._cpu_s: dict[int, float] = {}
        self._network = psutil.net_io_counters()
        self._disk = self._disk_bytes()
        self._cpu_percent(self._family(), 1.0)

    def since_last(self) -> dict[str, float]:
        """What was used since the last time, by the metric's name."""
        now = time.monotonic()
        elapsed_s, self._at = max(now - self._at, 1e-3), now
        family = self._family()
        used = {
            "system/cpu_percent": self._cpu_percent(family, elapsed_s),
            "system/memory_mib": self._memory_mib(family),
            "system/machine_memory_percent": float(psutil.virtual_memory().percent),
            "system/processes": float(len(family)),
        }
        return {**used, **self._disk_mib(), **self._network_mib(), **_gpu()}

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def _cpu_percent(self, family: list[psutil.Process], elapsed_s: float) -> float:
        """Of one core: 200 is two cores in full use."""
        used, before = {}, self._cpu_s
        for each in family:
            with suppress(psutil.Error):  # it may be gone by now
                times = each.cpu_times()
                used[each.pid] = times.user + times.system
        self._cpu_s = used
        spent = sum(seconds - before.get(pid, 0.0) for pid, seconds in used.items())
        return 100 * max(spent, 0.0) / elapsed_s

    def _memory_mib(self, family: list[psutil.Process]) -> float:
        total = 0
        for each in family:
            with suppress(psutil.Error):
                total += each.memory_info().rss
        return total / _MIB

    def _disk_bytes(self) -> tuple[int, int] | None:
        counters = getattr(self._process, "io_counters", None)  # not on macOS
        if counters is None:
            return None
        with suppress(psutil.Error, OSError):
            counted = counters()
            return counted.read_bytes, counted.write_bytes
        return None

    def _disk_mib(self) -> dict[str, float]:
        """Of this process; what its workers write is theirs."""
        before, self._disk = self._disk, self._disk_bytes()
        if before is None or self._disk is None:
            return {}
        return {
            "system/disk_read_mib": (self._disk[0] - before[0]) / _MIB,
            "system/disk_written_mib": (self._disk[1] - before[1]) / _MIB,
        }

    def _network_mib(self) -> dict[str, float]:
        """Of the whole machine: the system counts it for no process."""
        before, self._network = self._network, psutil.net_io_counters()
        if before is None or self._network is None:
            return {}
        return {
            "system/network_received_mib": (self._network.bytes_recv - before.bytes_recv) / _MIB,
            "system/network_sent_mib": (self._network.bytes_sent - before.bytes_sent) / _MIB,
        }


def _gpu() -> dict[str, float]:
    """Memory of the GPUs that torch uses, where it is loaded and uses one."""
    cuda = _cuda()
    if cuda is None:
        return {}
    used: dict[str, float] = {}
    for number in range(cuda.device_count()):
        used[f"system/gpu_{number}_memory_mib"] = cuda.memory_allocated(number) / _MIB
        used[f"system/gpu_{number}_reserved_mib"] = cuda.memory_reserved(number) / _MIB
        with suppress(Exception):  # it needs a package of its own
            used[f"system/gpu_{number}_percent"] = float(cuda.utilization(number))
    return used


def _memory_of_gpu(error: Exception) -> str:
    """What filled the memory of a GPU, if that is what happened."""
    cuda = _cuda()
    if cuda is None or not isinstance(error, cuda.OutOfMemoryError):
        return ""
    return str(cuda.memory_summary())


def _cuda() -> Any:
    """`torch.cuda`, where torch is loaded and has begun to use a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return torch.cuda
