from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.training.order import Bounds, Order

sizes = st.integers(0, 700)
blocks = st.integers(1, 9)


@settings(deadline=None, max_examples=40)
@given(n=sizes, block=blocks, seed=st.integers(0, 2**63), epoch=st.integers(0, 3))
def test_every_row_comes_exactly_once(n: int, block: int, seed: int, epoch: int) -> None:
    rows = Order(n, block, seed, epoch).rows(0, n)
    assert rows.dtype == torch.int64
    assert sorted(rows.tolist()) == list(range(n))


@settings(deadline=None, max_examples=40)
@given(n=sizes, block=blocks, cuts=st.lists(st.integers(0, 700), max_size=6))
def test_the_order_does_not_hang_on_how_it_is_asked(n: int, block: int, cuts: list[int]) -> None:
    whole = Order(n, block, 3, 1).rows(0, n).tolist()
    asked = Order(n, block, 3, 1)
    places = sorted({0, n, *(cut for cut in cuts if cut < n)})
    pieces = list(pairwise(places))
    for begin, end in [*pieces[::2], *pieces[1::2]]:
        assert asked.rows(begin, end).tolist() == whole[begin:end]


@pytest.mark.parametrize("block", [1, 7])
def test_seeds_and_epochs_give_other_orders(block: int) -> None:
    orders = {
        tuple(Order(500, block, seed, epoch).rows(0, 500).tolist())
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


@settings(deadline=None, max_examples=40)
@given(n=sizes, block=blocks)
def test_without_an_epoch_rows_keep_their_own_order(n: int, block: int) -> None:
    assert Order(n, block, 0, None).rows(0, n).tolist() == list(range(n))


def test_rows_of_a_window_come_from_a_few_blocks_only() -> None:
    n, block = 100_000, 10
    rows = Order(n, block, 0, 0).rows(0, 640).numpy()
    assert len(np.unique(rows // block)) == 64


def test_neighbours_are_parted() -> None:
    rows = Order(100_000, 100, 0, 0).rows(0, 100_000).numpy()
    assert (np.abs(np.diff(rows)) == 1).mean() < 0.01
    assert abs(np.corrcoef(rows, np.arange(len(rows)))[0, 1]) < 0.1


def test_an_order_travels_as_four_numbers() -> None:
    order = Order(1_000_000, 1, 5, 2)
    packed = pickle.dumps(order)
    assert len(packed) < 200
    assert pickle.loads(packed).rows(10, 20).tolist() == order.rows(10, 20).tolist()


@settings(deadline=None, max_examples=40)
@given(n=st.integers(0, 300), batch_size=st.integers(1, 40))
def test_bounds_cover_all_rows_and_leave_no_row_alone(n: int, batch_size: int) -> None:
    bounds = Bounds(n, batch_size)
    assert [row for begin, end in bounds for row in range(begin, end)] == list(range(n))
    lengths = [end - begin for begin, end in bounds]
    assert lengths[:-1] == [batch_size] * (len(lengths) - 1)
    if batch_size > 1 and n > 1:
        assert min(lengths) > 1
    assert bounds[2:] == list(bounds)[2:]
    if n:
        assert bounds[-1] == list(bounds)[-1]


def test_bounds_of_a_billion_rows_take_no_memory() -> None:
    bounds = Bounds(10**12, 128)
    assert bounds[len(bounds) - 1][1] == 10**12
    with pytest.raises(IndexError):
        bounds[len(bounds)]
