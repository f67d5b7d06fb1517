"""Overfitting on purpose: a network that cannot learn a few rows by heart learns nothing at all."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from assay.findings import Finding
from assay.training import faults
from assay.training.batches import Batch, part_of, rows_in
from assay.training.calling import called_in_full
from assay.training.constant import best_logits, constant_loss
from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Loss, as_loss
from assay.training.shapes import loss_of
from assay.training.untouched import beside, untouched

_BY_HEART = 0.1
"""Share of the loss at first, or of the constant answer, that may be left."""
_FASTER = 10.0


def overfit_one_batch(
    model: nn.Module,
    batch: Batch,
    loss: Any,
    *,
    steps: int = 300,
    rows: int = 16,
    learning_rate: float = 1e-3,
) -> Finding | None:
    """Train a copy on a few rows alone, without dropout, clipping and decay.

    Where it does not learn them at the rate, it is tried at ten times the rate.

    Args:
        model: The network; it is not touched, and neither are the random generators.
        batch: Some training rows.
        loss: Of ours, of `torch.nn`, or a function of outputs and targets.
        steps: Optimizer steps at most, at each rate.
        rows: Rows of the batch that are used: a small network cannot know many by heart.
        learning_rate: Of AdamW.

    Returns:
        AS411 where at least a tenth of the loss is left; else None.

    Raises:
        LearnerError: Outputs do not fit targets.
    """
    loss = as_loss(loss)
    few = part_of(beside(batch, model), 0, min(rows, rows_in(batch)))
    floor = _floor(loss, few)
    least = constant_loss(loss, few.targets, few.weights) or 0.0
    with untouched(model):
        for rate in (learning_rate, _FASTER * learning_rate):
            start, lowest = _trained(model, few, loss, steps, rate, floor, least)
            if _is_learnt(start, lowest, floor, least):
                return None
    return faults.cannot_overfit(rows_in(few), steps, start, lowest, floor)


def _trained(
    model: nn.Module, few: Batch, loss: Loss, steps: int, rate: float, floor: float, least: float
) -> tuple[float, float]:
    """Loss at first and at its lowest."""
    tried = copy.deepcopy(model).train()
    for module in tried.modules():
        if isinstance(module, _DropoutNd):
            module.eval()
    moving = [each for each in tried.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=rate, weight_decay=0.0)
    start = lowest = math.inf
    for step in range(steps + 1):
        outputs = called_in_full(tried, few.inputs)
        value: Any = loss_of(tried, loss, outputs, few.targets, few.weights)
        now = float(value.detach())
        start = now if step == 0 else start
        lowest = min(lowest, now) if math.isfinite(now) else lowest
        if not math.isfinite(now) or _is_learnt(start, now, floor, least) or step == steps:
            break
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return start, lowest


def _is_learnt(start: float, now: float, floor: float, least: float) -> bool:
    return now - floor <= _BY_HEART * (max(start, least) - floor)


def _floor(loss: Loss, few: Batch) -> float:
    """The lowest loss there is: zero, but where targets are smoothed."""
    if not isinstance(loss, CrossEntropy | BinaryCrossEntropy) or not loss.label_smoothing:
        return 0.0
    if isinstance(loss, BinaryCrossEntropy):
        given = few.targets, few.weights
        best = loss.total(best_logits(loss, few.targets.double()), *given)
        return float(best / loss.size(*given))
    if few.targets.is_floating_point():
        return 0.0
    k = int(few.targets.max()) + 1
    if loss.class_weights is not None:
        k = len(loss.class_weights)
    off = loss.label_smoothing / k
    on = 1 - loss.label_smoothing + off
    return -on * math.log(on) - (k - 1) * off * math.log(off)
