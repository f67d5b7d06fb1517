"""Optimizers: AdamW and SGD over groups of parameters that share a peak rate and a decay.

Decay is for matrices that are multiplied with. Biases, norms and other vectors have none, since
pulling them to zero shrinks what the next layer sees and regularises nothing. Embeddings have none
either: decay falls on every row at every step, and so a rare level's row, moved only by the few
batches that hold it, would fade between them, the more the rarer it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from assay.errors import LearnerError
from assay.training.blocks import Block, blocks
from assay.training.freezing import peaks
from assay.training.kernels import KernelAdamW, KernelSGD, is_even
from assay.training.settings import LoopSettings

_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
_FUSED = ("cpu", "cuda", "mps", "xpu")


def make_optimizer(model: nn.Module, settings: LoopSettings, device: torch.device) -> Optimizer:
    """The optimizer of a network, on its device.

    Each group has, beside what the optimizer wants, `peak` (its highest rate), `name`, and `block`
    (the number of its block from the output down; None where all blocks have the same rate, which
    are then few groups and quick steps). AdamW's decay is decoupled from the gradient; SGD's is
    part of it, as its published rates and decays (0.1 and 5e-4) mean it.

    One kernel updates a group where the device has such ("fused"); the step's number then lies on
    the device, so that neither a CUDA graph nor a gradient scaler needs another setting.

    Args:
        model: The network. A module in it may name parameters that are not to decay, by a method
            `no_weight_decay` that gives their names.
        settings: Of the training.
        device: Where the network is.

    Raises:
        LearnerError: No parameter may move, or AdamW meets an embedding with sparse gradients.
    """
    is_sparse = any(isinstance(m, _EMBEDDINGS) and m.sparse for m in model.modules())
    if is_sparse and settings.optimizer == "adamw":
        raise LearnerError(
            "AdamW cannot step an embedding with sparse gradients.",
            where="training.optimizer",
            mend="nn.Embedding(..., sparse=False), or optimizer: sgd",
        )
    is_real = all(each.is_floating_point() for each in model.parameters())
    is_fused = device.type in _FUSED and is_real and not is_sparse
    return _optimizer(_groups(model, settings), settings, is_fused=is_fused)


def load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Go on from an optimizer's state, laid out in memory as the parameters are.

    A fused kernel walks through memory: with a state that lies in another order than its
    parameter, as one from a file does beside channels-last weights, it would update the wrong
    numbers, and say nothing.
    """
    optimizer.load_state_dict(state)
    for parameter, kept in optimizer.state.items():
        for name, value in kept.items():
            if torch.is_tensor(value) and value.shape == parameter.shape:
                kept[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
            elif torch.is_tensor(value):  # the number of steps, which is added to in place
                kept[name] = value.clone()


def _optimizer(
    groups: list[dict[str, Any]], settings: LoopSettings, *, is_fused: bool
) -> Optimizer:
    even = is_fused and is_even(each for group in groups for each in group["params"])
    fused = True if is_fused else None
    if settings.optimizer == "sgd":
        return (KernelSGD if even else SGD)(
            groups,
            momentum=settings.momentum,
            nesterov=settings.nesterov and settings.momentum > 0,
            fused=fused,
        )
    return (KernelAdamW if even else AdamW)(
        groups, betas=settings.betas, eps=settings.eps, fused=fused
    )


def _groups(model: nn.Module, settings: LoopSettings) -> list[dict[str, Any]]:
    parts = blocks(model)
    rates = peaks(settings, None, len(parts))
    spared = {id(each) for each in _spared(model)} if settings.weight_decay > 0 else None
    is_split = bool(settings.phases) or settings.layer_decay < 1
    found: dict[tuple[int | None, bool], dict[str, Any]] = {}
    for i, parameter in _moving(parts, settings):
        is_spared = spared is not None and id(parameter) in spared
        key = (i if is_split else None, is_spared)
        if key not in found:
            name = (parts[i].name or "all") if is_split else "all"
            found[key] = {
                "params": [],
                "name": f"{name}, no decay" if is_spared else name,
                "block": key[0],
                "lr": rates[i],
                "peak": rates[i],
                "weight_decay": 0.0 if is_spared else settings.weight_decay,
            }
        found[key]["params"].append(parameter)
    if not found:
        raise LearnerError(
            "No parameter of the network may move.",
            where="the network, of which every parameter is frozen or which has none",
            mend="model.requires_grad_(True), and training.phases to freeze a part of it",
        )
    return list(found.values())


def _moving(parts: Sequence[Block], settings: LoopSettings) -> Iterator[tuple[int, nn.Parameter]]:
    """The parameters that move in some phase, each with the number of its block."""
    layers = [len(parts) if each.layers == "all" else each.layers for each in settings.phases]
    for i, part in enumerate(parts[: max(layers, default=len(parts))]):
        for parameter in part.parameters.values():
            if parameter.requires_grad:
                yield i, parameter


def _spared(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters without decay."""
    for module in model.modules():
        named = getattr(module, "no_weight_decay", None)
        if callable(named):
            yield from (module.get_parameter(name) for name in named())
        is_spared = isinstance(module, _EMBEDDINGS) or "Norm" in type(module).__name__
        for name, parameter in module.named_parameters(recurse=False):
            if is_spared or parameter.ndim < 2 or "bias" in name:
                yield parameter
