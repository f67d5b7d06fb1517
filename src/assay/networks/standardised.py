"""Standardised images: a network that is given pixels as they are stored, and scales them itself.

So batches of bytes travel to the device, and whoever saves the network saves its scale with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Standardised(nn.Module):
    """A network behind (pixels - mean) / deviation: uint8 or float (n, c, h, w) to its outputs.

    Args:
        network: What sees the scaled images.
        mean: Of the pixels, for each channel, 0 to 255.
        deviation: As well; a channel that is the same everywhere counts as 1.
    """

    def __init__(
        self, network: nn.Module, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.network = network
        self.mean: Tensor
        self.deviation: Tensor
        spread = [each if each > 0 else 1.0 for each in deviation]
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(spread).view(1, -1, 1, 1))

    @property
    def wrapped(self) -> nn.Module:
        """The network, whose blocks are those of the whole."""
        return self.network

    def forward(self, images: Tensor) -> Any:
        return self.network((images.to(self.mean.dtype) - self.mean) / self.deviation)
