"""Objectives: what a network minimises, and what its validation rows are judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from assay.learners.encoding import Target
from assay.networks.outputs import label_probabilities, probabilities, values
from assay.networks.tabular import TabM
from assay.predictions import EVEN
from assay.training.batches import Tensors
from assay.training.constant import constant_loss
from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Loss, Regression
from assay.training.members import OfMembers
from assay.training.settings import LoopSettings


@dataclass(frozen=True)
class Objective:
    """What is minimised and watched.

    Attributes:
        loss: Of the outputs.
        metrics: Of all validation rows.
        running: Of the rows learnt from.
        watch: The metric that decides; the smaller the better.
        constant_loss: The loss of the best constant answer; None if unknown.
    """

    loss: Loss
    metrics: Mapping[str, Callable[[Tensor, Tensor, Tensor | None], float]]
    running: Mapping[str, Callable[[Any, Any, Tensor | None], Tensor]]
    watch: str
    constant_loss: float | None


def objective(
    target: Target, data: Tensors, settings: LoopSettings, module: nn.Module
) -> Objective:
    """What a network for this target minimises.

    Args:
        target: What is predicted.
        data: The training rows.
        settings: Which loss, label smoothing, class weights.
        module: What learns; `TabM` is of members.
    """
    loss: Loss
    if target.has_labels:
        loss = BinaryCrossEntropy(_positive_weights(data, settings), settings.label_smoothing)
    elif target.classes:
        loss = CrossEntropy(_class_weights(data, target, settings), settings.label_smoothing)
    else:
        loss = Regression("mse" if settings.loss == "auto" else settings.loss)
    alone = constant_loss(loss, data.targets, data.weights)
    if any(isinstance(each, TabM) for each in module.modules()):
        loss = OfMembers(loss)
    if not target.classes:
        return Objective(loss, {"rmse": _rmse}, {}, "rmse", alone)
    if target.has_labels:
        judged = {"log_loss": _log_loss_of_labels, "exact_match": _exact_match}
        return Objective(loss, judged, {"exact_match": _hits_of_labels}, "log_loss", alone)
    judged = {"log_loss": _log_loss, "accuracy": _accuracy}
    return Objective(loss, judged, {"accuracy": _hits}, "log_loss", alone)


def _class_weights(data: Tensors, target: Target, settings: LoopSettings) -> Tensor | None:
    """One for each class, so that all weigh the same: n / (k * rows of the class)."""
    if settings.class_weight is None:
        return None
    counts = torch.bincount(data.targets, data.weights, minlength=target.n_outputs).float()
    return counts.sum() / (target.n_outputs * counts.clamp_min(torch.finfo(torch.float32).tiny))


def _positive_weights(data: Tensors, settings: LoopSettings) -> Tensor | None:
    """One for each label, so that its yes weighs as much as its no: rows without it / rows with it.

    A label that all training rows have, or none, stays as it is.
    """
    if settings.class_weight is None:
        return None
    each = torch.ones(len(data.targets)) if data.weights is None else data.weights
    has = each @ data.targets
    lacks = each @ (1 - data.targets)
    return torch.where((has > 0) & (lacks > 0), lacks / has, 1.0)


def _mean(each: Tensor, weights: Tensor | None) -> float:
    return float(each.mean() if weights is None else (each * weights).sum() / weights.sum())


def _log_loss(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    said = probabilities(outputs.double()).clamp_min(torch.finfo(torch.float64).tiny)
    each = functional.nll_loss(said.log(), targets, reduction="none")
    return _mean(each, None if weights is None else weights.double())


def _accuracy(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    return _mean((probabilities(outputs).argmax(1) == targets).double(), weights)


def _hits(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """How many rows are right, or what these weigh."""
    right = (probabilities(outputs).argmax(1) == targets).float()
    return right.sum() if weights is None else (right * weights).sum()


def _log_loss_of_labels(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    """Mean over the labels."""
    outputs = outputs.double()
    of_truth = torch.where(targets > 0, label_probabilities(outputs), label_probabilities(-outputs))
    each = -of_truth.clamp_min(torch.finfo(torch.float64).tiny).log().mean(1)
    return _mean(each, None if weights is None else weights.double())


def _exact_match(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    return _mean(_all_right(outputs, targets).double(), weights)


def _hits_of_labels(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """How many rows are right in all their labels, or what these weigh."""
    right = _all_right(outputs, targets).float()
    return right.sum() if weights is None else (right * weights).sum()


def _all_right(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((label_probabilities(outputs) >= EVEN) == (targets > 0)).all(1)


def _rmse(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    """Root mean squared error, in standard deviations of the training rows."""
    return _mean((values(outputs.double()) - targets.double()) ** 2, weights) ** 0.5
