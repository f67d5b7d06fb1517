from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from assay.training.batches import Batch, Tensors, row_bytes, selected, stream
from assay.training.order import Bounds, Order


@dataclass
class Windowed:
    """Rows in memory that are taken in windows, and lie in blocks, of any size."""

    rows: Tensors
    block: int
    window: int

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Tensor) -> Batch:
        return self.rows.take(index)


def numbered(n: int) -> Tensors:
    rows = torch.arange(n)
    return Tensors({"x": (rows.float(), rows[:, None] * 2)}, rows, rows.float() / 7)


def noisy(inputs: Any, generator: torch.Generator) -> Any:
    return {"x": (inputs["x"][0] + torch.rand(1, generator=generator), inputs["x"][1])}


def told(batch: Batch) -> tuple[Any, ...]:
    return (
        batch.inputs["x"][0].tolist(), batch.inputs["x"][1].tolist(),
        batch.targets.tolist(), batch.weights.tolist(),
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(0, 200),
    batch_size=st.integers(1, 30),
    block=st.integers(1, 5),
    window=st.integers(1, 100),
    start=st.integers(0, 30),
)
def test_batches_are_the_same_from_any_start_and_with_any_window(
    n: int, batch_size: int, block: int, window: int, start: int
) -> None:
    rows, order = numbered(n), Order(n, block, 1, 2)
    asked = [order.rows(*each) for each in Bounds(n, batch_size)]
    data = Windowed(rows, block, window)
    seen = [told(each) for each in stream(data, order, batch_size, start, augment=noisy)]
    whole = stream(Windowed(rows, block, 1), order, batch_size, augment=noisy)
    assert seen == [told(each) for each in whole][start:]
    plain = list(stream(data, order, batch_size, start))
    assert [told(each) for each in plain] == [told(rows.take(index)) for index in asked[start:]]


@pytest.mark.parametrize("start", range(12))
def test_a_batch_lies_in_memory_as_it_would_from_the_first_batch_on(start: int) -> None:
    data = Windowed(Tensors(torch.rand(100, 3), torch.arange(100)), 1, 40)
    order = Order(100, 1, 0, 0)

    def places(begin: int) -> list[int]:
        return [each.inputs.storage_offset() for each in stream(data, order, 9, begin)]

    assert places(start) == places(0)[start:]


def test_augmentation_draws_other_numbers_for_each_seed_epoch_and_batch() -> None:
    data = Tensors(torch.zeros(40, 1), torch.zeros(40))

    def drawn(inputs: Tensor, generator: torch.Generator) -> Tensor:
        return inputs + torch.rand(1, generator=generator, dtype=torch.float64)

    seen = [
        float(batch.inputs[0, 0])
        for seed in range(2)
        for epoch in range(2)
        for batch in stream(data, Order(40, 1, seed, epoch), 10, augment=drawn)
    ]
    assert len(set(seen)) == 16


def test_the_global_generators_are_not_drawn_from() -> None:
    before = torch.get_rng_state()
    list(stream(numbered(50), Order(50, 1, 0, 0), 8, augment=noisy))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("shape", [(50,), (50, 4), (50, 3, 5, 5), (50, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.int64, torch.bool])
def test_rows_are_selected_as_by_indexing(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tensor = (torch.rand(shape) * 200).to(dtype)
    index = torch.randint(0, 50, (17,))
    assert torch.equal(selected(tensor, index), tensor[index])
    if tensor.ndim > 1:
        askew = torch.cat([tensor, tensor], dim=1)[:, : tensor.shape[1]]
        assert torch.equal(selected(askew, index), tensor[index])


def test_the_memory_format_of_images_is_kept() -> None:
    images = torch.rand(9, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    index = torch.tensor([5, 0, 5])
    assert torch.equal(selected(images, index), images[index])
    assert selected(images, index).stride() == images[index].stride()


def test_a_batch_is_a_copy_that_may_be_changed() -> None:
    data = numbered(64)
    for batch in stream(data, Order(64, 1, 0, None), 16):
        batch.inputs["x"][0].zero_()
    assert told(data.take(torch.arange(64))) == told(numbered(64).take(torch.arange(64)))


def test_bytes_of_a_row_are_those_of_all_its_tensors() -> None:
    assert row_bytes((torch.zeros(3, 5), {"y": torch.zeros(3, dtype=torch.uint8)}, None)) == 21
    assert row_bytes(torch.zeros(0, 5)) == 1
