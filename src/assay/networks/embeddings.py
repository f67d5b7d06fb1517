"""Embeddings: how columns of a table become what a network can learn from.

A number on its own bends a network little; read through many small functions of it, the network
finds thresholds and curves as trees do. Categories become ones among zeros, or learnt vectors where
there are many levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

FEW_LEVELS = 32
"""Levels of a category up to which each has a column of its own."""

_NO_END = torch.finfo(torch.float32).min, torch.finfo(torch.float32).max


class SmoothClip(nn.Module):
    """Squeezes outliers smoothly: what is near zero stays, nothing goes beyond the limit.

    `x / sqrt(1 + (x / limit)^2)` (Holzmüller et al. 2024, RealMLP).

    Args:
        limit: Largest absolute value that comes out.
    """

    def __init__(self, limit: float = 3.0) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers of any shape, in the same shape."""
        return x * torch.rsqrt(1 + (x / self.limit).square())


class Plain(nn.Module):
    """Numbers as they are, with outliers squeezed: for tables too small for anything else."""

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.width = n_columns
        self.clip = SmoothClip()

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, columns), in the same shape."""
        return self.clip(x)


class Periodic(nn.Module):
    """Sines and cosines of learnt frequencies, then one linear layer for all columns.

    'PLR(lite)' of Gorishniy et al. 2022 (On Embeddings for Numerical Features in Tabular Deep
    Learning), with the number itself beside it.

    Args:
        n_columns: Numbers in a row.
        n_frequencies: Of each column.
        size: Numbers that a column becomes, besides itself.
        spread: Standard deviation of the frequencies at the start.
    """

    def __init__(
        self, n_columns: int, n_frequencies: int = 16, size: int = 8, spread: float = 0.1
    ) -> None:
        super().__init__()
        self.width = n_columns * (size + 1)
        self.clip = SmoothClip()
        self.frequencies = nn.Parameter(torch.randn(n_columns, n_frequencies) * spread)
        self.linear = nn.Linear(2 * n_frequencies, size)

    def no_weight_decay(self) -> tuple[str, ...]:
        """A frequency is a place, and zero is not a better one."""
        return ("frequencies",)

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, columns), shape (n, width)."""
        clipped = self.clip(x)
        angle = 2 * math.pi * self.frequencies * x.unsqueeze(-1)
        waves = torch.cat([angle.cos(), angle.sin()], -1)
        read = torch.relu(self.linear(waves))
        return torch.cat([clipped.unsqueeze(-1), read], -1).flatten(1)


class PiecewiseLinear(nn.Module):
    """How far a number has come through each of its column's bins, then a linear layer a column.

    Piecewise-linear encoding of Gorishniy et al. 2022; as in TabM (Gorishniy et al. 2024) the bins
    begin with no weight, beside a plain linear reading. Where bins lie is set once, by `place`,
    and is saved with the weights.

    Args:
        n_columns: Numbers in a row.
        n_bins: Of a column at most.
        size: Numbers that a column becomes.
    """

    start: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, n_columns: int, n_bins: int = 32, size: int = 8) -> None:
        super().__init__()
        self.width = n_columns * size
        self.clip = SmoothClip()
        for name in ("start", "scale", "low", "high"):
            self.register_buffer(name, torch.zeros(n_columns, n_bins))
        self.weight = nn.Parameter(torch.zeros(n_columns, n_bins, size))
        self.plain = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))
        self.place([torch.linspace(-2, 2, n_bins + 1)] * n_columns)

    def place(self, edges: Sequence[Tensor]) -> None:
        """Say where the bins are.

        Args:
            edges: Of each column, its bins' edges, ascending, at least two distinct ones and at
                most one more than bins; for instance `quantile_edges` of the training rows.
        """
        start, scale = torch.zeros_like(self.start), torch.zeros_like(self.scale)
        low, high = torch.zeros_like(self.low), torch.ones_like(self.high)
        for column, given in enumerate(edges):
            each = self.clip(given.double()).float().unique()
            # The last bin of a column is the last of all, so that it is the one without an end.
            places = [*range(len(each) - 2), start.shape[1] - 1]
            start[column, places] = each[:-1].to(start)
            scale[column, places] = 1 / (each[1:] - each[:-1]).to(start)
            low[column, places[0]] = _NO_END[0]
            high[column, places[-1]] = _NO_END[1]
        for mine, new in ((self.start, start), (self.scale, scale), (self.low, low)):
            mine.copy_(new)
        self.high.copy_(high)

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, columns), shape (n, width)."""
        x = self.clip(x)
        come = ((x.unsqueeze(-1) - self.start) * self.scale).clamp(self.low, self.high)
        read = torch.bmm(come.transpose(0, 1), self.weight).transpose(0, 1)
        read = torch.addcmul(self.bias, x.unsqueeze(-1), self.plain) + read
        return read.flatten(1)


class Categories(nn.Module):
    """Codes of categories: a column of ones and zeros a level, or a learnt vector where many.

    Code 0 is what is missing or was never seen: no level at all, so zeros in the first way; in the
    second a vector of its own that begins as zeros and stays there unless training rows have it.

    Args:
        levels: Codes of each column, the zero included, so codes lie in [0, levels).
        few: Codes up to which levels have columns.
    """

    firsts: Tensor

    def __init__(self, levels: Sequence[int], few: int = FEW_LEVELS) -> None:
        super().__init__()
        self.few = [column for column, each in enumerate(levels) if each <= few]
        self.many = [column for column, each in enumerate(levels) if each > few]
        ones = [max(levels[column] - 1, 1) for column in self.few]
        self.n_ones = sum(ones)
        firsts = torch.tensor([sum(ones[:place]) for place in range(len(ones))], dtype=torch.long)
        self.register_buffer("firsts", firsts, persistent=False)
        vectors = [_vectors(levels[column]) for column in self.many]
        self.vectors = nn.ModuleList(vectors)
        self.width = self.n_ones + sum(each.embedding_dim for each in vectors)

    def forward(self, codes: Tensor) -> Tensor:
        """Of codes, int64, shape (n, columns), shape (n, width)."""
        parts = []
        if self.few:
            few = codes if not self.many else codes[:, self.few]
            ones = torch.zeros(codes.shape[0], self.n_ones, device=codes.device)
            places = self.firsts + (few - 1).clamp_min(0)
            parts.append(ones.scatter_(1, places, (few > 0).to(ones.dtype)))
        for column, each in zip(self.many, self.vectors, strict=True):
            parts.append(each(codes[:, column]))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def quantile_edges(x: Tensor, most: int) -> list[Tensor]:
    """Edges of bins that hold about as many rows each: distinct quantiles of each column.

    Args:
        x: Numbers of the training rows, shape (n, columns), n at least 1.
        most: Bins of a column at most; fewer where values are tied.

    Returns:
        For each column its edges, ascending; of a constant one, itself and one more.
    """
    shares = torch.linspace(0, 1, most + 1, dtype=torch.float64)
    edges = []
    for column in x.double().T:
        ranked = column.sort().values
        each = ranked[(shares * (len(ranked) - 1)).round().long()].unique()
        edges.append(each if len(each) > 1 else torch.cat([each, each + 1]))
    return edges


def _vectors(n_levels: int) -> nn.Embedding:
    """Learnt vectors, the longer the more levels there are, up to 32."""
    vectors = nn.Embedding(n_levels, min(32, max(4, round(1.6 * n_levels**0.56 / 2))))
    nn.init.normal_(vectors.weight, std=0.5)
    with torch.no_grad():
        vectors.weight[0] = 0
    return vectors
