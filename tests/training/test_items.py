from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from assay.errors import DataError
from assay.training.batches import Data, stream
from assay.training.items import Items
from assay.training.order import Order


class Rows(Dataset[Any]):
    """Items made by a function of their number."""

    def __init__(self, item: Any, n: int = 20) -> None:
        self.item, self.n = item, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, number: int) -> Any:
        return self.item(number)


class AtOnce(Rows):
    def __getitem__(self, number: int) -> Any:
        raise AssertionError("one by one")

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        return [self.item(number) for number in numbers]


def test_items_of_any_make_are_stacked() -> None:
    def item(i: int) -> Any:
        inputs = {"a": torch.full((2,), float(i)), "b": (np.full(3, i, np.uint8), [i, i / 2])}
        return inputs, i > 3, float(i)

    data = Items(Rows(item))
    assert isinstance(data, Data)
    inputs, targets, weights = data.take(torch.tensor([4, 2]))
    assert inputs["a"].tolist() == [[4.0, 4.0], [2.0, 2.0]]
    assert inputs["b"][0].dtype == torch.uint8
    assert inputs["b"][0].tolist() == [[4] * 3, [2] * 3]
    assert inputs["b"][1][0].dtype == torch.int64
    assert inputs["b"][1][1].dtype == torch.float32
    assert targets.tolist() == [True, False]
    assert weights is not None
    assert weights.dtype == torch.float32


@pytest.mark.parametrize("kind", [Rows, AtOnce])
def test_batches_of_a_dataset_are_its_items_in_order(kind: type[Rows]) -> None:
    data = Items(kind(lambda i: (torch.tensor([i]), i)))
    order = Order(20, 1, 0, 0)
    seen = torch.cat([batch.targets for batch in stream(data, order, 6)])
    assert seen.tolist() == order.rows(0, 20).tolist()


def test_a_dataset_of_pytorch_is_taken_as_it_is() -> None:
    x, y = torch.rand(10, 3), torch.arange(10)
    inputs, targets, weights = Items(TensorDataset(x, y)).take(torch.tensor([3, 1]))
    assert torch.equal(inputs, x[[3, 1]])
    assert (targets.tolist(), weights) == ([3, 1], None)


def test_what_a_dataset_draws_is_a_function_of_seed_epoch_and_batch() -> None:
    def item(i: int) -> Any:
        return torch.rand(1), (random.random(), np.random.random())

    def drawn(seed: int, epoch: int, start: int = 0) -> list[Any]:
        batches = stream(Items(Rows(item)), Order(20, 1, seed, epoch), 5, start)
        return [(batch.inputs.tolist(), *(t.tolist() for t in batch.targets)) for batch in batches]

    states = random.getstate(), torch.get_rng_state().tolist()
    first = drawn(0, 0)
    assert (random.getstate(), torch.get_rng_state().tolist()) == states
    torch.rand(3)
    assert drawn(0, 0, start=2) == first[2:]
    batches = [*first, *drawn(0, 1), *drawn(1, 0)]
    for kind in range(3):
        assert len({str(batch[kind]) for batch in batches}) == 12


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (lambda i: torch.zeros(2), "is Tensor, not inputs and targets"),
        (lambda i: ("text", 1), "holds str, which makes no tensor"),
    ],
)
def test_items_that_make_no_batch_are_refused(item: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        Items(Rows(item)).take(torch.tensor([0]))
