"""What a training step costs beside a hand-written loop and beside other frameworks' loops.

Each loop is a process of its own (`training_ways.py`), which goes on by a block of steps when it is
told to: blocks of all loops are taken in turn, in random order, so that whatever else the machine
does meets all of them. CPU time is that of the whole process, with the threads that record and draw
the bar. All loops are started several times, for where its memory comes to lie makes a process some
per cent faster or slower for its whole life. A ratio is the median over the rounds of the ratios
within a round, with an interval of 95 % by bootstrap over starts.

Peers that are not installed are left out. They change nothing in this environment if they are put
beside it:

    pip install --no-deps --target PEERS lightning lightning-utilities torchmetrics pytorch-ignite \
        accelerate transformers
    PYTHONPATH=PEERS python benchmarks/training_loop.py
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from training_ways import WAYS

OURS, BARE, AUTO = "assay", "by hand", "assay, all on auto"
PEERS = ["Accelerate", "ignite", "HF Trainer", "Lightning, barebones", "Lightning"]
QUICK_PEERS = PEERS[:2]
STEPS = {"mlp": 400, "transformer": 40, "resnet": 1}
QUICK_STEPS = {"mlp": 100, "transformer": 20, "resnet": 1}
WANTED = {"mlp": 1.10, "transformer": 1.03, "resnet": 1.03}
WANTED_STEP = 1.03
STARTS, QUICK_STARTS = 7, 2
ROUNDS, QUICK_ROUNDS = 5, 3
RESNET_ROUNDS, QUICK_RESNET_ROUNDS = 3, 2
"""Of each start."""
DRAWS = 4000


class Loop:
    """A process that trains by blocks.

    Args:
        way: Which loop.
        network: On which network.
        threads: Numerical threads.
        variant: Of the arithmetic: 'channels-last', 'bf16'.
        name: What to call it; as the loop when absent.
        command: What is run instead of `training_ways.py`.
    """

    def __init__(
        self, way: str, network: str = "", threads: int = 0, variant: str = "", name: str = "",
        command: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.name = name or way
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.failure = ""
        self._begun: bool | None = None
        self._screen: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - see close
        environment = {
            **os.environ, "FORCE_COLOR": "1", "COLUMNS": "100",
            "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1",
        }  # fmt: skip
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        script = str(Path(__file__).with_name("training_ways.py"))
        self._process = subprocess.Popen(
            command or [sys.executable, script, way, network, str(threads), variant],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._screen, text=True,
            env=environment,
        )  # fmt: skip

    def begun(self) -> bool:
        """Waits for the first step; whether it came."""
        if self._begun is None:
            self._begun = self._said() is not None
        return self._begun

    def go_on(self, steps: int) -> tuple[float, float] | None:
        """CPU and wall seconds a step in a block of so many; None if the loop has failed."""
        if self.failure:
            return None
        assert self._process.stdin is not None
        print(steps, file=self._process.stdin, flush=True)
        return self._said()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._screen.close()

    def _said(self) -> tuple[float, float] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().split()
        if len(line) == 2:
            return float(line[0]), float(line[1])
        self._screen.seek(0)
        self.failure = (self._screen.read().strip().splitlines() or ["it ended"])[-1]
        return None


@dataclass(frozen=True)
class Ratio:
    """A median ratio with its interval of 95 %."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: list[float], others: list[float], starts: int = 0) -> Ratio:
        """Of rounds of as many starts, of which each has as many; else each stands for itself."""
        each = (np.array(ours) / np.array(others)).reshape(starts or len(ours), -1)
        drawn = np.random.default_rng(0).integers(len(each), size=(DRAWS, len(each)))
        medians = np.median(each[drawn].reshape(DRAWS, -1), axis=1)
        low, high = np.quantile(medians, [0.025, 0.975])
        return cls(float(np.median(each)), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def measured(loops: list[Loop], steps: int, rounds: int) -> list[Loop]:
    """The loops that did not fail, each with what its blocks took."""
    try:
        going = [each for each in loops if each.begun()]
        order = random.Random(0)
        for number in range(rounds + 1):
            order.shuffle(going)
            for each in going:
                took = each.go_on(steps)
                if took is not None and number:  # the first round warms caches up
                    each.cpu.append(took[0])
                    each.wall.append(took[1])
    finally:
        for each in loops:
            each.close()
    for each in loops:
        if each.failure:
            print(f"  {each.name}: failed: {each.failure}", file=sys.stderr)
    return [each for each in loops if not each.failure]


def installed(names: list[str]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(WAYS[name][1]) is not None]


def has_bf16() -> bool:
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def step_of(network: str, names: list[str], steps: int, rounds: int, starts: int) -> dict[str, Any]:
    """Every loop on a network, one thread, the same arithmetic."""
    variant = "channels-last" if network == "resnet" else ""

    def started() -> list[Loop]:
        return [Loop(name, network, 1, variant) for name in names]

    return described([measured(started(), steps, rounds) for _ in range(starts)])


def best_step(rounds: int, starts: int) -> dict[str, Any]:
    """The ResNet with all cores: hand-written in every arithmetic there is, and ours on auto."""
    variants = ["", "channels-last"]
    if has_bf16():
        variants += ["bf16", "channels-last bf16"]
    cores = len(os.sched_getaffinity(0))

    def started() -> list[Loop]:
        loops = [Loop(BARE, "resnet", cores, v, f"{BARE}, {v or 'plain'}") for v in variants]
        for each in loops:  # ours measures what helps before its first step, and must be alone then
            each.begun()
        return [*loops, Loop(AUTO, "resnet", cores)]

    return described([measured(started(), STEPS["resnet"], rounds) for _ in range(starts)])


def described(starts: list[list[Loop]]) -> dict[str, Any]:
    """What the blocks of the loops took that failed in no start, each beside the best by hand."""
    every = [{each.name: each for each in loops} for loops in starts]
    names = [name for name in every[0] if all(name in loops for loops in every)]
    cpu = {name: [took for loops in every for took in loops[name].cpu] for name in names}
    wall = {name: [took for loops in every for took in loops[name].wall] for name in names}
    by_hand = [name for name in names if name.startswith(BARE)]
    found: dict[str, Any] = {"starts": len(starts), "rounds": 0, "loops": {}}
    if not by_hand:
        return found
    best = min(by_hand, key=lambda name: float(np.median(wall[name])))
    found |= {"rounds": len(cpu[best]), "best by hand": best}
    for name in names:
        found["loops"][name] = {
            "cpu_us": float(np.median(cpu[name])) * 1e6,
            "wall_us": float(np.median(wall[name])) * 1e6,
            "cpu_ratio": asdict(Ratio.of(cpu[name], cpu[best], len(starts))),
            "wall_ratio": asdict(Ratio.of(wall[name], wall[best], len(starts))),
        }
    return found


def show(title: str, found: dict[str, Any], clock: str) -> None:
    print(f"{title}; {found['starts']} starts, {found['rounds']} rounds")
    for name, each in sorted(found["loops"].items(), key=lambda pair: pair[1][f"{clock}_us"]):
        ratio = Ratio(**each[f"{clock}_ratio"])
        print(f"  {name:32} {each[f'{clock}_us']:11,.0f} us {clock} a step   {ratio}")


def bars(found: dict[str, Any]) -> None:
    for network in STEPS:
        ours = found[network]["loops"].get(OURS)
        if not found[network]["rounds"]:
            continue
        if ours is None:
            bar(f"step, {network}", "nothing", f"<= {WANTED[network]:.2f} of by hand", False)
            continue
        ratio = Ratio(**ours["cpu_ratio"])
        is_met = ratio.value <= WANTED[network]
        bar(f"step, {network}", str(ratio), f"<= {WANTED[network]:.2f} of by hand", is_met)
    loops = found["mlp"]["loops"]
    for peer in PEERS:
        if peer in loops and OURS in loops:
            times = loops[peer]["cpu_us"] / loops[OURS]["cpu_us"]
            bar(f"faster than {peer}", f"{times:.2f} times", "> 1", times > 1)
    found_step = found["best step"]["loops"].get(AUTO)
    if found_step is not None:
        ratio = Ratio(**found_step["wall_ratio"])
        bar("ResNet step on auto", str(ratio), f"<= {WANTED_STEP} of the best by hand",
            ratio.value <= WANTED_STEP)  # fmt: skip


def bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few rounds, two peers, on the MLP only"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-peers", action="store_true", help="by hand and ours only")
    parser.add_argument("--network", choices=STEPS, action="append", help="only these")
    arguments = parser.parse_args()
    rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    slow = QUICK_RESNET_ROUNDS if arguments.quick else RESNET_ROUNDS
    starts = QUICK_STARTS if arguments.quick else STARTS
    steps = QUICK_STEPS if arguments.quick else STEPS
    peers = installed(QUICK_PEERS if arguments.quick else PEERS)
    if arguments.no_peers:
        peers = []
    networks = arguments.network or list(STEPS)
    found: dict[str, Any] = {name: {"loops": {}, "rounds": 0} for name in (*STEPS, "best step")}
    for network in networks:
        names = [BARE, OURS, *(peers if network == "mlp" or not arguments.quick else [])]
        times = slow if network == "resnet" else rounds
        found[network] = step_of(network, names, steps[network], times, starts)
    if "resnet" in networks:
        found["best step"] = best_step(slow, starts)
    found["absent"] = [name for name in PEERS if name not in installed(PEERS)]
    if arguments.json:
        print(json.dumps(found))
        return
    for network in networks:
        show(f"{network}, one thread", found[network], "cpu")
    if "resnet" in networks:
        show(
            "resnet, all cores, each with the arithmetic of its choice", found["best step"], "wall"
        )
    for name in found["absent"]:
        print(f"  {name} is not installed")
    bars(found)


if __name__ == "__main__":
    main()
