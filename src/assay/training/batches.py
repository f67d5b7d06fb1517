"""Batches: rows by index, in an order that is a pure function of the seed and the epoch.

So a position in an epoch is one whole number, and training that is resumed there goes on with the
very batch that came next. No row is collated by itself: a batch is one selection from each tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

WINDOW_BYTES = 1 << 20
"""What is selected at once from memory, for as many small batches as that makes."""
_BUFFER_BLOCKS = 16


class Batch(NamedTuple):
    """Some rows.

    Attributes:
        inputs: What the module is called with: a tensor, a tuple of them, or a dict of them by
            the names of its arguments; first axis n.
        targets: What it is to say of them, first axis n.
        weights: How much each row counts, float32, shape (n,); None where all count the same.
    """

    inputs: Any
    targets: Any
    weights: Tensor | None = None


@runtime_checkable
class Data(Protocol):
    """Rows that can be taken by their numbers."""

    def __len__(self) -> int: ...

    @property
    def block(self) -> int:
        """Rows that lie together and are best read together; 1 where any row is as near."""
        ...

    @property
    def window(self) -> int:
        """Rows that are best taken at once; fewer than a batch means one batch."""
        ...

    def take(self, index: Tensor) -> Batch:
        """The rows of these numbers, int64, shape (n,), in this order."""
        ...


@dataclass(frozen=True)
class Tensors:
    """Rows in memory, or on the device that trains.

    Attributes:
        inputs: A tensor, a tuple or a dict of tensors; first axis n.
        targets: A tensor, first axis n.
        weights: Sample weights, float32, shape (n,); None where all rows count the same.
    """

    inputs: Any
    targets: Any
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        lengths = {len(each) for each in tensors_of((self.inputs, self.targets, self.weights))}
        assert len(lengths) == 1, f"inputs, targets and weights of as many rows each: {lengths}"

    def __len__(self) -> int:
        return len(next(tensors_of(self.targets)))

    @property
    def block(self) -> int:
        return 1

    @property
    def window(self) -> int:
        each = tensors_of((self.inputs, self.targets, self.weights))
        row = sum(t.element_size() * (t.numel() // max(len(t), 1)) for t in each)
        return max(1, WINDOW_BYTES // max(row, 1))

    def take(self, index: Tensor) -> Batch:
        return Batch(*mapped((self.inputs, self.targets, self.weights), lambda t: t[index]))

    def to(self, device: torch.device) -> Tensors:
        """The same rows on a device."""
        moved = mapped((self.inputs, self.targets, self.weights), lambda t: t.to(device))
        return Tensors(*moved)


class Order:
    """The order of rows in an epoch.

    Where rows lie in blocks on a disk, blocks are shuffled, and then the rows of some blocks among
    each other: what must be held is as many numbers, however many rows there are.

    Args:
        n: Rows.
        block: Rows that lie together.
        seed: Of the training.
        epoch: Which one, from zero; None for the rows' own order.
    """

    def __init__(self, n: int, block: int, seed: int, epoch: int | None) -> None:
        self._n, self._block = n, block
        self._seed = [seed, epoch if epoch is not None else -1]
        self._is_shuffled = epoch is not None
        self._held: tuple[int, Tensor] | None = None
        if self._is_shuffled:
            self._blocks = self._random().permutation(-(-n // block))

    def __len__(self) -> int:
        return self._n

    def rows(self, start: int, stop: int) -> Tensor:
        """The numbers of the rows at these positions, int64, shape (stop - start,)."""
        if not self._is_shuffled:
            return torch.arange(start, stop)
        if self._block == 1:
            return torch.from_numpy(self._blocks[start:stop])
        parts = []
        while start < stop:
            buffer, first = self._buffer_at(start)
            rows = self._rows_of(buffer)
            part = rows[start - first : stop - first]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _random(self, *more: int) -> np.random.Generator:
        return np.random.default_rng([*self._seed, *more])

    def _buffer_at(self, position: int) -> tuple[int, int]:
        """The buffer that holds a position, and where that buffer begins.

        Every block is full but the last of the table, wherever the shuffle has put it.
        """
        per_buffer = self._block * _BUFFER_BLOCKS
        short = -self._n % self._block
        where = int(np.flatnonzero(self._blocks == len(self._blocks) - 1)[0]) // _BUFFER_BLOCKS
        buffer = position // per_buffer
        if buffer >= where and position >= (where + 1) * per_buffer - short:
            buffer = (position + short) // per_buffer
        return buffer, buffer * per_buffer - (short if buffer > where else 0)

    def _rows_of(self, buffer: int) -> Tensor:
        if self._held is None or self._held[0] != buffer:
            blocks = self._blocks[buffer * _BUFFER_BLOCKS : (buffer + 1) * _BUFFER_BLOCKS]
            rows = np.concatenate(
                [
                    np.arange(each * self._block, min((each + 1) * self._block, self._n))
                    for each in blocks
                ]
            )
            self._held = buffer, torch.from_numpy(self._random(buffer).permutation(rows))
        return self._held[1]


def bounds(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Where each batch of an epoch begins and ends.

    The last one is as short as it is; a single row, of which batch norm can say nothing, goes with
    the batch before.
    """
    starts = list(range(0, n, batch_size))
    if n % batch_size == 1 and len(starts) > 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], n], strict=True))


def stream(data: Data, order: Order, batch_size: int, start: int = 0) -> Iterator[Batch]:
    """The batches of an epoch, from the one at `start` on, counted from zero."""
    ahead = bounds(len(order), batch_size)[start:]
    at_once = max(1, data.window // batch_size)
    for first in range(0, len(ahead), at_once):
        window = ahead[first : first + at_once]
        begin, end = window[0][0], window[-1][1]
        rows = data.take(order.rows(begin, end))
        if len(window) == 1:
            yield rows
            continue
        for low, high in window:
            yield part_of(rows, low - begin, high - begin)


def part_of(batch: Batch, low: int, high: int) -> Batch:
    """Some of the rows, without copying them."""
    inputs, targets, weights = batch
    if isinstance(inputs, Tensor) and isinstance(targets, Tensor) and weights is None:
        return Batch(inputs[low:high], targets[low:high])
    return Batch(*mapped(tuple(batch), lambda t: t[low:high]))


def tensors_of(tree: Any) -> Iterator[Tensor]:
    """Every tensor in tuples, lists and dicts of tensors; None is nothing."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for each in tree.values():
            yield from tensors_of(each)
    elif isinstance(tree, Sequence):
        for each in tree:
            yield from tensors_of(each)


def mapped(tree: Any, change: Any) -> Any:
    """The same tuples, lists and dicts with every tensor changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, Mapping):
        return {name: mapped(each, change) for name, each in tree.items()}
    if isinstance(tree, Sequence):
        return tuple(mapped(each, change) for each in tree)
    return tree
