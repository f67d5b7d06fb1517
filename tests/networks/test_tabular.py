"""Networks for tables: an ensemble whose members do not know each other, in one network."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from assay.networks.embeddings import Categories, PiecewiseLinear, quantile_edges
from assay.networks.mlp import MLP
from assay.networks.outputs import probabilities, values
from assay.networks.tabular import (
    Columns,
    MemberLinear,
    SharedLinear,
    TableNet,
    TabM,
)


def rows(n: int, width: int = 6) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(2))


def groups(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    codes = torch.stack([torch.arange(n) % 4, torch.arange(n) % 50], 1)
    return (
        torch.randn(n, 2, generator=random),
        torch.randn(n, 3, generator=random),
        codes[torch.randperm(n, generator=random)],
    )


def table_net(body: str = "members") -> TableNet:
    bins = PiecewiseLinear(2, 8)
    bins.place(quantile_edges(groups(200)[0], 8))
    columns = Columns(bins, 3, Categories([4, 50]))
    inner = TabM(columns.width, 3, 32, n_members=5) if body == "members" else MLP(columns.width, 3)
    return TableNet(columns, inner)


@pytest.mark.parametrize("mini", [False, True])
def test_every_member_gives_outputs_of_every_row(mini: bool) -> None:
    assert TabM(6, 3, 16, 2, n_members=7, mini=mini)(rows(4)).shape == (4, 7, 3)


@pytest.mark.parametrize("mini", [False, True])
def test_the_gradient_reaches_every_parameter(mini: bool) -> None:
    net = TabM(6, 3, 16, 2, n_members=4, mini=mini)
    net(rows(64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert (parameter.grad.abs().sum(-1) > 0).any(), name


def test_members_begin_different() -> None:
    out = TabM(6, 3, 16, n_members=8, dropout=0)(rows(32)).detach()
    assert out.std(dim=1).min() > 1e-3


def test_what_is_a_members_own_changes_no_other_member() -> None:
    net = TabM(6, 3, 16, 2, n_members=4).eval()
    before = net(rows(8)).detach()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.shape[0] == 4:  # r, s, biases and heads: the first axis is the members'
                parameter[2] += 1.0
                assert not name.endswith("hidden.0.0.weight")
    after = net(rows(8)).detach()
    torch.testing.assert_close(after[:, [0, 1, 3]], before[:, [0, 1, 3]])
    assert (after[:, 2] != before[:, 2]).all()


def test_a_members_loss_has_no_gradient_in_what_is_anothers_own() -> None:
    net = TabM(6, 3, 16, 2, n_members=4)
    net(rows(8))[:, 1].sum().backward()
    for name, parameter in net.named_parameters():
        if parameter.shape[0] == 4:
            others = parameter.grad[[0, 2, 3]]
            assert (others == 0).all(), name


def test_members_in_another_order_give_outputs_in_that_order() -> None:
    net = TabM(6, 3, 16, 2, n_members=4).eval()
    before, order = net(rows(8)).detach(), torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.shape[0] == 4:
                parameter.copy_(parameter[order].clone())
    torch.testing.assert_close(net(rows(8)), before[:, order], atol=1e-6, rtol=1e-5)


def test_members_that_scale_nothing_are_one_linear_layer() -> None:
    layer, x = SharedLinear(6, 5, 3), rows(8).unsqueeze(1)
    plain = functional.linear(rows(8), layer.weight.T, layer.bias[0])
    torch.testing.assert_close(layer(x), plain.unsqueeze(1).expand(-1, 3, -1))


def test_linear_layers_of_members_are_as_many_layers() -> None:
    layer, x = MemberLinear(6, 5, 3), rows(24).view(8, 3, 6)
    apart = [functional.linear(x[:, m], layer.weight[m].T, layer.bias[m]) for m in range(3)]
    torch.testing.assert_close(layer(x), torch.stack(apart, 1))


@pytest.mark.parametrize("body", ["members", "one"])
def test_a_table_of_all_kinds_goes_through(body: str) -> None:
    net = table_net(body)
    out = net(*groups(16))
    assert out.shape == ((16, 5, 3) if body == "members" else (16, 3))
    named = dict(zip(("numeric", "plain", "categories"), groups(16), strict=True))
    torch.testing.assert_close(net.eval()(**named), net(*groups(16)))


def test_the_gradient_reaches_every_parameter_of_a_table_net() -> None:
    net = table_net()
    net(*groups(200)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_the_first_loss_is_near_that_of_a_guess() -> None:
    out = table_net().eval()(*groups(500))
    target = (torch.arange(500) % 3).repeat_interleave(5)
    loss = functional.cross_entropy(out.flatten(0, 1), target)
    assert abs(loss.item() - math.log(3)) < 0.3


def test_groups_without_columns_are_left_out() -> None:
    _x, plain, codes = groups(8)
    none, no_codes = torch.zeros(8, 0), torch.zeros(8, 0, dtype=torch.int64)
    only_plain = TableNet(Columns(None, 3, None), MLP(3, 2))
    assert only_plain(none, plain, no_codes).shape == (8, 2)
    only_codes = Columns(None, 0, Categories([4, 50]))
    assert only_codes(none, none, codes).shape == (8, only_codes.width)


@pytest.mark.parametrize("body", ["members", "one"])
def test_blocks_hold_every_parameter_once(body: str) -> None:
    net = table_net(body)
    in_blocks = [id(each) for block in net.blocks for each in block.parameters()]
    assert sorted(in_blocks) == sorted(id(each) for each in net.parameters())
    assert isinstance(net.blocks[0], Columns)


def test_columns_without_weights_are_no_block() -> None:
    net = TableNet(Columns(None, 3, None), MLP(3, 2))
    assert not any(isinstance(each, Columns) for each in net.blocks)
    assert all(isinstance(each, nn.Module) for each in net.blocks)


def test_a_network_says_the_mean_of_its_members() -> None:
    logits = torch.randn(9, 4, 3)
    apart = torch.stack([probabilities(logits[:, m]) for m in range(4)], 1)
    torch.testing.assert_close(probabilities(logits), apart.mean(1))
    torch.testing.assert_close(probabilities(logits).sum(1), torch.ones(9))
    numbers = torch.randn(9, 4, 1)
    torch.testing.assert_close(values(numbers), numbers.mean((1, 2)))
    torch.testing.assert_close(values(numbers[:, 0]), numbers[:, 0, 0])
