"""The range test finds a rate that trains, and leaves no trace."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from assay.training.batches import Tensors, stream
from assay.training.losses import CrossEntropy, Regression
from assay.training.optimizers import make_optimizer
from assay.training.order import Order
from assay.training.search import range_test
from assay.training.settings import LoopSettings

CPU = torch.device("cpu")


def rings(n: int = 512) -> Tensors:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 2, generator=generator)
    return Tensors(x, (x.norm(dim=1) > 1.2).long())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2)
    )


def trained(rate: float, settings: LoopSettings) -> float:
    model, data, loss = network(), rings(), CrossEntropy()
    settings = settings.model_copy(update={"learning_rate": rate})
    optimizer = make_optimizer(model, settings, CPU)
    for epoch in range(5):
        for inputs, targets, _ in stream(data, Order(len(data), 1, 0, epoch), settings.batch_size):
            loss.total(model(inputs), targets, None).div(len(targets)).backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        return float(loss.total(model(data.inputs), data.targets, None)) / len(data)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_the_rate_it_suggests_trains_better_than_a_much_lower_or_a_much_higher_one(
    kind: str,
) -> None:
    settings = LoopSettings(optimizer=kind, batch_size=32)
    found = range_test(network(), rings(), CrossEntropy(), settings, CPU)
    assert found.suggestion is not None
    ours = trained(found.suggestion, settings)
    assert ours < 0.7 * trained(found.suggestion / 100, settings)
    assert ours < 0.7 * trained(found.suggestion * 1000, settings)


def test_rates_rise_by_the_same_factor_and_the_smoothed_loss_begins_with_the_first() -> None:
    found = range_test(
        network(), rings(), CrossEntropy(), LoopSettings(), CPU, low=1e-6, high=1e-2, steps=5
    )
    assert found.rates == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
    assert found.smoothed[0] == pytest.approx(found.losses[0])
    assert not found.diverged


def test_it_ends_where_the_loss_runs_away() -> None:
    model = nn.Linear(3, 1)
    data = Tensors(torch.randn(64, 3), torch.randn(64))
    settings = LoopSettings(optimizer="sgd", clip=None, batch_size=16)
    found = range_test(model, data, Regression(), settings, CPU, high=1e6)
    assert found.diverged
    assert len(found.rates) < 100
    assert np.isfinite(found.losses).all()


def test_a_loss_that_nothing_changes_suggests_nothing() -> None:
    data = Tensors(torch.zeros(64, 3), torch.randn(64))
    model = nn.Sequential(nn.Linear(3, 1, bias=False))
    assert range_test(model, data, Regression(), LoopSettings(), CPU, steps=20).suggestion is None


def test_the_network_the_gradients_and_the_generators_are_as_before() -> None:
    model, data = network(), rings()
    model[4].requires_grad_(False)
    model.eval()
    model(data.inputs[:4]).sum().backward()

    def everything() -> list[Tensor]:
        state = [each.clone() for each in model.state_dict().values()]
        gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        flags = torch.tensor([*(p.requires_grad for p in model.parameters()), model.training])
        return [*state, *gradients, flags, torch.get_rng_state()]

    before, python, numpy = everything(), random.getstate(), np.random.get_state()[1].tolist()
    range_test(model, data, CrossEntropy(), LoopSettings(), CPU, steps=5)
    for one, other in zip(everything(), before, strict=True):
        assert torch.equal(one, other)
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy


def test_the_same_seed_gives_the_same_curve_however_the_batch_is_cut() -> None:
    plain = network()[:3:2]  # without dropout and batch norm, to which the cut matters
    model = nn.Sequential(*plain, nn.Linear(32, 2))
    curves = [
        range_test(model, rings(), CrossEntropy(), settings, CPU, steps=10)
        for settings in (LoopSettings(batch_size=64), LoopSettings(batch_size=16, accumulate=4))
    ]
    assert curves[0].losses == pytest.approx(curves[1].losses, rel=1e-4)
