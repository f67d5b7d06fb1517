"""Embeddings: numbers and codes become what a network reads, whatever they are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.networks.embeddings import (
    Categories,
    Periodic,
    PiecewiseLinear,
    Plain,
    SmoothClip,
    quantile_edges,
)


def numbers(n: int = 64, columns: int = 3) -> torch.Tensor:
    return torch.randn(n, columns, generator=torch.Generator().manual_seed(0))


def placed(edges: list[torch.Tensor], size: int = 8) -> PiecewiseLinear:
    module = PiecewiseLinear(len(edges), max(map(len, edges)) - 1, size)
    module.place(edges)
    return module


def numeric_embeddings() -> list[torch.nn.Module]:
    return [Plain(3), Periodic(3), placed(quantile_edges(numbers(), 8))]


@pytest.mark.parametrize("module", numeric_embeddings(), ids=lambda module: type(module).__name__)
def test_numbers_become_rows_of_the_width_that_is_said(module: torch.nn.Module) -> None:
    assert module(numbers(5)).shape == (5, module.width)


@pytest.mark.parametrize("module", numeric_embeddings(), ids=lambda module: type(module).__name__)
def test_outliers_change_little(module: torch.nn.Module) -> None:
    far, farther = (module(torch.full((1, 3), each)) for each in (1e4, 1e5))
    if not isinstance(module, Periodic):  # waves of what is far have no order
        torch.testing.assert_close(far, farther, atol=1e-3, rtol=1e-3)
    assert torch.isfinite(farther).all()


@pytest.mark.parametrize(
    "module", numeric_embeddings()[1:], ids=lambda module: type(module).__name__
)
def test_the_gradient_reaches_every_parameter(module: torch.nn.Module) -> None:
    module(numbers()).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_a_smooth_clip_keeps_small_numbers_and_the_order() -> None:
    x = torch.linspace(-50, 50, 1001, dtype=torch.float64)
    clipped = SmoothClip(3.0)(x)
    assert (clipped.diff() > 0).all()
    assert clipped.abs().max() < 3
    small = torch.tensor([0.01, -0.02])
    torch.testing.assert_close(SmoothClip(3.0)(small), small, rtol=1e-4, atol=0)


def test_a_piecewise_linear_reading_can_be_any_curve_through_the_edges() -> None:
    edges = torch.tensor([-2.0, -1.0, 0.0, 0.5, 2.0])
    module = placed([edges], size=1)
    with torch.no_grad():
        module.plain.zero_()
        module.bias.fill_(1.0)
        module.weight[0, :, 0] = torch.tensor([2.0, -3.0, 0.5, 4.0])
    wanted = 1.0 + torch.tensor([0.0, 2.0, -1.0, -0.5, 3.5])
    torch.testing.assert_close(module(edges[:, None])[:, 0], wanted, atol=1e-5, rtol=1e-5)


def test_columns_of_few_bins_stand_beside_columns_of_many() -> None:
    edges = [torch.tensor([0.0, 1.0]), torch.linspace(-2, 2, 9)]
    module = placed(edges, size=1)
    with torch.no_grad():
        module.plain.zero_()
        module.bias.zero_()
        module.weight.fill_(1.0)
    # a column of one bin is linear below and above it too
    low, middle, high = module(torch.tensor([[-1.0, 0.0], [0.5, 0.0], [2.0, 0.0]]))[:, 0].tolist()
    assert low < 0 < middle < 1 < high


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_edges_are_distinct_ascending_values_of_the_column(values: list[int], most: int) -> None:
    (edges,) = quantile_edges(torch.tensor(values, dtype=torch.float32)[:, None], most)
    assert 2 <= len(edges) <= max(most + 1, 2)
    assert (edges.diff() > 0).all()
    assert edges[0] == min(values)
    if len(set(values)) > 1:
        assert edges[-1] == max(values)


def test_a_constant_column_is_embedded() -> None:
    module = placed(quantile_edges(torch.full((9, 1), 5.0), 4))
    assert torch.isfinite(module(torch.tensor([[5.0], [6.0], [-40.0]]))).all()


def test_no_buffer_is_infinite() -> None:
    module = placed(quantile_edges(numbers(), 8))
    assert all(torch.isfinite(each).all() for each in module.buffers())


def test_few_levels_have_columns_and_an_unknown_one_is_none_of_them() -> None:
    module = Categories([3, 4])
    codes = torch.tensor([[1, 3], [2, 1], [0, 0]])
    expected = torch.tensor([[1.0, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]])
    torch.testing.assert_close(module(codes), expected)
    assert module.width == 5


def test_many_levels_have_vectors_and_the_unknown_one_begins_as_zeros() -> None:
    module = Categories([3, 1000, 40])
    out = module(torch.tensor([[1, 0, 0], [2, 999, 39]]))
    assert out.shape == (2, module.width)
    assert (out[0, 2:] == 0).all()
    assert (out[1, 2:] != 0).all()


def test_a_category_that_nothing_is_known_of_has_a_column_of_zeros() -> None:
    assert (Categories([1])(torch.tensor([[0], [0]])) == 0).all()


def test_where_bins_lie_is_saved_with_the_weights() -> None:
    module, other = placed(quantile_edges(numbers(), 8)), PiecewiseLinear(3, 8)
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(numbers()), module(numbers()))
