"""The lean optimizers are those of PyTorch, to the bit, whatever happens to them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from assay.training.kernels import KernelAdamW, KernelSGD, is_even

BOTH = {
    "adamw": (KernelAdamW, AdamW, {"lr": 1e-2}),
    "sgd": (KernelSGD, SGD, {"lr": 1e-2, "momentum": 0.9, "nesterov": True}),
    "sgd without momentum": (KernelSGD, SGD, {"lr": 1e-2}),
}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def made(kind: type[Optimizer], model: nn.Sequential, given: dict[str, float]) -> Optimizer:
    """A group for each layer: PyTorch's SGD fails if a part of a group begins to move later."""
    groups = [
        {"params": layer.parameters(), "weight_decay": decay}
        for layer, decay in [(model[0], 0.1), (model[2], 0.0)]
    ]
    return kind(groups, fused=True, **given)


def train(model: nn.Sequential, optimizer: Optimizer, seed: int = 1) -> None:
    torch.manual_seed(seed)
    for step in range(6):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 / (1 + step)
        model[0].requires_grad_(step not in (0, 3))
        model(torch.randn(8, 3)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def bits(model: nn.Module, optimizer: Optimizer) -> list[Tensor]:
    state = optimizer.state_dict()["state"]
    kept = [v for i in sorted(state) for _, v in sorted(state[i].items()) if v is not None]
    return [*model.state_dict().values(), *kept]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("name", BOTH)
def test_steps_and_states_are_those_of_pytorch_to_the_bit(name: str) -> None:
    ours, theirs, given = BOTH[name]
    found = []
    for kind in (ours, theirs):
        model = network()
        optimizer = made(kind, model, given)
        train(model, optimizer)
        found.append(bits(model, optimizer))
    assert same(*found)


@pytest.mark.parametrize("name", BOTH)
def test_a_state_goes_from_one_to_the_other_and_back(name: str) -> None:
    ours, theirs, given = BOTH[name]
    found = []
    for kinds in [(ours, ours), (theirs, ours), (ours, theirs)]:
        model = network()
        first = made(kinds[0], model, given)
        train(model, first)
        second = made(kinds[1], model, given)
        second.load_state_dict(first.state_dict())
        train(model, second, seed=2)
        found.append(bits(model, second))
    assert same(found[0], found[1])
    assert same(found[0], found[2])


@pytest.mark.parametrize("name", BOTH)
def test_under_a_scaler_it_steps_and_skips_as_pytorch_does(name: str) -> None:
    ours, theirs, given = BOTH[name]
    found = []
    for kind in (ours, theirs):
        model = network()
        optimizer, scaler = made(kind, model, given), torch.amp.GradScaler("cpu", init_scale=8.0)
        torch.manual_seed(1)
        for step in range(4):
            loss = model(torch.randn(8, 3)).square().sum()
            scaler.scale(loss * (float("inf") if step == 2 else 1)).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        assert scaler.get_scale() == 4
        found.append(bits(model, optimizer))
    assert same(*found)
    assert all(torch.isfinite(each).all() for each in found[0])


def test_a_part_of_a_group_may_begin_to_move_later() -> None:
    model = network()
    optimizer = KernelSGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    before = [each.detach().clone() for each in model.parameters()]
    train(model, optimizer)
    assert not any(map(torch.equal, before, model.parameters()))


def test_they_are_for_parameters_of_one_device_and_one_type() -> None:
    assert is_even(network().parameters())
    assert not is_even(iter([torch.zeros(1), torch.zeros(1, dtype=torch.float64)]))
    assert not is_even(iter([torch.zeros(1), torch.zeros(1, device="meta")]))
    assert not is_even(iter([torch.zeros(1, dtype=torch.complex64)]))


def test_a_training_does_not_import_the_compiler() -> None:
    code = (
        "import sys, torch\n"
        "from assay.training.optimizers import load_optimizer, make_optimizer\n"
        "from assay.training.settings import LoopSettings\n"
        "model = torch.nn.Linear(3, 2)\n"
        "optimizer = make_optimizer(model, LoopSettings(), torch.device('cpu'))\n"
        "model(torch.ones(4, 3)).sum().backward()\n"
        "optimizer.step()\n"
        "optimizer.zero_grad()\n"
        "load_optimizer(optimizer, optimizer.state_dict())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
