"""The order of rows: a pure function of the seed and the epoch, so that a position is a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BUFFER_BLOCKS = 64
_SORTED_BATCHES = 50
_STRETCHES = 4


class Order:
    """The order of rows in an epoch.

    Where rows lie in blocks on a disk, blocks are shuffled, and then the rows of some blocks among
    each other: what must be held is as many numbers, however many rows there are.

    Args:
        n: Rows.
        block: Rows that lie together.
        seed: Of the training, at least 0.
        epoch: Which one, from zero; None for the rows' own order.
    """

    def __init__(self, n: int, block: int, seed: int, epoch: int | None) -> None:
        self.key = n, block, seed, epoch
        self._n, self._block = n, block
        self._is_shuffled = epoch is not None
        self._held: tuple[int, Tensor] | None = None
        if self._is_shuffled:
            self._blocks = self._random(0).permutation(-(-n // block))

    def __len__(self) -> int:
        return self._n

    def __reduce__(self) -> tuple[Any, ...]:
        return Order, self.key

    def rows(self, start: int, stop: int) -> Tensor:
        """The numbers of the rows at these positions, int64, shape (stop - start,)."""
        assert 0 <= start <= stop <= self._n, f"{start} to {stop} of {self._n} rows"
        if not self._is_shuffled:
            return torch.arange(start, stop)
        if self._block == 1:
            return torch.from_numpy(self._blocks[start:stop])
        parts = [torch.empty(0, dtype=torch.int64)]
        while start < stop:
            buffer, first = self._buffer_at(start)
            rows = self._rows_of(buffer)
            part = rows[start - first : stop - first]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _random(self, part: int) -> np.random.Generator:
        """Of the blocks (0), or of a buffer's rows; NumPy takes (s, e) and (s, e, 0) for one."""
        _, _, seed, epoch = self.key
        return np.random.default_rng([seed, epoch or 0, part])

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
            rows = (blocks[:, None] * self._block + np.arange(self._block)).ravel()
            rows = self._random(1 + buffer).permutation(rows[rows < self._n])
            self._held = buffer, torch.from_numpy(rows)
        return self._held[1]


class ByLength(Order):
    """Rows of like length in the same batch, so that little of it is padding.

    Rows are shuffled, and sorted by their length among fifty batches of neighbours at a time, but
    not more than a quarter of the table: were all of it sorted, the same rows would meet in every
    epoch. Then the batches are shuffled, all but the last, which may be a short one. Without an
    epoch the longest come first.

    Args:
        lengths: Of the rows, shape (n,).
        batch_size: Rows in a batch, of which micro-batches are cut.
        seed: Of the training, at least 0.
        epoch: Which one, from zero; None for rows that are not learnt from.
    """

    def __init__(
        self, lengths: NDArray[np.integer[Any]], batch_size: int, seed: int, epoch: int | None
    ) -> None:
        super().__init__(len(lengths), 1, seed, epoch)
        self._given = lengths, batch_size, seed, epoch
        self.key = len(lengths), batch_size, seed, epoch
        if not self._is_shuffled:
            self._is_shuffled = True
            self._blocks = np.argsort(-lengths, kind="stable")
            return
        together = min(_SORTED_BATCHES, self._n // (_STRETCHES * batch_size))
        width = batch_size * max(1, together)
        parts = [self._blocks[low : low + width] for low in range(0, self._n, width)]
        rows = np.concatenate([part[np.argsort(-lengths[part], kind="stable")] for part in parts])
        last = len(Bounds(self._n, batch_size)) - 1
        full = rows[: last * batch_size].reshape(last, batch_size)
        shuffled = full[self._random(1).permutation(last)].reshape(-1)
        self._blocks = np.concatenate([shuffled, rows[last * batch_size :]])

    def __reduce__(self) -> tuple[Any, ...]:
        return ByLength, self._given


class Bounds(Sequence[tuple[int, int]]):
    """Where each batch of an epoch begins and ends.

    The last one is as short as it is; a single row, of which batch norm can say nothing, goes with
    the batch before.
    """

    def __init__(self, n: int, batch_size: int) -> None:
        self._n, self._size = n, batch_size
        self._count = -(-n // batch_size)
        if n % batch_size == 1 and self._count > 1:
            self._count -= 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> tuple[int, int]: ...

    @overload
    def __getitem__(self, number: slice) -> list[tuple[int, int]]: ...

    def __getitem__(self, number: int | slice) -> tuple[int, int] | list[tuple[int, int]]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(self._count))]
        number = number + self._count if number < 0 else number
        if not 0 <= number < self._count:
            raise IndexError(number)
        begin = number * self._size
        return begin, self._n if number == self._count - 1 else begin + self._size
