"""What a batch costs: rows in memory, rows in mapped files, and PyTorch's own loader.

The same shuffled rows as small floats and as small images, in interleaved blocks of an epoch each:
CPU time of this process without workers, wall time with two. Then resident memory while an epoch of
mapped rows is read, at two sizes: what the process holds (anonymous), and pages of files, which the
system takes back when it wants to.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from assay.training.batches import Tensors, stream
from assay.training.items import Items
from assay.training.mapped import Mapped
from assay.training.order import Order
from assay.training.prefetch import Loader

WAYS = ("Tensors", "Mapped", "Items", "DataLoader", "Tensors, 2 workers", "DataLoader, 2 workers")
MOST_OF_STOCK, MOST_MAPPED_OF_STOCK, MOST_WITH_WORKERS = 0.5, 0.5, 0.5
MOST_GROWTH_MIB = 64


def kinds(batches: int) -> dict[str, tuple[Any, int]]:
    """Inputs and the size of a batch, of so many batches."""
    random = np.random.default_rng(0)
    return {
        "20 floats, batch 32": (random.random((batches * 32, 20), dtype=np.float32), 32),
        "images 3x32x32 uint8, batch 128": (
            random.integers(0, 256, (batches * 64, 3, 32, 32), dtype=np.uint8),
            128,
        ),
    }


def ways(inputs: Any, batch_size: int, folder: Path) -> dict[str, Callable[[int], Iterable[Any]]]:
    """For each way a function of the epoch to its batches."""
    targets = np.arange(len(inputs)) % 10
    np.save(folder / "x.npy", inputs)
    np.save(folder / "y.npy", targets)
    held = Tensors(torch.from_numpy(inputs), torch.from_numpy(targets))
    mapped = Mapped(folder / "x.npy", folder / "y.npy", block=256)
    dataset = TensorDataset(held.inputs, held.targets)
    stock = DataLoader(dataset, batch_size, shuffle=True)
    working = DataLoader(dataset, batch_size, shuffle=True, num_workers=2, persistent_workers=True)
    loader = Loader(held, batch_size, workers=2)

    def ours(data: Any) -> Callable[[int], Iterable[Any]]:
        return lambda epoch: stream(data, Order(len(data), data.block, 0, epoch), batch_size)

    return {
        "Tensors": ours(held),
        "Mapped": ours(mapped),
        "Items": ours(Items(dataset)),
        "DataLoader": lambda _: stock,
        "Tensors, 2 workers": lambda epoch: loader.epoch(Order(len(held), 1, 0, epoch)),
        "DataLoader, 2 workers": lambda _: working,
    }


def us_per_batch(batches: Iterable[Any], clock: Callable[[], float]) -> float:
    started, number = clock(), 0
    for _ in batches:
        number += 1
    return (clock() - started) / number * 1e6


def timed(n_batches: int, blocks: int) -> dict[str, dict[str, list[float]]]:
    """For each kind of rows and each way, microseconds a batch in each block."""
    found: dict[str, dict[str, list[float]]] = {}
    for kind, (inputs, batch_size) in kinds(n_batches).items():
        with tempfile.TemporaryDirectory() as folder:
            each = ways(inputs, batch_size, Path(folder))
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            for block in range(blocks + 1):
                for way in WAYS:
                    clock = time.perf_counter if "workers" in way else time.process_time
                    us = us_per_batch(each[way](block), clock)
                    if block > 0:  # the first one warms up
                        times[way].append(us)
            found[kind] = times
    return found


def resident(size_mib: int) -> dict[str, float]:
    """Most MiB resident while an epoch of mapped rows is read, beyond what was before."""
    with tempfile.TemporaryDirectory() as folder:
        n = size_mib * 2**20 // 512
        written = np.lib.format.open_memmap(f"{folder}/x.npy", "w+", np.float32, (n, 126))
        for first in range(0, n, 8192):
            written[first : first + 8192] = 1.0
        written.flush()
        np.save(f"{folder}/y.npy", np.ones(n, dtype=np.int64))
        command = [sys.executable, __file__, "--read", folder]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {"data_mib": size_mib, **json.loads(said)}


def read(folder: str) -> dict[str, float]:
    torch.set_num_threads(1)
    mapped = Mapped(Path(folder) / "x.npy", Path(folder) / "y.npy")
    before = _status()
    most = dict(before)
    order = Order(len(mapped), mapped.block, 0, 0)
    for number, _ in enumerate(stream(mapped, order, 128)):
        if number % 64 == 0:
            most = {kind: max(most[kind], now) for kind, now in _status().items()}
    return {kind: most[kind] - before[kind] for kind in most}


def _status() -> dict[str, float]:
    lines = Path("/proc/self/status").read_text().splitlines()
    kinds = {"RssAnon": "anonymous_mib", "RssFile": "of_files_mib"}
    split = (line.split() for line in lines)
    return {kinds[s[0][:-1]]: int(s[1]) / 1024 for s in split if s and s[0][:-1] in kinds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer batches, smaller files")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        print(json.dumps(read(arguments.read)))
        return
    torch.set_num_threads(1)
    times = timed(*((200, 5) if arguments.quick else (1000, 20)))
    memory = [resident(mib) for mib in ((400, 800) if arguments.quick else (500, 5000))]
    if arguments.json:
        print(json.dumps({"us_per_batch": times, "memory": memory}))
        return
    for kind, of_kind in times.items():
        print(kind)
        for way, us in of_kind.items():
            print(f"    {way}: {median(us):.0f} us a batch (from {min(us):.0f} to {max(us):.0f})")
    for each in memory:
        print(
            f"{each['data_mib']} MiB of mapped rows: {each['anonymous_mib']:.0f} MiB anonymous, "
            f"{each['of_files_mib']:.0f} MiB of files"
        )
    for kind, of_kind in times.items():
        for way, beside, most in (
            ("Tensors", "DataLoader", MOST_OF_STOCK),
            ("Mapped", "DataLoader", MOST_MAPPED_OF_STOCK),
            ("Tensors, 2 workers", "DataLoader, 2 workers", MOST_WITH_WORKERS),
        ):
            pairs = zip(of_kind[way], of_kind[beside], strict=True)
            share = median(one / other for one, other in pairs)
            _bar(f"{way} beside {beside}, {kind}", f"{share:.2f}", f"<= {most}", share <= most)
    for what in ("anonymous_mib", "of_files_mib"):
        growth = memory[1][what] - memory[0][what]
        is_met = growth <= MOST_GROWTH_MIB
        _bar(f"growth of {what}", f"{growth:.0f}", f"<= {MOST_GROWTH_MIB}", is_met)


def _bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
