"""Small trainings by hand, watched by guards: faults are planted in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from assay.findings import Finding
from assay.training.batches import Batch
from assay.training.constant import constant_loss
from assay.training.guards import Guards
from assay.training.losses import CrossEntropy, Loss
from assay.training.readings import Plan, Reading
from assay.training.sanity import tried

N, WIDTH = 640, 8
STEPS_PER_EPOCH = 20


def rows(seed: int, classes: int = 3, signal: float = 1.0) -> tuple[Tensor, Tensor]:
    """Inputs and classes; without signal the classes have nothing to do with the inputs."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(N, WIDTH, generator=generator)
    noise = torch.randn(N, WIDTH, generator=generator)
    towards = torch.randn(WIDTH, classes, generator=generator)
    seen = signal * inputs + (1 - signal) * noise
    return inputs, (seen @ towards).argmax(1)


def net(seed: int, outputs: int = 3, *layers: nn.Module) -> nn.Sequential:
    """A network with one hidden layer, and what is put between."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), *layers, nn.Linear(32, outputs))


def trained(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    loss: Loss | None = None,
    rate: float = 3e-3,
    steps: int = 200,
    clip: float | None = 1.0,
    every: int = 5,
    schedule: str = "cosine",
    patience: int | None = 5,
    constant: bool = True,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    meddle: Callable[[int], Any] = lambda step: None,
) -> list[Finding]:
    """All that the guards find in a training in which `meddle` may do harm before a step."""
    loss = loss or CrossEntropy()
    batch = Batch(inputs[:32], targets[:32])
    least = constant_loss(loss, targets) if constant else None
    first = tried(model, batch, loss, constant_loss=least)
    plan = Plan(
        steps, STEPS_PER_EPOCH, steps // 20, steps // STEPS_PER_EPOCH, schedule, rate, clip,
        patience, True, least, first.initial_loss,
    )  # fmt: skip
    guards = Guards(plan)
    found = [*first.findings, *guards.begun()]
    moves = optimizer(model.parameters(), lr=rate, fused=True)
    losses, norms, skipped = [], [], 0
    generator = torch.Generator().manual_seed(1)
    for step in range(1, steps + 1):
        meddle(step)
        at = torch.randint(len(inputs), (32,), generator=generator)
        value: Any = loss.total(model(inputs[at]), targets[at], None) / loss.size(targets[at], None)
        moves.zero_grad()
        value.backward()
        norm = float(nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf))
        if math.isfinite(norm):
            moves.step()
            losses.append(float(value.detach()))
            norms.append(norm)
        else:
            skipped += 1
        if step % every == 0:
            read = [sum(each) / len(each) if each else math.nan for each in (losses, norms)]
            found += guards.read(Reading(step, *read, rate, skipped))
            losses, norms = [], []
    return found + guards.ended()


def codes(found: list[Finding]) -> set[str]:
    return {each.code for each in found}
