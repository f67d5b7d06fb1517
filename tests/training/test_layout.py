"""Channels-last: other places in memory, the same numbers."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from assay.training.layout import channels_last, has_images
from assay.training.optimizers import load_optimizer


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))


def trained(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    torch.manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(4, 4, 8, 8)).square().sum().backward()
        optimizer.step()


def test_names_shapes_and_values_stay_and_the_model_comes_back_contiguous() -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    with channels_last(model):
        assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
        assert not model[0].weight.is_contiguous()
        assert list(model.state_dict()) == list(before)
    for name, each in model.state_dict().items():
        assert each.is_contiguous()
        assert torch.equal(each, before[name])


def test_a_model_that_is_not_to_be_changed_is_not() -> None:
    model = network()
    with channels_last(model, wanted=False):
        assert model[0].weight.is_contiguous()


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("fused", [True, False])
def test_state_from_a_file_goes_on_to_the_bit_once_it_is_aligned(kind: type, fused: bool) -> None:
    given = {"lr": 0.01, "fused": fused} | ({"momentum": 0.9} if kind is torch.optim.SGD else {})
    model = network()
    with channels_last(model):
        optimizer = kind(model.parameters(), **given)
        trained(model, optimizer, 3)
        other = copy.deepcopy(model)
        resumed = kind(other.parameters(), **given)
        saved = copy.deepcopy(optimizer.state_dict())
        for held in saved["state"].values():  # what a file of plain tensors gives back
            held.update({name: each.contiguous() for name, each in held.items()})
        load_optimizer(resumed, saved)
        trained(model, optimizer, 2)
        trained(other, resumed, 2)
    for one, another in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, another)


def test_images_are_inputs_of_four_dimensions_wherever_they_are() -> None:
    assert has_images(torch.zeros(2, 3, 4, 4))
    assert has_images({"pixels": torch.zeros(2, 3, 4, 4), "age": torch.zeros(2)})
    assert not has_images((torch.zeros(2, 3), torch.zeros(2)))
