"""Multilayer perceptrons for tables: a plain one for few rows, a residual one for more."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from assay.networks.dropout import Dropout


class MLP(nn.Module):
    """Linear layers with ReLU and dropout between them.

    Args:
        n_inputs: Numbers in a row.
        n_outputs: Logits or values that come out.
        widths: Of the hidden layers; none make it a linear model.
        dropout: Share of a hidden layer's outputs that are dropped while it trains.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        widths: Sequence[int] = (128, 128),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        before = [n_inputs, *widths[:-1]] if widths else []
        self.hidden = nn.ModuleList(
            nn.Sequential(nn.Linear(n, width), nn.ReLU(), Dropout(dropout))
            for n, width in zip(before, widths, strict=True)
        )
        self.head = nn.Linear(widths[-1] if widths else n_inputs, n_outputs)

    @property
    def blocks(self) -> list[nn.Module]:
        """From the input to the output."""
        return [*self.hidden, self.head]

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, inputs), shape (n, outputs)."""
        for each in self.hidden:
            x = each(x)
        return self.head(x)


class ResidualBlock(nn.Module):
    """Adds to a row what norm, linear, ReLU, dropout and linear make of it.

    Args:
        width: Numbers in a row.
        hidden: Numbers between the two linear layers.
        dropout: Share that is dropped between them while it trains.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inward = nn.Linear(width, hidden)
        self.dropout = Dropout(dropout)
        self.outward = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Of rows, shape (n, width), in the same shape."""
        return x + self.outward(self.dropout(torch.relu(self.inward(self.norm(x)))))


class ResidualMLP(nn.Module):
    """'ResNet' of Gorishniy et al. 2021 (Revisiting Deep Learning Models for Tabular Data).

    Layer norm stands where the paper has batch norm: rows say nothing of each other, so a network
    predicts the same of a row alone and among others, and micro-batches add up to the large batch.

    Args:
        n_inputs: Numbers in a row.
        n_outputs: Logits or values that come out.
        width: Numbers in a row between blocks.
        n_blocks: How many.
        hidden_factor: How much wider a block is inside.
        dropout: Share that is dropped inside a block while it trains.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        width: int = 192,
        n_blocks: int = 2,
        hidden_factor: float = 2.0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.stem = nn.Linear(n_inputs, width)
        hidden = round(width * hidden_factor)
        self.body = nn.ModuleList(ResidualBlock(width, hidden, dropout) for _ in range(n_blocks))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, n_outputs))

    @property
    def blocks(self) -> list[nn.Module]:
        """From the input to the output."""
        return [self.stem, *self.body, self.head]

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, inputs), shape (n, outputs)."""
        x = self.stem(x)
        for each in self.body:
            x = each(x)
        return self.head(x)
