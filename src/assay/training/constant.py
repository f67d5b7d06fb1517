"""The loss of the best constant answer: what a network has that learnt nothing from its inputs.

Computed by the loss itself, with its class weights and smoothing, on the training targets.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Loss, Regression

_HALVINGS = 40


def constant_loss(loss: Loss, targets: Any, weights: Tensor | None = None) -> float | None:
    """Loss of the constant answer that is best on these targets.

    Of classes the answer is their shares, and the loss their entropy (at most ln k); of values the
    mean, and the loss the variance; for the absolute loss it is the median.

    Args:
        loss: One of ours; of any other nothing is known.
        targets: Of all training rows: classes, shape (n,) or (n, length); values or truth values,
            shape (n,) or (n, m).
        weights: Sample weights, shape (n,).

    Returns:
        None if it is not known, or not finite.

    >>> constant_loss(Regression("mse"), torch.tensor([0.0, 2.0]))
    1.0
    """
    if not isinstance(targets, Tensor) or not len(targets):
        return None
    if isinstance(loss, CrossEntropy):
        found = None if targets.is_floating_point() else _of_classes(loss, targets, weights)
    elif isinstance(loss, Regression | BinaryCrossEntropy):
        found = _of_values(loss, targets.double(), weights)
    else:
        found = None
    return found if found is not None and math.isfinite(found) else None


def expected_at_start(loss: Loss, outputs: Any) -> float | None:
    """Loss of a network whose logits are all zero: ln k, or ln 2 for yes or no.

    Args:
        loss: One of ours; of any other nothing is known.
        outputs: Logits, classes last.
    """
    if isinstance(loss, BinaryCrossEntropy):
        return math.log(2) if loss.positive_weights is None else None
    if isinstance(loss, CrossEntropy) and isinstance(outputs, Tensor) and outputs.ndim > 1:
        k = outputs.shape[-1 if loss.classes_last else 1]
        return math.log(k) if k > 1 else None
    return None


def best_logits(loss: BinaryCrossEntropy, shares: Tensor) -> Tensor:
    """The logits of least loss for rows of which these shares are yes, of the same shape."""
    shares = loss.smoothed(shares).clamp(1e-12, 1 - 1e-12)
    logits = (shares / (1 - shares)).log()
    if loss.positive_weights is not None:
        logits = logits + loss.positive_weights.to(logits).log()
    return logits


def _of_classes(loss: CrossEntropy, targets: Tensor, weights: Tensor | None) -> float | None:
    """Of each class once, weighted by how often it comes."""
    each = torch.ones_like(targets, dtype=torch.float64)
    if weights is not None:
        each = each * weights.to(each).view(-1, *[1] * (targets.ndim - 1))
    keeps = torch.ones_like(targets, dtype=torch.bool)
    if loss.ignore_index is not None:
        keeps = targets != loss.ignore_index
    flat, counts = targets[keeps], each[keeps]
    if not len(flat) or int(flat.min()) < 0:
        return None
    k = int(flat.max()) + 1
    if loss.class_weights is not None:
        k = len(loss.class_weights)
    if k <= int(flat.max()):
        return None
    count = torch.zeros(k, dtype=torch.float64, device=flat.device).index_add_(0, flat, counts)
    share = count if loss.class_weights is None else count * loss.class_weights.to(count)
    share = share / share.sum()
    share = share * (1 - loss.label_smoothing) + loss.label_smoothing / k
    logits = share.clamp_min(1e-12).log().expand(k, k)
    classes = torch.arange(k, device=flat.device)
    if loss.ignore_index is not None and 0 <= loss.ignore_index < k:
        count[loss.ignore_index] = 0.0
    total = loss.total(logits, classes, count)
    return float(total / loss.size(classes, count))


def _of_values(
    loss: Regression | BinaryCrossEntropy, targets: Tensor, weights: Tensor | None
) -> float:
    """Of mean or log odds; where there is no formula, by halving: the loss is convex."""
    table = targets.reshape(len(targets), -1)
    size = loss.size(table, weights)
    if isinstance(loss, BinaryCrossEntropy):
        answer = best_logits(loss, _mean(table, weights))
    elif loss.kind == "mse":
        answer = _mean(table, weights)
    else:
        answer = _lowest(loss, table, weights)
    with torch.no_grad():
        return float(loss.total(answer.expand_as(table), table, weights) / size)


def _mean(table: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return table.mean(0)
    each = weights.to(table).unsqueeze(-1)
    return (table * each).sum(0) / each.sum()


def _lowest(loss: Regression, table: Tensor, weights: Tensor | None) -> Tensor:
    low, high = table.amin(0), table.amax(0)
    for _ in range(_HALVINGS):
        answer = ((low + high) / 2).requires_grad_()
        total = loss.total(answer.expand_as(table), table, weights)
        (slope,) = torch.autograd.grad(total, answer)
        answer = answer.detach()
        high = torch.where(slope >= 0, answer, high)
        low = torch.where(slope <= 0, answer, low)
    return (low + high) / 2
