"""The average follows the weights by its law, and comes and goes without losing a bit."""

from __future__ import annotations

import contextlib
import copy

import pytest
import torch
from torch import Tensor, nn

from assay.training.averaging import Average


def network(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).to(dtype)


def shaken(model: nn.Module) -> None:
    with torch.no_grad():
        for each in model.parameters():
            each.add_(torch.randn(each.shape).to(each.dtype))
    model(torch.randn(8, 3).to(next(model.parameters()).dtype))


def values(model: nn.Module) -> dict[str, Tensor]:
    return {name: each.clone() for name, each in model.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_is_the_weighted_mean_that_its_decays_say() -> None:
    model = network()
    average = Average(model, 0.3)
    mean = values(model)["0.weight"].double()
    for t in range(8):
        shaken(model)
        average.update()
        decay = min(0.3, (1 + t) / (10 + t))
        mean = decay * mean + (1 - decay) * values(model)["0.weight"].double()
    assert torch.allclose(average.state()["mean.0.weight"].double(), mean, atol=1e-6)


def test_of_weights_that_stay_it_is_those_weights() -> None:
    model = network()
    before = values(model)
    average = Average(model, 0.999)
    for _ in range(50):
        average.update()
    with average.applied():
        assert same(values(model), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["32 bits", "16 bits"])
def test_it_comes_and_goes_in_place_and_gives_back_every_bit(dtype: torch.dtype) -> None:
    model = network(dtype)
    average = Average(model, 0.9)
    for _ in range(3):
        shaken(model)
        average.update()
    addresses = [each.data_ptr() for each in model.state_dict().values()]
    before = values(model)
    with contextlib.suppress(KeyError), average.applied():
        assert not same(values(model), before)
        raise KeyError
    assert same(values(model), before)
    assert [each.data_ptr() for each in model.state_dict().values()] == addresses


def test_weights_of_16_bits_are_averaged_in_32() -> None:
    model = nn.Linear(1, 1, bias=False).bfloat16()
    average = Average(model, 0.999)
    for _ in range(10_000):
        average.update()
    with torch.no_grad():
        model.weight.fill_(1.0)
        start = average.state()["mean.weight"].item()
    for _ in range(700):
        average.update()
    expected = 1 + (start - 1) * 0.999**700
    assert average.state()["mean.weight"].item() == pytest.approx(expected, rel=1e-3)


def test_statistics_of_norms_are_averaged_and_other_buffers_left() -> None:
    model = network()
    model.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    average = Average(model, 0.5)
    for _ in range(5):
        shaken(model)
        average.update()
    live = values(model)
    with average.applied():
        applied = values(model)
    assert not torch.equal(applied["1.running_mean"], live["1.running_mean"])
    assert torch.equal(applied["mask"], live["mask"])
    assert torch.equal(applied["1.num_batches_tracked"], live["1.num_batches_tracked"])


def test_from_a_state_it_goes_on_to_the_bit() -> None:
    model = network()
    average = Average(model, 0.9)
    shaken(model)
    average.update()
    other = copy.deepcopy(model)
    resumed = Average(other, 0.9)
    resumed.load({name: each.clone() for name, each in average.state().items()})
    for each, of in [(average, model), (resumed, other)]:
        torch.manual_seed(1)
        for _ in range(4):
            shaken(of)
            each.update()
    assert same(average.state(), resumed.state())


def test_nothing_is_taken_in_while_it_is_applied() -> None:
    average = Average(network(), 0.9)
    with average.applied(), pytest.raises(AssertionError, match="averaged"):
        average.update()
    average.update()
