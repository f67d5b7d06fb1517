"""Where the time goes: a few steps by the clock, then a few under torch's profiler.

The shares are taken from steps that the profiler does not slow down; it makes most of small
operators. A loop that is not profiled enters regions that are one empty context.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch

from assay.monitor import Step
from assay.training.breakdown import Breakdown, Operator
from assay.training.precision import NOTHING

if TYPE_CHECKING:
    from assay.training.given import Given

Region = Literal["data", "transfer", "forward", "backward", "optimizer", "recording"]
"""What a step is made of; what is in none of them is 'other'."""
_WAIT, _TIMED, _WARM_UP, _TRACED = 3, 10, 1, 4
_PREFIX = "assay: "
_OPERATORS = 8


class Profile(Protocol):
    """What a loop tells where it is."""

    def region(self, name: Region) -> AbstractContextManager[Any]:
        """The loop is in this region within it; regions do not overlap."""
        ...

    def step(self) -> None:
        """An optimizer step has ended, and with it all that belongs to it."""
        ...


class Unprofiled:
    """Nothing is measured, at next to no cost."""

    def region(self, name: Region) -> AbstractContextManager[Any]:  # noqa: ARG002
        return NOTHING

    def step(self) -> None:
        return


class Profiler:
    """Measures the first steps: a few not at all, some by the clock, some under the profiler.

    Attributes:
        steps_needed: Optimizer steps after which all is measured; those after it cost nothing.
        breakdown: What was found; None before `profile` has ended, or where no step was timed.
    """

    steps_needed = _WAIT + _TIMED + _WARM_UP + _TRACED

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.breakdown: Breakdown | None = None
        self._folder, self._device = folder, device
        self._steps = 0
        self._clock = _Clock(device)
        self._trace: torch.profiler.profile | None = None
        self._operators: tuple[Operator, ...] = ()
        self._file: Path | None = None
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def region(self, name: Region) -> AbstractContextManager[Any]:
        if _WAIT <= self._steps < _WAIT + _TIMED:
            return self._clock.region(name)
        if self._trace is not None:
            return torch.profiler.record_function(_PREFIX + name)
        return NOTHING

    def step(self) -> None:
        self._steps += 1
        if self._steps == _WAIT:
            self._clock.begin()
        elif _WAIT < self._steps <= _WAIT + _TIMED:
            self._clock.step()
            if self._steps == _WAIT + _TIMED:
                self._begin_trace()
        elif self._trace is not None:
            self._trace.step()
            if self._steps == self.steps_needed:
                self._end_trace()

    def end(self) -> None:
        """Ends what is under way, and sums up."""
        if self._trace is not None:
            self._end_trace()
        if self._clock.steps:
            self.breakdown = Breakdown(
                seconds=self._clock.shares(),
                steps=self._clock.steps,
                operators=self._operators,
                peak_bytes=_peak_bytes(self._device),
                device=self._device.type,
                trace=self._file,
            )

    def _begin_trace(self) -> None:
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self._device.type == "cuda":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self._trace = torch.profiler.profile(
            activities=activities,
            schedule=torch.profiler.schedule(wait=0, warmup=_WARM_UP, active=_TRACED, repeat=1),
            on_trace_ready=self._read,
            acc_events=True,
        )
        self._trace.start()

    def _end_trace(self) -> None:
        assert self._trace is not None
        trace, self._trace = self._trace, None
        trace.stop()

    def _read(self, trace: torch.profiler.profile) -> None:
        self._operators = _operators(trace, self._device)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = self._folder / "trace.json.gz"
        trace.export_chrome_trace(str(self._file))


@contextmanager
def profile(folder: Path, device: torch.device) -> Iterator[Profiler]:
    """Within it a loop that tells where it is gets measured; after it there is a `breakdown`.

    Args:
        folder: Where `trace.json.gz` goes, for chrome://tracing or ui.perfetto.dev.
        device: Where the model is.
    """
    profiler = Profiler(folder, device)
    try:
        yield profiler
    finally:
        profiler.end()


@contextmanager
def profiled(given: Given, device: torch.device, *, wanted: bool) -> Iterator[None]:
    """Within it the training's profiler measures; then what it found is announced and recorded.

    Args:
        given: What `fit` was given: `profiler` is set; `announce` and `recorder` are told.
        device: Where the model is.
        wanted: Whether to; else nothing is measured.
    """
    if not wanted:
        yield
        return
    with TemporaryDirectory() as folder:
        with profile(Path(folder), device) as profiler:
            given.profiler = profiler
            yield
        found = profiler.breakdown
        if found is None:
            return
        where = "The trace is with the run, in profile, for ui.perfetto.dev."
        told = f"{replace(found, trace=None)}\n{where}"
        given.announce(Step(told, lasting=True))
        text = Path(folder) / "where-the-time-goes.txt"
        text.write_text(f"{told}\n", encoding="utf-8")
        for each in (text, found.trace):
            if each is not None:
                given.recorder.artifact(each, "profile")


class _Clock:
    """Seconds in each region, by the wall; what an accelerator was asked for is waited for."""

    def __init__(self, device: torch.device) -> None:
        self.steps = 0
        self._waits = device.type != "cpu"
        self._seconds: dict[str, float] = {}
        self._began = self._ended = 0.0

    def begin(self) -> None:
        self._began = self._now()

    def step(self) -> None:
        self.steps += 1
        self._ended = self._now()

    @contextmanager
    def region(self, name: str) -> Iterator[None]:
        began = self._now()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + self._now() - began

    def shares(self) -> dict[str, float]:
        """Seconds of a step by region, with all that is in none."""
        each = {name: seconds / self.steps for name, seconds in self._seconds.items()}
        whole = (self._ended - self._began) / self.steps
        return each | {"other": max(0.0, whole - sum(each.values()))}

    def _now(self) -> float:
        if self._waits:
            torch.accelerator.synchronize()
        return time.perf_counter()


@dataclass(frozen=True)
class _Own:
    """What an operator took by itself, without those it called."""

    name: str
    seconds: float
    calls: int


def _operators(trace: torch.profiler.profile, device: torch.device) -> tuple[Operator, ...]:
    """The operators that took the most time by themselves, of the device that computes."""
    on_device = device.type != "cpu"
    owns = [
        _Own(
            each.key,
            (each.self_device_time_total if on_device else each.self_cpu_time_total) / 1e6,
            each.count,
        )
        for each in trace.key_averages()
        if not each.key.startswith((_PREFIX, "ProfilerStep"))
    ]
    whole = sum(each.seconds for each in owns) or 1.0
    owns.sort(key=lambda each: each.seconds, reverse=True)
    return tuple(
        Operator(
            name=each.name,
            share=each.seconds / whole,
            seconds=each.seconds / _TRACED,
            calls=each.calls / _TRACED,
        )
        for each in owns[:_OPERATORS]
    )


def _peak_bytes(device: torch.device) -> int:
    """The most memory: of the card, or resident of this process since it began."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
