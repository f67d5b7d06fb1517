"""Sanity: one batch there and back before the first step, on a network that is left as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from assay.errors import LearnerError
from assay.findings import Finding
from assay.training import faults
from assay.training.batches import Batch, rows_in
from assay.training.calling import called_in_full
from assay.training.constant import expected_at_start
from assay.training.diagnosis import diagnose
from assay.training.losses import Loss, as_loss
from assay.training.shapes import loss_of
from assay.training.untouched import beside, untouched

_WORSE_AT_START = 2.0
"""Times the constant answer's loss that a fresh network may have."""
_NUDGE = 0.05


@dataclass(frozen=True)
class Sanity:
    """What one batch showed.

    Attributes:
        findings: AS401, AS407, AS408.
        parameters: Numbers that the network has learnt or may learn.
        trainable: Those of them that move.
        initial_loss: Mean loss of the batch; None if it is not finite.
        expected_loss: Of the constant answer; None if it is unknown.
    """

    findings: tuple[Finding, ...]
    parameters: int
    trainable: int
    initial_loss: float | None
    expected_loss: float | None


def sanity(
    model: nn.Module, batch: Batch, loss: Any, *, constant_loss: float | None = None
) -> list[Finding]:
    """What is wrong with a network, its loss and a batch; see `tried`."""
    return list(tried(model, batch, loss, constant_loss=constant_loss).findings)


def tried(
    model: nn.Module, batch: Batch, loss: Any, *, constant_loss: float | None = None
) -> Sanity:
    """Take a batch forward and back, in training mode.

    Weights, buffers, gradients, modes and random generators are left as they were.

    Args:
        model: The network.
        batch: Some training rows.
        loss: Of ours, of `torch.nn`, or a function of outputs and targets.
        constant_loss: Loss of the best constant answer, as `constant.constant_loss` gives it.

    Raises:
        LearnerError: Outputs do not fit targets, or there is nothing to train.
    """
    loss, batch = as_loss(loss), beside(batch, model)
    moving = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if not moving:
        raise LearnerError(
            f"{type(model).__name__} has no parameter that may move.",
            mend="model.requires_grad_(True), or for its last layer alone: "
            "model.head.requires_grad_(True)",
        )
    found: list[Finding] = []
    with untouched(model):
        if not model.training:
            model.train()
        generator = torch.get_rng_state()
        outputs, value = _forward(model, batch, loss)
        expected = _expected(loss, outputs, constant_loss)
        initial: float | None = float(value.detach())
        if initial is None or not math.isfinite(initial):
            torch.set_rng_state(generator)
            cause = diagnose(model, batch, range(rows_in(batch)), loss)
            found.append(faults.broken_start(cause.text, cause.rows))
            initial = None
        else:
            if expected is not None and initial > _WORSE_AT_START * expected:
                found.append(faults.initial_loss(initial, expected))
            absent, zero = _unmoved(model, batch, loss, value, moving)
            if absent or zero:
                found.append(faults.no_gradient(absent, zero, len(moving)))
    sizes = [(each.numel(), each.requires_grad) for each in _whole(model)]
    return Sanity(
        findings=tuple(found),
        parameters=sum(size for size, _ in sizes),
        trainable=sum(size for size, moves in sizes if moves),
        initial_loss=initial,
        expected_loss=expected,
    )


def _forward(model: nn.Module, batch: Batch, loss: Loss) -> tuple[Any, torch.Tensor]:
    with torch.enable_grad():
        outputs = called_in_full(model, batch.inputs)
        return outputs, loss_of(model, loss, outputs, batch.targets, batch.weights)


def _expected(loss: Loss, outputs: Any, constant_loss: float | None) -> float | None:
    """A fresh network knows no shares of classes: ln k is as good as it can be."""
    known = [constant_loss, expected_at_start(loss, outputs)]
    return max((each for each in known if each is not None and each > 0), default=None)


def _unmoved(
    model: nn.Module,
    batch: Batch,
    loss: Loss,
    value: torch.Tensor,
    moving: dict[str, nn.Parameter],
) -> tuple[list[str], list[str]]:
    """Names of parameters that are not in the loss, and of those whose gradient is all zero.

    A layer that starts at zero stops the gradient of what comes before it, until its first step:
    where a gradient is zero, zeros are nudged, and the batch is taken again.
    """
    if not value.requires_grad:
        return list(moving), []
    absent, zero = _gradients(value, moving)
    if zero:
        _nudge(model)
        generated = _forward(model, batch, loss)[1]
        again = set(_gradients(generated, moving)[1])
        zero = [name for name in zero if name in again and not _is_idle_shift(name, moving, again)]
    return absent, zero


def _gradients(value: torch.Tensor, moving: dict[str, nn.Parameter]) -> tuple[list[str], list[str]]:
    found = torch.autograd.grad(value, list(moving.values()), allow_unused=True)
    named = dict(zip(moving, found, strict=True))
    absent = [name for name, each in named.items() if each is None]
    zero = [name for name, each in named.items() if each is not None and not each.any()]
    return absent, zero


def _nudge(model: nn.Module) -> None:
    """Move parameters that are zero everywhere, a little; the caller puts them back."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in model.parameters():
            if each.requires_grad and not each.any():
                drawn = torch.randn(each.shape, generator=generator) * _NUDGE
                each.copy_(drawn.to(each))


def _is_idle_shift(name: str, moving: dict[str, nn.Parameter], zero: set[str]) -> bool:
    """A bias that a normalisation takes out again: nothing is lost, its layer learns."""
    if moving[name].ndim != 1 or not name.endswith("bias"):
        return False
    within = name.rpartition(".")[0]
    beside = [each for each in moving if each.rpartition(".")[0] == within and each != name]
    return any(each not in zero for each in beside)


def _whole(model: nn.Module) -> list[nn.Parameter]:
    return [each for each in model.parameters() if not isinstance(each, UninitializedParameter)]
