"""Clipping: the norm of the whole gradient, which is recorded, and bounded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def clip(parameters: Sequence[Tensor], most: float | None) -> float:
    """Scale the gradient down to a norm, where it is longer.

    The same arithmetic as `torch.nn.utils.clip_grad_norm_`, but a gradient that is short enough is
    not multiplied by one.

    Args:
        parameters: What has gradients, all on one device.
        most: The norm; None to measure only.

    Returns:
        The norm before; NaN or infinite where a gradient is not finite, which is then left alone.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    if not gradients:
        return 0.0
    norms = torch._foreach_norm(gradients, 2.0)
    norm: float = torch.linalg.vector_norm(torch.stack(norms)).item()
    if most is not None and most < norm < float("inf"):
        torch._foreach_mul_(gradients, most / (norm + 1e-6))
    return norm
