"""Perceptrons: shapes, gradients, and what they say before they learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from assay.networks.mlp import MLP, ResidualMLP

NETS = [
    MLP(7, 5),
    MLP(7, 5, ()),
    MLP(7, 5, (16, 8, 4)),
    ResidualMLP(7, 5),
    ResidualMLP(7, 5, 24, 0),
]


def rows(n: int) -> torch.Tensor:
    return torch.randn(n, 7, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("net", NETS)
def test_a_row_becomes_outputs(net: nn.Module) -> None:
    assert net(rows(4)).shape == (4, 5)


@pytest.mark.parametrize("net", NETS)
def test_the_gradient_reaches_every_parameter(net: nn.Module) -> None:
    net.zero_grad()
    functional.cross_entropy(net(rows(64)), torch.arange(64) % 5).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("net", NETS)
def test_the_first_loss_is_near_that_of_a_guess(net: nn.Module) -> None:
    loss = functional.cross_entropy(net.eval()(rows(512)), torch.arange(512) % 5)
    assert abs(loss.item() - math.log(5)) < 0.3


@pytest.mark.parametrize("net", NETS)
def test_a_row_is_read_the_same_alone_and_among_others(net: nn.Module) -> None:
    together = net.train(False)(rows(9))
    apart = torch.cat([net(each[None]) for each in rows(9)])
    torch.testing.assert_close(together, apart, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_blocks_hold_every_parameter_once_from_input_to_output(net: nn.Module) -> None:
    in_blocks = [id(each) for block in net.blocks for each in block.parameters()]
    assert sorted(in_blocks) == sorted(id(each) for each in net.parameters())
    assert len(set(in_blocks)) == len(in_blocks)
    last = list(net.blocks[-1].parameters())[-1]
    assert last.shape == (5,)


def test_a_residual_block_without_weight_changes_nothing() -> None:
    net = ResidualMLP(7, 5, 24, 1)
    nn.init.zeros_(net.body[0].outward.weight)
    nn.init.zeros_(net.body[0].outward.bias)
    x = torch.randn(6, 24)
    torch.testing.assert_close(net.body[0](x), x)
