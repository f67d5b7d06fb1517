"""The loss of an ensemble in one network: each member learns for itself, and all count the same."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from assay.training.losses import Loss, Size


class OfMembers:
    """Mean over the members of a loss, so that it does not grow with their number.

    To minimise the loss of the members' mean instead would let some lean on others
    (Gorishniy et al. 2024, TabM).

    Args:
        loss: Of one member: outputs of shape (n, outputs).
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def size(self, targets: Any, weights: Tensor | None) -> Size:
        """How much the targets of a micro-batch count: as for one member."""
        return self.loss.size(targets, weights)

    def total(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Of logits or values, shape (n, members, outputs)."""
        k = outputs.shape[1]
        weights = None if weights is None else weights.repeat_interleave(k)
        targets = targets.repeat_interleave(k, dim=0)
        return self.loss.total(outputs.flatten(0, 1), targets, weights) / k
