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

from assay.errors import LearnerError

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
        classes_last: Whether logits of tokens are (n, length, k); else (n, k, length), as PyTorch's
            own loss has it.
    """

    def __init__(
        self,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        classes_last: bool = True,
    ) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index
        self.classes_last = classes_last

    def size(self, targets: Tensor, weights: Tensor | None) -> Size:
        """Of classes, shape (n,), or of tokens, shape (n, length).

        Probabilities of classes, (n, k), count as rows, whatever the classes weigh.
        """
        if targets.is_floating_point():
            return _rows(targets, weights)
        if weights is None and self.class_weights is None:
            if self.ignore_index is None:
                return targets.numel()
            count = torch.count_nonzero(targets.ne(self.ignore_index))
            return count.item() if count.is_cpu else count
        counts = torch.ones_like(targets, dtype=torch.float32)
        if self.ignore_index is not None:
            counts = (targets != self.ignore_index).float()
        if self.class_weights is not None:
            known = targets
            if self.ignore_index is not None:
                known = targets.masked_fill(targets == self.ignore_index, 0)
            counts = counts * self.class_weights.to(targets.device)[known]
        if weights is not None:
            counts = counts * _beside(weights, counts)
        return counts.sum()

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of logits, shape (n, k), or (n, length, k) for tokens."""
        outputs = _precise(outputs)
        given: dict[str, Any] = {"label_smoothing": self.label_smoothing}
        if self.class_weights is not None:
            given["weight"] = self.class_weights.to(outputs)
        if self.ignore_index is not None:
            given["ignore_index"] = self.ignore_index
        shape, last = targets.shape, outputs.ndim == 3 and self.classes_last
        if outputs.ndim > 2 and not targets.is_floating_point():
            # As rows: a card adds up what has more axes in any order.
            outputs = outputs if last else outputs.movedim(1, -1)
            outputs, targets = outputs.flatten(0, -2), targets.flatten()
        elif last:
            outputs = outputs.transpose(1, 2)
        if weights is None:
            return functional.cross_entropy(outputs, targets, reduction="sum", **given)
        each = functional.cross_entropy(outputs, targets, reduction="none", **given)
        if not targets.is_floating_point():
            each = each.view(shape)
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
        """Of predicted values in the shape of the targets; a last axis of one is dropped.

        Raises:
            LearnerError: The shapes differ.
        """
        outputs = _alike(outputs, targets)
        if weights is None:
            return self._each(outputs, targets, reduction="sum", **self._given)
        each = self._each(outputs, targets, reduction="none", **self._given)
        return (each * _beside(weights, each)).sum()


class BinaryCrossEntropy:
    """Cross-entropy of one logit for each of several yes-or-no questions (multilabel).

    Args:
        positive_weights: What a yes weighs beside a no, one for each question, shape (m,).
        label_smoothing: Share of each answer that is spread over yes and no.
    """

    def __init__(
        self, positive_weights: Tensor | None = None, label_smoothing: float = 0.0
    ) -> None:
        self.positive_weights = positive_weights
        self.label_smoothing = label_smoothing

    def size(self, targets: Tensor, weights: Tensor | None) -> Size:
        """Of truth values, shape (n,) or (n, m)."""
        per_row = targets.numel() / max(len(targets), 1)
        return targets.numel() if weights is None else weights.sum() * per_row

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of logits in the shape of the targets; a last axis of one is dropped.

        Raises:
            LearnerError: The shapes differ.
        """
        outputs = _alike(outputs, targets)
        positive = self.positive_weights
        each = functional.binary_cross_entropy_with_logits(
            outputs,
            self.smoothed(targets.to(outputs.dtype)),
            pos_weight=None if positive is None else positive.to(outputs),
            reduction="sum" if weights is None else "none",
        )
        return each if weights is None else (each * _beside(weights, each)).sum()

    def smoothed(self, targets: Tensor) -> Tensor:
        """Truth values as they are learnt, of any shape."""
        if not self.label_smoothing:
            return targets
        return targets * (1 - self.label_smoothing) + self.label_smoothing / 2


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
        """The losses' sum; of a loss of more than one value a row, of each row's mean.

        Raises:
            LearnerError: The function gives one mean where rows have weights, or neither one mean
                nor a loss for each row.
        """
        each = self._function(outputs, targets)
        rows = len(_first(targets))
        if each.ndim == 0 and weights is None:
            return each * rows
        if each.ndim == 0 or len(each) != rows:
            what = "one mean" if each.ndim == 0 else f"{len(each)} losses of {rows} rows"
            raise LearnerError(
                f"The loss gives {what}, of which rows cannot be weighted and added up.",
                where=getattr(self._function, "__name__", type(self._function).__name__),
                mend="Return one loss for each row (in torch.nn: reduction='none').",
            )
        each = each.flatten(1).mean(1) if each.ndim > 1 else each
        return (each if weights is None else each * weights).sum()


def as_loss(given: Any) -> Loss:
    """A loss as sum and size, of one of ours, of `torch.nn`, or of a function of one's own.

    Raises:
        LearnerError: It is a sum, or a mean that cannot be added up.
    """
    if isinstance(given, Loss):
        return given
    if getattr(given, "reduction", None) == "sum":
        raise LearnerError(
            "A loss that is a sum grows with the batch, and so does the step.",
            where=type(given).__name__,
            mend="Leave reduction='sum' out.",
        )
    if isinstance(given, nn.NLLLoss):
        raise LearnerError(
            "The mean of NLLLoss leaves out padding, and cannot be added up.",
            where="NLLLoss",
            mend="Let the module give logits, and use torch.nn.CrossEntropyLoss.",
        )
    if isinstance(given, nn.CrossEntropyLoss):
        padding = given.ignore_index
        return CrossEntropy(given.weight, given.label_smoothing, padding, classes_last=False)
    if isinstance(given, nn.BCEWithLogitsLoss) and given.weight is None:
        return BinaryCrossEntropy(given.pos_weight)
    if isinstance(given, nn.MSELoss):
        return Regression("mse")
    if isinstance(given, nn.L1Loss):
        return Regression("l1")
    if isinstance(given, nn.HuberLoss):
        return Regression("huber", given.delta)
    return OfFunction(given)


def _precise(outputs: Tensor) -> Tensor:
    """In float32 at least: a sum of many losses in bfloat16 keeps three digits."""
    return outputs.float() if outputs.dtype in {torch.bfloat16, torch.float16} else outputs


def _alike(outputs: Tensor, targets: Tensor) -> Tensor:
    """Outputs in the shape of the targets: (n, 1) beside (n,) would be (n, n) without a word."""
    if outputs.ndim == targets.ndim + 1 and outputs.shape[-1] == 1:
        outputs = outputs.squeeze(-1)
    if outputs.shape != targets.shape:
        raise LearnerError(
            f"The module gives {tuple(outputs.shape)} where targets are {tuple(targets.shape)}.",
            mend="Let its last layer have as many outputs as a row has targets.",
        )
    return _precise(outputs)


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
