"""What a training process takes before its first step, and how much memory, beside a bare loop.

The bare loop is that of `training_ways.py`; ours records to a spool and has no store. Processes are
started in turn. CPU time is of the whole process until the first step; memory is what it held at
most, after some hundred steps.

Then a training on rows in mapped files at two sizes: memory is flat in the number of rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

MOST_S, MOST_MIB, MOST_GROWTH_MIB = 0.5, 30, 32
ROUNDS, QUICK_ROUNDS, STEPS = 15, 3, 200
SIZES_MIB, QUICK_SIZES_MIB = (500, 5000), (400, 800)
BARE, OURS = "by hand", "assay, recording only"


def memory_mib(process: int | str = "self") -> dict[str, float]:
    """Memory of a process: at most, and now what is its own, and what is of files."""
    kinds = {"VmHWM": "most", "RssAnon": "anonymous", "RssFile": "of_files"}
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    split = (line.split() for line in lines)
    return {kinds[s[0][:-1]]: int(s[1]) / 1024 for s in split if s and s[0][:-1] in kinds}


def begun(way: str) -> dict[str, float]:
    """Seconds of a process until its first step, and its memory after some."""
    script = str(Path(__file__).with_name("training_ways.py"))
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, script, way, "mlp", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        cpu_s = float(process.stdout.readline().split()[0])
        wall_s = time.perf_counter() - started
        print(STEPS, file=process.stdin, flush=True)
        process.stdout.readline()
        memory = memory_mib(process.pid)
        process.kill()
    return {"cpu_s": cpu_s, "wall_s": wall_s, "mib": memory["most"]}


def begin_all(rounds: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):
        for way in (BARE, OURS):
            for kind, value in begun(way).items():
                if number:  # the first round reads files from the disk
                    found.setdefault(way, {}).setdefault(kind, []).append(value)
    return found


def trained_on(size_mib: int) -> dict[str, float]:
    """Memory of a process that trains for an epoch on so much in mapped files."""
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        n = size_mib * 2**20 // 512
        written = np.lib.format.open_memmap(f"{folder}/x.npy", "w+", np.float32, (n, 126))
        for first in range(0, n, 8192):
            written[first : first + 8192] = 1.0
        written.flush()
        np.save(f"{folder}/y.npy", np.arange(n) % 10)
        command = [sys.executable, __file__, "--train", folder]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {"data_mib": size_mib, **json.loads(said.splitlines()[-1])}


def train(folder: Path) -> dict[str, float]:
    """In this process: an epoch of mapped rows, and the most memory beyond that before."""
    from torch import nn

    from assay.training.callbacks import Callback
    from assay.training.fit import fit
    from assay.training.loop import Training
    from assay.training.mapped import Mapped
    from assay.training.settings import LoopSettings

    seen: list[dict[str, float]] = []

    class Watching(Callback):
        def on_begin(self, training: Training) -> None:  # noqa: ARG002
            seen.append(memory_mib())

        def on_step(self, training: Training) -> None:
            if training.position.step % 64 == 0:
                seen.append(memory_mib())

    settings = LoopSettings(
        epochs=1, batch_size=256, precision="fp32", threads=1, loader_workers=0, patience=None
    )
    model = nn.Sequential(nn.Linear(126, 16), nn.ReLU(), nn.Linear(16, 10))
    fit(
        model, Mapped(folder / "x.npy", folder / "y.npy"), nn.CrossEntropyLoss(),
        settings=settings, callbacks=[Watching()], folder=folder / "checkpoints",
    )  # fmt: skip
    return {kind: max(each[kind] for each in seen) - seen[0][kind] for kind in seen[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller files")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(train(Path(arguments.train))))
        return
    found = begin_all(QUICK_ROUNDS if arguments.quick else ROUNDS)
    mapped = [trained_on(size) for size in (QUICK_SIZES_MIB if arguments.quick else SIZES_MIB)]
    if arguments.json:
        print(json.dumps({"begun": found, "mapped": mapped}))
        return
    report(found, mapped)


def report(found: dict[str, dict[str, list[float]]], mapped: list[dict[str, Any]]) -> None:
    for way, each in found.items():
        print(
            f"{way}: first step after {median(each['wall_s']):.2f} s, "
            f"{median(each['cpu_s']):.2f} s of CPU time; {median(each['mib']):.0f} MiB at most"
        )
    for size in mapped:
        print(
            f"{size['data_mib']} MiB of mapped rows: training takes {size['anonymous']:.0f} MiB "
            f"of its own, {size['of_files']:.0f} MiB of files"
        )
    more = {
        kind: median(a - b for a, b in zip(found[OURS][kind], found[BARE][kind], strict=True))
        for kind in ("wall_s", "cpu_s", "mib")
    }
    for kind, name in (("wall_s", "first step"), ("cpu_s", "first step, CPU time")):
        bar(f"{name}, beside a bare loop", f"{more[kind]:+.2f} s", f"<= {MOST_S} s",
            more[kind] <= MOST_S)  # fmt: skip
    bar("memory, beside a bare loop", f"{more['mib']:+.0f} MiB", f"<= {MOST_MIB} MiB",
        more["mib"] <= MOST_MIB)  # fmt: skip
    for kind in ("anonymous", "of_files"):
        growth = mapped[1][kind] - mapped[0][kind]
        bar(f"growth with mapped rows, {kind}", f"{growth:+.0f} MiB", f"<= {MOST_GROWTH_MIB} MiB",
            growth <= MOST_GROWTH_MIB)  # fmt: skip


def bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
