"""Dropout whose masks are cheap on a processor: sixteen random bits for each number.

PyTorch draws a mask on a processor number by number, in one thread: of a transformer's training
step a third. Here one draw of 64 bits decides about four numbers (`benchmarks/dropout.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_AT_ONCE = 64 // 16
_FEW = 2**13
"""Numbers from which on it pays."""
_LEVELS = 2**16


class Dropout(nn.Dropout):
    """`nn.Dropout`; on a processor its p is rounded to a multiple of 2 ** -16."""

    def forward(self, input: Tensor) -> Tensor:
        """What is left of the input in training; the input otherwise."""
        return dropped(input, self.p) if self.training else input


def dropped(x: Tensor, p: float) -> Tensor:
    """Zeros in place of some numbers, and the others times 1 / (1 - p).

    Args:
        x: Numbers, of any shape. Masks are PyTorch's own where those are cheap: of a few numbers,
            on another device, in code that is compiled.
        p: Probability of a zero, 0 <= p <= 1; drawn from the global generator.
    """
    level = round(p * _LEVELS)
    is_cheap = x.numel() < _FEW or x.device.type != "cpu" or torch.compiler.is_compiling()
    if is_cheap or not 0 < level < _LEVELS:
        return nn.functional.dropout(x, p)
    drawn = torch.empty(-(-x.numel() // _AT_ONCE), dtype=torch.int64).random_(-(2**63), None)
    bits = drawn.view(torch.int16)[: x.numel()].view(x.shape)
    scale = torch.empty(x.shape, dtype=x.dtype)
    torch.ge(bits, level - _LEVELS // 2, out=scale)
    return x * scale.mul_(_LEVELS / (_LEVELS - level))
