"""Batches that are read ahead: by processes where rows are decoded or read, else as they are asked.

Workers change nothing but the time: order, augmentation and whatever a dataset draws are functions
of the seed, the epoch and the batch's number, and a batch lies in memory as it would without them.
What travels to a worker is an epoch and a number, so that reading begins anywhere at once.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from assay.threads import cores
from assay.training.batches import (
    Augment,
    Batch,
    Data,
    Tensors,
    batches_at_once,
    cut,
    mapped,
    order_of,
    stream,
    taken,
    tensors_of,
)
from assay.training.items import Items
from assay.training.mapped import Mapped
from assay.training.order import Bounds, Order
from assay.training.sequences import Sequences

_AHEAD = 2
_LOOKS_S = 1.0
_SHARE_OF_MEMORY = 0.5
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


class Loader:
    """The batches of one epoch after the other.

    Workers are started with the first epoch, stay for the next, and end with `close`, or within
    seconds of this process. Ctrl-C and termination are left to this process. On Linux they are
    forked: data and augmentation may be of any make, but must not touch CUDA.

    Args:
        data: Rows by number.
        batch_size: Rows in a batch.
        workers: Processes that read ahead; 0 for none; see `workers_for`.
        augment: Changes the inputs of a batch, drawing from the generator it is handed only.
        device: Where batches are wanted; on CUDA the next is on its way while one is trained on.
    """

    def __init__(
        self,
        data: Data,
        batch_size: int,
        *,
        workers: int = 0,
        augment: Augment | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._data, self._batch_size, self._augment = data, batch_size, augment
        self._workers = workers
        self._device = device if device is not None and device.type != "cpu" else None
        self._is_cuda = self._device is not None and self._device.type == "cuda"
        self._tasks = _Tasks()
        self._loader: Any = None
        self._reading: Any = None

    def epoch(self, order: Order, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the one at `start` on, counted from zero.

        The epoch before is over with it, whether it was read to its end or not.

        Raises:
            Exception: What the data or the augmentation raised, as it was raised.
        """
        if self._workers:
            batches = self._read_ahead(order, start)
        else:
            batches = stream(self._data, order, self._batch_size, start, augment=self._augment)
        if self._device is None:
            return batches
        return _on_cuda(batches, self._device) if self._is_cuda else _moved(batches, self._device)

    def close(self) -> None:
        """End the workers."""
        reading, self._reading, self._loader = self._reading, None, None
        if reading is not None:
            workers = list(reading._workers)
            reading._shutdown_workers()  # PyTorch has no public word for it
            for each in workers:
                if each.is_alive():
                    each.kill()
                    each.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_ahead(self, order: Order, start: int) -> Iterator[Batch]:
        size = self._batch_size
        per_window = batches_at_once(self._data, size)
        firsts = range(start - start % per_window, len(Bounds(len(order), size)), per_window)
        self._tasks.now = [(order.key, first) for first in firsts]
        if self._loader is None:
            self._loader = self._made()
        with _held_back(_SIGNALS):  # so that a worker is met by none before it can leave them
            self._reading = iter(self._loader)
        for first, read in zip(firsts, self._reading, strict=True):
            if isinstance(read, _Failure):
                raise read.again()
            if isinstance(read, list):
                yield from read[max(start - first, 0) :]
            else:
                yield from cut(read, order, size, first, start=start)

    def _made(self) -> Any:
        from torch.utils.data import DataLoader

        work: Any = _Work(self._data, self._batch_size, self._augment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # more workers than cores were asked for
            return DataLoader(
                work,
                batch_size=None,
                sampler=self._tasks,
                num_workers=self._workers,
                collate_fn=_as_it_is,
                pin_memory=self._is_cuda,
                worker_init_fn=partial(_leave_signals_to_the_parent, os.getpid()),
                prefetch_factor=_AHEAD,
                persistent_workers=True,
                multiprocessing_context="fork" if sys.platform == "linux" else None,
                generator=torch.Generator().manual_seed(0),  # else it draws from the global one
            )


def workers_for(data: Data, processes: int = 1) -> int:
    """How many workers help: none for what is in memory, or will be in the system's cache.

    Args:
        data: What is read.
        processes: Processes on this machine that train together.
    """
    if isinstance(data, Tensors | Sequences):
        return 0
    if isinstance(data, Items) and type(data.dataset).__name__ == "TensorDataset":
        return 0
    if isinstance(data, Mapped):
        import psutil

        if data.size_bytes < psutil.virtual_memory().total * _SHARE_OF_MEMORY:
            return 0
    return max(1, cores() // processes)


class _Tasks(Sized):
    """What the workers are to read in this epoch."""

    def __init__(self) -> None:
        self.now: list[tuple[Any, int]] = []

    def __len__(self) -> int:
        return len(self.now)

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        return iter(self.now)


@dataclass(frozen=True)
class _Failure:
    """What went wrong in a worker, to be raised in the process that waits for it."""

    error: Exception
    trace: str

    @classmethod
    def of(cls, error: Exception) -> _Failure:
        trace = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # whatever somebody else's class raises when it is pickled
            return cls(RuntimeError(f"{type(error).__name__}: {error}"), trace)
        return cls(error, trace)

    def again(self) -> Exception:
        self.error.add_note(f"In a loader worker:\n{self.trace}")
        return self.error


class _Work:
    """What a worker does: the window of an order that begins with a batch's number."""

    def __init__(self, data: Data, batch_size: int, augment: Augment | None) -> None:
        self._data, self._batch_size, self._augment = data, batch_size, augment
        self._order: Order | None = None

    def __getitem__(self, task: tuple[Any, int]) -> Batch | list[Batch] | _Failure:
        """The window; or its batches, where each is augmented."""
        key, first = task
        try:
            if self._order is None or self._order.key != key:
                _, together, seed, epoch = key
                self._order = order_of(self._data, seed, epoch, together)
            window = taken(self._data, self._order, self._batch_size, first)
            if self._augment is None:
                return window
            parts = cut(window, self._order, self._batch_size, first, augment=self._augment)
            return list(parts)
        except Exception as error:
            return _Failure.of(error)


def _as_it_is(read: Any) -> Any:
    return read


@contextmanager
def _held_back(signals: frozenset[signal.Signals]) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_signals_to_the_parent(parent: int, _: int) -> None:
    """Ctrl-C, and termination of all processes at once, must not break what the parent saves.

    A worker ends when the parent itself terminates it, or is no more: PyTorch's own watch takes
    whoever is the parent as it begins, which may already be another one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, "sigtimedwait"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return

    def end_with_the_parent() -> None:
        while os.getppid() == parent:
            told = signal.sigtimedwait({signal.SIGTERM}, _LOOKS_S)
            if told is not None and told.si_pid == parent:
                break
        os._exit(0)

    threading.Thread(target=end_with_the_parent, daemon=True).start()


def _moved(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    for batch in batches:
        yield Batch(*mapped(tuple(batch), lambda each: each.to(device)))


def _on_cuda(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Copied on a stream of its own, one batch ahead of the one that is trained on."""
    side: Any = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: tuple[Batch, torch.cuda.Event] | None = None

    def move(tensor: Tensor) -> Tensor:
        pinned = tensor if tensor.is_cuda or tensor.is_pinned() else tensor.pin_memory()
        return pinned.to(device, non_blocking=True)

    def ready(batch: Batch, copied: torch.cuda.Event) -> Batch:
        here = torch.cuda.current_stream(device)
        here.wait_event(copied)
        for tensor in tensors_of(batch):
            tensor.record_stream(here)
        return batch

    for batch in batches:
        with torch.cuda.stream(side):
            coming = Batch(*mapped(tuple(batch), move)), side.record_event()
        if waiting is not None:
            yield ready(*waiting)
        waiting = coming
    if waiting is not None:
        yield ready(*waiting)
