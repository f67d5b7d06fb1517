"""`torch.compile`, where there is a compiler and it can take the model; if not, the model as it is.

The module is compiled in place, so that its names, and with them its weights, stay what they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from assay.monitor import AssayWarning
from assay.training.batches import tensors_of
from assay.training.calling import called
from assay.training.precision import NOTHING


@contextmanager
def compiled(
    model: nn.Module, inputs: Any, forward: AbstractContextManager[Any] = NOTHING
) -> Iterator[bool]:
    """Within it the model runs compiled; after it, plain.

    One forward and backward of `inputs` is run to see whether it can be; gradients, buffers and
    random generators are left as they were.

    Args:
        model: As it will train: on its device, in its layout.
        inputs: What it is called with, of a batch.
        forward: What it is called within (`Precision.forward`).

    Yields:
        Whether it is compiled. Where it is not, an `AssayWarning` has said why.
    """
    model.compile()
    try:
        _try(model, inputs, forward)
    except Exception as error:
        _plain(model)
        warnings.warn(
            AssayWarning(
                "training.compile: torch.compile cannot take this model here, which trains without "
                f"it ({_first_line(error)})"
            ),
            stacklevel=3,
        )
        yield False
        return
    try:
        yield True
    finally:
        _plain(model)


def _try(model: nn.Module, inputs: Any, forward: AbstractContextManager[Any]) -> None:
    """Compilation is lazy: the forward pass compiles one half, the backward pass the other."""
    buffers = [(each, each.detach().clone()) for each in model.buffers()]
    moving = [each for each in model.parameters() if each.requires_grad]
    modes = [(each, each.training) for each in model.modules()]
    devices = {each.device for each in moving if each.device.type == "cuda"}
    try:
        model.train()
        with (
            warnings.catch_warnings(),
            torch.random.fork_rng(sorted(each.index for each in devices), device_type="cuda"),
        ):
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of its own parts
            with forward:
                outputs = called(model, inputs)
            sums = [each.float().sum() for each in tensors_of(outputs) if each.requires_grad]
            if sums and moving:
                torch.autograd.grad(torch.stack(sums).sum(), moving, allow_unused=True)
    finally:
        for buffer, before in buffers:
            buffer.data.copy_(before)
        for module, is_training in modes:
            module.training = is_training


def _plain(model: nn.Module) -> None:
    model._compiled_call_impl = None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
