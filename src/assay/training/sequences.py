"""Sequences: rows of tokens with their targets, padded batch by batch to the longest in it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.data.ragged import Ragged
from assay.training.batches import Batch
from assay.training.order import ByLength, Order


@dataclass(frozen=True)
class Sequences:
    """Rows of sequences with their targets; implements `batches.Data`.

    Attributes:
        inputs: The rows.
        targets: First axis n.
        weights: Sample weights, float32, shape (n,); None where all rows count the same.
    """

    inputs: Ragged
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def block(self) -> int:
        return 1

    @property
    def window(self) -> int:
        """A batch at a time: what is padded for several is padded for the longest of all."""
        return 1

    def order(self, seed: int, epoch: int | None, batch_size: int) -> Order:
        """Rows of like length in the same batch."""
        return ByLength(self.inputs.lengths, batch_size, seed, epoch)

    def take(self, index: Tensor) -> Batch:
        """The rows of these numbers, int64, shape (n,), in this order."""
        padded = self.inputs.padded(index.numpy())
        weights = None if self.weights is None else self.weights[index]
        inputs = {name: torch.from_numpy(each) for name, each in padded.items()}
        return Batch(inputs, self.targets[index], weights)
