"""Losses as sum and size, so that many micro-batches add up to exactly one large batch (law 5).

A mean over a micro-batch cannot be added to another mean. A loss here gives the sum over what
counts (rows, or tokens that are no padding, each times its weights) and, apart from it, how much
that is; the loop divides the sums of an optimizer step by the size of all its micro-batches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

Size = float | Tensor


@runtime_checkable
class Loss(Protocol):
    """What is minimised: `total / size`."""

    def size(self, targets: Any, weights: Tensor | None) -> Size:
        """How much the targets of a micro-batch count: rows, tokens, or their weights' sum."""
        ...

    def total(self, outputs: Any, targets: Any, weights: Tensor | None) -> Tensor:
        """Sum of the losses of a micro-batch, a scalar, which `size` divides."""
        ...


class CrossEntropy:
    """Cross-entropy of logits, of rows or of tokens.

    The mean over all micro-batches equals `torch.nn.CrossEntropyLoss` of the large batch, where
    class weights divide as well.

    Args:
        class_weights: One for each class, shape (k,).
        label_smoothing: Share of the target that is spread over all classes.
        ignore_index: The target that does not count, as of padding; None where all of them do.
    """

    def __init__(
        self,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
    ) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index

    def size(self, targets: Tensor, weights: Tensor | None) -> Size:
        """Of classes, shape (n,), or of tokens, shape (n, length)."""
        if targets.is_floating_point():  # probabilities of classes, shape (n, k)
            return _rows(targets, weights)
        if weights is None and self.class_weights is None and self.ignore_index is None:
            return targets.numel()
        counts = torch.ones_like(targets, dtype=torch.float32)
        if self.ignore_index is not None:
            counts = (targets != self.ignore_index).float()
        if self.class_weights is not None:
            counts = counts * self.class_weights.to(targets.device)[targets.clamp_min(0)]
        if weights is not None:
            counts = counts * _beside(weights, counts)
        return counts.sum()

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of logits, shape (n, k), or (n, length, k) for tokens."""
        if outputs.ndim == 3:
            outputs = outputs.transpose(1, 2)  # where PyTorch wants the classes
        given: dict[str, Any] = {"label_smoothing": self.label_smoothing}
        if self.class_weights is not None:
            given["weight"] = self.class_weights.to(outputs)
        if self.ignore_index is not None:
            given["ignore_index"] = self.ignore_index
        if weights is None:
            return functional.cross_entropy(outputs, targets, reduction="sum", **given)
        each = functional.cross_entropy(outputs, targets, reduction="none", **given)
        return (each * _beside(weights, each)).sum()


class Regression:
    """Squared, absolute or Huber loss of values, summed over all that the targets hold.

    Args:
        kind: mse, l1 or huber.
        delta: Where Huber's loss turns from squared to absolute.
    """

    def __init__(self, kind: str = "mse", delta: float = 1.0) -> None:
        self.kind = kind
        each: dict[str, Callable[..., Tensor]] = {
            "mse": functional.mse_loss,
            "l1": functional.l1_loss,
            "huber": functional.huber_loss,
        }
        self._each = each[kind]
        self._given = {"delta": delta} if kind == "huber" else {}

    def size(self, targets: Tensor, weights: Tensor | None) -> Size:
        """Of values, shape (n,) or (n, m)."""
        per_row = targets.numel() / max(len(targets), 1)
        return targets.numel() if weights is None else weights.sum() * per_row

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of predicted values in the shape of the targets; a last axis of one is dropped."""
        if outputs.ndim == targets.ndim + 1 and outputs.shape[-1] == 1:
            outputs = outputs.squeeze(-1)
        assert outputs.shape == targets.shape, f"{outputs.shape} beside {targets.shape}"
        if weights is None:
            return self._each(outputs, targets, reduction="sum", **self._given)
        each = self._each(outputs, targets, reduction="none", **self._given)
        return (each * _beside(weights, each)).sum()


class BinaryCrossEntropy:
    """Cross-entropy of one logit for each of several yes-or-no questions (multilabel)."""

    def __init__(self, positive_weights: Tensor | None = None) -> None:
        self.positive_weights = positive_weights

    def size(self, targets: Tensor, weights: Tensor | None) -> Size:
        """Of truth values, shape (n,) or (n, m)."""
        per_row = targets.numel() / max(len(targets), 1)
        return targets.numel() if weights is None else weights.sum() * per_row

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of logits in the shape of the targets; a last axis of one is dropped."""
        if outputs.ndim == targets.ndim + 1 and outputs.shape[-1] == 1:
            outputs = outputs.squeeze(-1)
        positive = self.positive_weights
        each = functional.binary_cross_entropy_with_logits(
            outputs,
            targets.to(outputs.dtype),
            pos_weight=None if positive is None else positive.to(outputs),
            reduction="sum" if weights is None else "none",
        )
        return each if weights is None else (each * _beside(weights, each)).sum()


class OfFunction:
    """A loss of one's own.

    Args:
        function: Of outputs and targets. It gives one loss for each row (or token), from which all
            else follows; or a single mean over the rows, which then cannot take sample weights.
    """

    def __init__(self, function: Callable[[Any, Any], Tensor]) -> None:
        self._function = function

    def size(self, targets: Any, weights: Tensor | None) -> Size:
        """Rows, or the sum of their weights."""
        return _rows(targets, weights)

    def total(self, outputs: Any, targets: Any, weights: Tensor | None) -> Tensor:
        """The losses' sum; of a loss of more than one value a row, of each row's mean."""
        each = self._function(outputs, targets)
        if each.ndim == 0:
            assert weights is None, "a loss that is one mean cannot weight its rows"
            return each * len(_first(targets))
        each = each.flatten(1).mean(1) if each.ndim > 1 else each
        return (each if weights is None else each * weights).sum()


def as_loss(given: Any) -> Loss:
    """A loss as sum and size, of one of ours, of `torch.nn`, or of a function of one's own."""
    if isinstance(given, Loss):
        return given
    if isinstance(given, nn.CrossEntropyLoss):
        return CrossEntropy(given.weight, given.label_smoothing, given.ignore_index)
    if isinstance(given, nn.BCEWithLogitsLoss) and given.weight is None:
        return BinaryCrossEntropy(given.pos_weight)
    if isinstance(given, nn.MSELoss):
        return Regression("mse")
    if isinstance(given, nn.L1Loss):
        return Regression("l1")
    if isinstance(given, nn.HuberLoss):
        return Regression("huber", given.delta)
    return OfFunction(given)


def _rows(targets: Any, weights: Tensor | None) -> Size:
    return len(_first(targets)) if weights is None else weights.sum()


def _first(targets: Any) -> Tensor:
    """A tensor with the rows, of whatever the targets are made of."""
    while not isinstance(targets, Tensor):
        targets = next(iter(targets.values())) if isinstance(targets, dict) else targets[0]
    return targets


def _beside(weights: Tensor, each: Tensor) -> Tensor:
    """Weights of rows, shape (n,), to be multiplied with one value for each row or token."""
    return weights.view(-1, *[1] * (each.ndim - 1))
