"""Networks for tables: columns are embedded, then read by one perceptron or by an ensemble in one.

The ensemble is TabM (Gorishniy, Kotelnikov, Babenko 2024): members share every weight matrix and
differ by vectors that scale what goes in and what comes out of it (BatchEnsemble, Wen et al. 2020).
They cost one pass and keep each other from overfitting, and their mean predicts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from assay.networks.dropout import Dropout
from assay.networks.embeddings import Categories, Periodic, Plain
from assay.networks.mlp import MLP, ResidualMLP


class Columns(nn.Module):
    """The columns of a table beside each other, each group read in its own way.

    Args:
        numeric: What reads the numbers that are worth an embedding; None where there are none.
        n_plain: Numbers that are taken as they are: indicators, periods of dates, topics of texts.
        categories: What reads the codes of categories; None where there are none.
    """

    def __init__(
        self, numeric: nn.Module | None, n_plain: int, categories: nn.Module | None
    ) -> None:
        super().__init__()
        self.numeric = numeric
        self.n_plain = n_plain
        self.categories = categories
        widths = [getattr(each, "width", 0) for each in (numeric, categories)]
        self.width = sum(widths) + n_plain

    def forward(self, numeric: Tensor, plain: Tensor, categories: Tensor) -> Tensor:
        """Of numbers, numbers and codes, each of shape (n, columns), shape (n, width)."""
        parts = []
        if self.numeric is not None:
            parts.append(self.numeric(numeric))
        if self.n_plain:
            parts.append(plain)
        if self.categories is not None:
            parts.append(self.categories(categories))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


class TableNet(nn.Module):
    """A network that takes the groups of columns by their names.

    Args:
        columns: Makes one row of numbers of them.
        body: Makes outputs of those; shape (n, outputs), or (n, members, outputs).
    """

    def __init__(self, columns: Columns, body: nn.Module) -> None:
        super().__init__()
        self.columns = columns
        self.body = body

    @property
    def blocks(self) -> list[nn.Module]:
        """From the input to the output."""
        has_weights = any(True for _ in self.columns.parameters())
        inner: Any = self.body
        return [*([self.columns] if has_weights else []), *inner.blocks]

    def forward(self, numeric: Tensor, plain: Tensor, categories: Tensor) -> Tensor:
        """Of numbers, numbers and codes, each of shape (n, columns)."""
        return self.body(self.columns(numeric, plain, categories))


class SharedLinear(nn.Module):
    """One weight matrix for all members, each scaling its inputs and outputs.

    `y[m] = ((x[m] * r[m]) W) * s[m] + b[m]`

    Args:
        n_inputs: Numbers in.
        n_outputs: Numbers out.
        n_members: How many read them.
    """

    def __init__(self, n_inputs: int, n_outputs: int, n_members: int) -> None:
        super().__init__()
        bound = n_inputs**-0.5
        self.weight = nn.Parameter(torch.empty(n_inputs, n_outputs).uniform_(-bound, bound))
        self.r = nn.Parameter(torch.ones(n_members, n_inputs))
        self.s = nn.Parameter(torch.ones(n_members, n_outputs))
        bias = torch.empty(n_outputs).uniform_(-bound, bound)
        self.bias = nn.Parameter(bias.repeat(n_members, 1))

    def no_weight_decay(self) -> tuple[str, ...]:
        """Scales belong around one, and decay would pull them to zero."""
        return "r", "s"

    def forward(self, x: Tensor) -> Tensor:
        """Of rows, shape (n, members or 1, inputs), shape (n, members, outputs)."""
        return torch.addcmul(self.bias, (x * self.r) @ self.weight, self.s)


class MemberLinear(nn.Module):
    """A linear layer of its own for each member.

    Args:
        n_inputs: Numbers in.
        n_outputs: Numbers out.
        n_members: How many layers.
    """

    def __init__(self, n_inputs: int, n_outputs: int, n_members: int) -> None:
        super().__init__()
        bound = n_inputs**-0.5
        shape = n_members, n_inputs, n_outputs
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_members, n_outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Of rows, shape (n, members, inputs), shape (n, members, outputs)."""
        return torch.bmm(x.transpose(0, 1), self.weight).transpose(0, 1) + self.bias


class TabM(nn.Module):
    """An ensemble of perceptrons in one.

    Args:
        n_inputs: Numbers in a row.
        n_outputs: Logits or values of each member.
        width: Of the hidden layers.
        depth: Hidden layers.
        n_members: Members.
        dropout: Share of a hidden layer's outputs that are dropped while it trains.
        mini: Whether members differ by what scales the first layer's inputs, and by their heads,
            alone.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        width: int = 256,
        depth: int = 2,
        n_members: int = 32,
        dropout: float = 0.1,
        mini: bool = False,
    ) -> None:
        super().__init__()
        self.n_members = n_members
        widths = [n_inputs, *[width] * depth]
        self.scale = nn.Parameter(torch.randn(n_members, n_inputs)) if mini else None
        layers: list[nn.Module] = [
            nn.Linear(before, after) if mini else SharedLinear(before, after, n_members)
            for before, after in itertools.pairwise(widths)
        ]
        for first in layers[:1]:
            if isinstance(first, SharedLinear):
                nn.init.normal_(first.r)
        self.hidden = nn.ModuleList(
            nn.Sequential(layer, nn.ReLU(), Dropout(dropout)) for layer in layers
        )
        self.head = MemberLinear(widths[-1], n_outputs, n_members)

    @property
    def blocks(self) -> list[nn.Module]:
        """From the input to the output."""
        return [*self.hidden, self.head]

    def no_weight_decay(self) -> tuple[str, ...]:
        """As of `SharedLinear`."""
        return () if self.scale is None else ("scale",)

    def forward(self, x: Tensor) -> Tensor:
        """Of numbers, shape (n, inputs), shape (n, members, outputs)."""
        x = x.unsqueeze(1)
        if self.scale is not None:
            x = x * self.scale
        for each in self.hidden:
            x = each(x)
        return self.head(x)


def table_net(
    *,
    numeric: int,
    plain: int,
    levels: Sequence[int],
    n_outputs: int,
    frequencies: int = 16,
    spread: float = 0.3,
    size: int = 8,
    width: int = 256,
    depth: int = 2,
    dropout: float = 0.1,
    members: int = 0,
    residual: bool = False,
) -> TableNet:
    """A network for a table, of arguments that can be written down as JSON.

    Args:
        numeric: Numbers that are embedded.
        plain: Numbers that are taken as they are.
        levels: Codes of each category, the zero of what is unknown included.
        n_outputs: Logits or values.
        frequencies: Of each number's embedding; without any, numbers are taken as they are.
        spread: Of the frequencies at the start.
        size: Numbers that an embedded one becomes, besides itself.
        width: Of the hidden layers.
        depth: Hidden layers, or residual blocks.
        dropout: Share of a hidden layer's outputs that are dropped while it trains.
        members: Of the ensemble; without any, one perceptron.
        residual: Whether that one has residual blocks.
    """
    numbers: nn.Module | None = None
    if numeric:
        periodic = frequencies > 0
        numbers = Periodic(numeric, frequencies, size, spread) if periodic else Plain(numeric)
    columns = Columns(numbers, plain, Categories(levels) if levels else None)
    body: nn.Module
    if members:
        body = TabM(columns.width, n_outputs, width, depth, members, dropout)
    elif residual:
        body = ResidualMLP(columns.width, n_outputs, width, depth, dropout=dropout)
    else:
        body = MLP(columns.width, n_outputs, [width] * depth, dropout)
    return TableNet(columns, body)
