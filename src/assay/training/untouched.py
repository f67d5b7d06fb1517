"""Trying a module out without a trace: whatever a pass changes is put back to the last bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from assay.training.batches import Batch, mapped, tensors_of


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Weights, buffers, gradients, modes and random generators are afterwards what they were.

    Inside, no parameter has a gradient. What a module keeps elsewhere, as in plain attributes, is
    not put back.
    """
    modes = [(module, module.training) for module in model.modules()]
    parameters = [(each, each.grad, each.requires_grad) for each in model.parameters()]
    weights = [(each, each.detach().clone()) for each, _, _ in parameters]
    buffers = [
        (module, dict(module._buffers), [(each, each.detach().clone()) for each in present])
        for module in model.modules()
        if (present := [each for each in module._buffers.values() if each is not None])
    ]
    generators = _generators()
    for each, _, _ in parameters:
        each.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for each, kept in weights:
                each.copy_(kept)
            for module, named, held in buffers:
                module._buffers.update(named)
                for buffer, kept in held:
                    buffer.copy_(kept)
        for each, gradient, moves in parameters:
            each.grad = gradient
            each.requires_grad_(moves)
        for module, mode in modes:
            module.training = mode
        _set_generators(generators)


def beside(batch: Batch, model: nn.Module) -> Batch:
    """The batch on the module's device."""
    device = device_of(model)
    return Batch(*mapped(tuple(batch), lambda t: t.to(device)))


def device_of(model: nn.Module) -> torch.device:
    """Where a module's weights are; the CPU if it has none."""
    first = next(tensors_of([*model.parameters(), *model.buffers()]), None)
    return torch.device("cpu") if first is None else first.device


def _generators() -> tuple[Any, ...]:
    cuda: Any = torch.cuda
    devices = cuda.get_rng_state_all() if cuda.is_initialized() else []
    return torch.get_rng_state(), devices, random.getstate(), np.random.get_state()


def _set_generators(state: tuple[Any, ...]) -> None:
    cpu, devices, plain, numpy = state
    torch.set_rng_state(cpu)
    if devices:
        torch.cuda.set_rng_state_all(devices)
    random.setstate(plain)
    np.random.set_state(numpy)
