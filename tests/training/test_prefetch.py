from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from assay.errors import DataError
from assay.training.batches import Batch, Tensors, tensors_of
from assay.training.items import Items
from assay.training.mapped import Mapped
from assay.training.order import Order
from assay.training.prefetch import Loader, _leave_signals_to_the_parent, workers_for

N = 203


class Drawing(Dataset[Any]):
    """Items that draw from every global generator."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, number: int) -> Any:
        return torch.rand(2) + random.random(), (number, np.random.random())


class Failing(Drawing):
    def __getitem__(self, number: int) -> Any:
        if number == 77:
            raise DataError("Picture 77 is torn.", where="77.png", mend="Leave it out.")
        return super().__getitem__(number)


class HeldError(Exception):
    def __init__(self, number: int, *, lock: Any) -> None:
        super().__init__(f"number {number}")
        self.lock = lock


class FailingOddly(Drawing):
    def __getitem__(self, number: int) -> Any:
        raise HeldError(number, lock=sys.stdin)


def shaken(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs.float() + torch.rand(inputs.shape, generator=generator)


def in_place(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs.add_(int(torch.randint(0, 50, (1,), generator=generator)))


def tensors() -> Tensors:
    return Tensors(torch.rand(N, 5, generator=torch.Generator().manual_seed(0)), torch.arange(N))


def mapped(folder: Path) -> Mapped:
    paths = folder / "x.npy", folder / "y.npy"
    np.save(paths[0], np.random.default_rng(0).integers(0, 200, (N, 3, 4, 4), dtype=np.uint8))
    np.save(paths[1], np.arange(N))
    return Mapped(*paths, block=8)


SOURCES = {
    "tensors": lambda _: tensors(),
    "mapped": mapped,
    "items": lambda _: Items(Drawing()),
}


def same(one: Batch, other: Batch) -> None:
    pairs = list(zip(tensors_of(one), tensors_of(other), strict=True))
    assert pairs
    for ours, wanted in pairs:
        assert torch.equal(ours, wanted)
        assert ours.data_ptr() % 64 == wanted.data_ptr() % 64


@pytest.mark.parametrize("augment", [None, shaken, in_place])
@pytest.mark.parametrize("source", SOURCES)
def test_workers_change_no_bit_and_no_place_over_epochs_from_any_start(
    tmp_path: Path, source: str, augment: Any
) -> None:
    data = SOURCES[source](tmp_path)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with (
        Loader(data, 16, augment=augment) as alone,
        Loader(data, 16, augment=augment, workers=2) as together,
    ):
        for epoch, start in ((0, 0), (1, 5), (2, 12), (None, 0)):
            order = Order(N, data.block, 3, epoch)
            wanted = alone.epoch(order, start)
            seen = 0
            for ours, other in zip(together.epoch(order, start), wanted, strict=True):
                same(ours, other)
                seen += 1
            assert seen == 13 - start
    assert torch.equal(before, torch.get_rng_state())


def test_an_epoch_may_be_left_before_its_end() -> None:
    data = Items(Drawing())
    with Loader(data, 16, workers=2) as loader, Loader(data, 16) as alone:
        for _ in zip(range(3), loader.epoch(Order(N, 1, 0, 0)), strict=False):
            pass
        order = Order(N, 1, 0, 1)
        for ours, wanted in zip(loader.epoch(order), alone.epoch(order), strict=True):
            same(ours, wanted)


def test_workers_stay_from_epoch_to_epoch_and_end_when_closed() -> None:
    others = set(psutil.Process().children())
    with Loader(tensors(), 16, workers=2) as loader:
        list(loader.epoch(Order(N, 1, 0, 0)))
        workers = set(psutil.Process().children()) - others
        assert len(workers) == 2
        list(loader.epoch(Order(N, 1, 0, 1)))
        assert set(psutil.Process().children()) - others == workers
    assert not [each for each in workers if each.is_running()]


def test_an_error_in_a_worker_is_raised_as_it_was() -> None:
    with (
        Loader(Items(Failing()), 16, workers=2) as loader,
        pytest.raises(DataError, match=r"Picture 77 is torn\.") as caught,
    ):
        list(loader.epoch(Order(N, 1, 0, 0)))
    assert (caught.value.where, caught.value.mend) == ("77.png", "Leave it out.")
    assert "__getitem__" in caught.value.__notes__[0]


def test_an_error_that_cannot_travel_keeps_its_words() -> None:
    with (
        Loader(Items(FailingOddly()), 16, workers=1) as loader,
        pytest.raises(RuntimeError, match="HeldError: number 0"),
    ):
        list(loader.epoch(Order(N, 1, 0, None)))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_to_all_processes_leaves_workers_at_work(name: str) -> None:
    order = Order(N, 1, 0, 0)
    with Loader(tensors(), 16, workers=2) as loader:
        batches: Iterator[Batch] = loader.epoch(order)
        rows = [next(batches).targets]
        workers = [str(each.pid) for each in psutil.Process().children()]
        subprocess.run(["kill", "-s", name.removeprefix("SIG"), *workers], check=True)
        rows += [batch.targets for batch in batches]
        rows += [batch.targets for batch in loader.epoch(order)]
    assert torch.cat(rows).tolist() == 2 * order.rows(0, N).tolist()


_TRAINING = """
import psutil, torch
from assay.training.batches import Tensors
from assay.training.order import Order
from assay.training.prefetch import Loader

loader = Loader(Tensors(torch.zeros(100, 2), torch.zeros(100)), 10, workers=2)
batches = loader.epoch(Order(100, 1, 0, 0))
next(batches)
print(*[each.pid for each in psutil.Process().children()], flush=True)
"""


def test_workers_end_with_a_parent_that_ends_without_closing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING], check=True, capture_output=True, text=True, timeout=100
    )
    assert done.stderr == ""
    _end([int(pid) for pid in done.stdout.split()])


def test_workers_end_with_a_parent_that_is_killed() -> None:
    receiving, sending = multiprocessing.get_context("fork").Pipe(duplex=False)
    training = multiprocessing.get_context("fork").Process(target=_train, args=(sending,))
    training.start()
    workers = receiving.recv()
    training.kill()
    training.join()
    _end(workers)


def test_a_worker_ends_whose_parent_was_killed_while_it_was_started() -> None:
    worker = multiprocessing.get_context("fork").Process(target=_start_without_parent)
    worker.start()
    worker.join(30)
    assert worker.exitcode == 0


def _start_without_parent() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _leave_signals_to_the_parent(os.getpid(), 0)  # whoever its parent is, it is another one
    time.sleep(100)


def _train(sending: Any) -> None:
    batches = Loader(tensors(), 16, workers=2).epoch(Order(N, 1, 0, 0))
    next(batches)
    sending.send([each.pid for each in psutil.Process().children()])
    time.sleep(100)


def _end(workers: list[int]) -> None:
    assert len(workers) == 2
    latest = time.monotonic() + 30
    while any(_lives(pid) for pid in workers):
        assert time.monotonic() < latest
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_batches_come_on_the_device_that_is_asked_for() -> None:
    loader = Loader(tensors(), 16, device=torch.device("meta"))
    shapes = [batch.inputs.shape for batch in loader.epoch(Order(N, 1, 0, 0))]
    assert shapes == [(16, 5)] * 12 + [(11, 5)]
    batch = next(iter(loader.epoch(Order(N, 1, 0, 0))))
    assert batch.inputs.is_meta
    assert batch.weights is None


def test_workers_are_for_what_is_decoded_or_greater_than_memory(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    assert workers_for(tensors()) == 0
    assert workers_for(mapped(tmp_path)) == 0
    assert workers_for(Items(TensorDataset(torch.zeros(3)))) == 0
    assert workers_for(Items(Drawing())) == cores
    assert workers_for(Items(Drawing()), processes=1000) == 1
    huge = tmp_path / "huge.npy"
    with huge.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**40 // 4096, 4096)}
        np.lib.format.write_array_header_2_0(file, header)
        file.truncate(file.tell() + 2**40)
    assert workers_for(Mapped(huge, huge)) == cores
