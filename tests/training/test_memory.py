"""Activation checkpointing: less memory, the same gradients to the bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from assay.errors import InputError
from assay.monitor import AssayWarning
from assay.training.memory import blocks_of, recomputed


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.norm(self.convolution(x)).relu())


class Images(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.stages = nn.ModuleList(nn.Sequential(Block(4), Block(4)) for _ in range(2))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x.mean((2, 3)))


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x, mask=torch.zeros(5, 5)).mean(1))


def flat() -> nn.Sequential:
    layers = [nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*(copy.deepcopy(each) for each in layers * 3))


CASES = {
    "blocks in stages": (Images, (4, 3, 8, 8)),
    "a transformer": (Words, (4, 5, 8)),
    "a flat Sequential": (flat, (4, 6)),
}


def gradients(model: nn.Module, x: Tensor) -> list[Tensor]:
    torch.manual_seed(7)
    for _ in range(2):
        model(x).square().sum().backward()
    return [each.grad for each in model.parameters()]


@pytest.mark.parametrize("case", CASES)
def test_gradients_and_running_statistics_are_the_same_to_the_bit(case: str) -> None:
    build, shape = CASES[case]
    torch.manual_seed(0)
    plain = build()
    again = copy.deepcopy(plain)
    x = torch.randn(shape, requires_grad=True)
    wanted = gradients(plain, x)
    with recomputed(again) as names:
        assert names
        given = gradients(again, x)
        assert list(again.state_dict()) == list(plain.state_dict())
    assert all(torch.equal(one, other) for one, other in zip(wanted, given, strict=True))
    for one, other in zip(plain.buffers(), again.buffers(), strict=True):
        assert torch.equal(one, other)


def test_what_is_inside_of_blocks_is_not_kept_for_the_backward_pass() -> None:
    def kept(model: nn.Module) -> int:
        sizes: list[int] = []

        def count(each: Tensor) -> Tensor:
            sizes.append(each.numel())
            return each

        with torch.autograd.graph.saved_tensors_hooks(count, lambda each: each):
            model(torch.randn(4, 3, 16, 16))
        return sum(sizes)

    model = Images()
    plain = kept(model)
    with recomputed(model):
        assert kept(model) < plain / 2


def test_blocks_are_found_from_the_outside_and_not_within_each_other() -> None:
    assert blocks_of(Images()) == ("stages.0.0", "stages.0.1", "stages.1.0", "stages.1.1")
    assert blocks_of(Words()) == ("body.layers.0", "body.layers.1")
    assert blocks_of(flat()) == ("",)


def test_the_model_comes_back_and_its_copies_are_their_own() -> None:
    model = Images()
    kind = type(model.stages[0][0])
    with recomputed(model):
        clone = copy.deepcopy(model)
        clone.stem.weight.data.zero_()
        clone.stages[0][0].convolution.weight.data.zero_()
        assert isinstance(model.stages[0][0], Block)
        model(torch.randn(2, 3, 8, 8)).sum().backward()
        assert model.stages[0][0].convolution.weight.grad.abs().sum() > 0
        assert clone.stages[0][0].convolution.weight.grad is None
    assert type(model.stages[0][0]) is kind


def test_blocks_may_be_named_and_a_wrong_name_is_told() -> None:
    model = Images()
    with recomputed(model, ["stages.1"]) as names:
        assert names == ("stages.1",)
    with pytest.raises(InputError, match="no block 'stage'"), recomputed(model, ["stage"]):
        pass


def test_a_model_without_blocks_is_told_that_nothing_is_saved() -> None:
    with pytest.warns(AssayWarning, match="nothing is recomputed"), recomputed(nn.Linear(2, 2)):
        pass
