"""Batches: rows by index, in an order that is a pure function of the seed and the epoch.

So a position in an epoch is one whole number, and training that is resumed there goes on with the
very batch that came next. No row is collated by itself: a batch is one selection from each tensor.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from assay.training.order import Bounds, Order

Augment = Callable[[Any, torch.Generator], Any]
"""Inputs of a batch, and what to draw from, to inputs as they are trained on."""
WINDOW_BYTES = 1 << 20
"""What is selected at once from memory, for as many small batches as that makes."""
_AUGMENTATION, _GLOBAL = 1, 2  # kinds of draws, of which none may be another


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
    """Rows that can be taken by their numbers.

    What draws from the global generators when rows are taken says so by an attribute `draws`. Rows
    that are best batched in an order of their own give it: `order(seed, epoch, batch_size)`.
    """

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
        """The rows of these numbers, int64, shape (n,), in this order, the caller's to change."""
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
        return max(1, WINDOW_BYTES // row_bytes((self.inputs, self.targets, self.weights)))

    def take(self, index: Tensor) -> Batch:
        here = (self.inputs, self.targets, self.weights)
        return Batch(*mapped(here, lambda each: selected(each, index)))

    def to(self, device: torch.device) -> Tensors:
        """The same rows on a device."""
        moved = mapped((self.inputs, self.targets, self.weights), lambda t: t.to(device))
        return Tensors(*moved)


def order_of(data: Data, seed: int, epoch: int | None, batch_size: int) -> Order:
    """The order of the rows in an epoch; as they are evaluated, where that is None.

    Args:
        data: The rows.
        seed: Of the training.
        epoch: Which one, from zero; None for rows that are not learnt from.
        batch_size: Rows of an optimizer step, so that its micro-batches make the same large batch.
    """
    own = getattr(data, "order", None)
    if own is not None:
        order: Order = own(seed, epoch, batch_size)
        return order
    return Order(len(data), data.block, seed, epoch)


def stream(
    data: Data, order: Order, batch_size: int, start: int = 0, *, augment: Augment | None = None
) -> Iterator[Batch]:
    """The batches of an epoch, from the one at `start` on, counted from zero.

    Windows begin where they would have begun from zero, so that a batch lies in memory as it would
    have: where a row begins may decide by which kernel it is multiplied, and so the last bits.
    """
    per_window = batches_at_once(data, batch_size)
    for first in range(start - start % per_window, len(Bounds(len(order), batch_size)), per_window):
        window = taken(data, order, batch_size, first)
        yield from cut(window, order, batch_size, first, augment=augment, start=start)


def batches_at_once(data: Data, batch_size: int) -> int:
    """Batches in a window."""
    return max(1, data.window // batch_size)


def taken(data: Data, order: Order, batch_size: int, first: int) -> Batch:
    """The rows of the window that begins with batch number `first`."""
    ahead = Bounds(len(order), batch_size)[first : first + batches_at_once(data, batch_size)]
    rows = order.rows(ahead[0][0], ahead[-1][1])
    draws = getattr(data, "draws", False)
    with _drawing(_seed(order, first, _GLOBAL)) if draws else nullcontext():
        return data.take(rows)


def cut(
    window: Batch,
    order: Order,
    batch_size: int,
    first: int,
    *,
    augment: Augment | None = None,
    start: int = 0,
) -> Iterator[Batch]:
    """The batches of a window, those from number `start` on.

    What is drawn is a function of the seed, the epoch and the batch's number.
    """
    n = len(next(tensors_of(window)))
    bounds, number, low = Bounds(len(order), batch_size), first, 0
    while low < n:
        begin, end = bounds[number]
        high = low + end - begin
        if number >= start:
            batch = window if high - low == n else part_of(window, low, high)
            yield batch if augment is None else _augmented(batch, augment, order, number)
        number, low = number + 1, high


def _augmented(batch: Batch, augment: Augment, order: Order, number: int) -> Batch:
    device = next(tensors_of(batch.inputs)).device
    generator = torch.Generator(device).manual_seed(_seed(order, number, _AUGMENTATION))
    return Batch(augment(batch.inputs, generator), batch.targets, batch.weights)


def _seed(order: Order, number: int, kind: int) -> int:
    """Of 62 bits, apart from all others."""
    _, _, seed, epoch = order.key
    words = [seed, 0 if epoch is None else epoch + 1, number, kind]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(2))


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Within it the global generators that rows are drawn with begin at the seed.

    As `seeding.seeded` for a batch: what is on other devices is left alone, which is four times
    as fast.
    """
    states = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.default_generator.set_state(states[2])


def selected(tensor: Tensor, index: Tensor) -> Tensor:
    """`tensor[index]` in the same memory format, five times as fast where rows lie together."""
    index = index.to(tensor.device)
    if tensor.is_contiguous():
        return tensor.index_select(0, index)
    if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        return tensor.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)
    return tensor[index]


def row_bytes(tree: Any) -> int:
    """Bytes of a row in all tensors together, at least 1."""
    each = tensors_of(tree)
    return max(1, sum(t.element_size() * (t.numel() // max(len(t), 1)) for t in each))


def part_of(batch: Batch, low: int, high: int) -> Batch:
    """Some of the rows, without copying them."""
    inputs, targets, weights = batch
    if isinstance(inputs, Tensor) and isinstance(targets, Tensor) and weights is None:
        return Batch(inputs[low:high], targets[low:high])
    return Batch(*mapped(tuple(batch), lambda t: t[low:high]))


def rows_in(batch: Batch) -> int:
    """How many rows a batch has."""
    return len(next(tensors_of(batch.targets)))


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
