"""Groups hold what they say, and a step is that of the plain optimizer of PyTorch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from assay.errors import LearnerError
from assay.training.optimizers import load_optimizer, make_optimizer
from assay.training.settings import LoopSettings, Phase

CPU = torch.device("cpu")


class Network(nn.Module):
    def __init__(self, *, sparse: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.levels = nn.Embedding(7, 4, sparse=sparse)
        self.place = nn.Parameter(torch.randn(1, 4))
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True, add_bias_kv=True)
        self.norm = nn.LayerNorm(4)
        self.out = nn.Linear(4, 2)

    def no_weight_decay(self) -> set[str]:
        return {"place"}

    def forward(self, x: Tensor) -> Tensor:
        x = self.levels(x) + self.place
        return self.out(self.norm(self.attention(x, x, x)[0])).mean(1)


def by_decay(model: nn.Module, settings: LoopSettings) -> dict[float, set[str]]:
    names = {id(each): name for name, each in model.named_parameters()}
    found: dict[float, set[str]] = {}
    for group in make_optimizer(model, settings, CPU).param_groups:
        found.setdefault(group["weight_decay"], set()).update(names[id(p)] for p in group["params"])
    return found


def trained(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> list[Tensor]:
    torch.manual_seed(1)
    for _ in range(steps):
        model(torch.randint(7, (16, 3))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return [each.detach().clone() for each in model.parameters()]


def test_only_matrices_that_are_multiplied_with_decay() -> None:
    found = by_decay(Network(), LoopSettings(weight_decay=0.1))
    matrices = {"attention.in_proj_weight", "attention.out_proj.weight", "out.weight"}
    assert found[0.1] == matrices
    assert found[0.0] == {name for name, _ in Network().named_parameters()} - matrices


def test_a_weight_that_is_an_embedding_and_a_layer_too_does_not_decay() -> None:
    model = nn.Sequential(nn.Linear(4, 7, bias=False), nn.Embedding(7, 4), nn.Linear(4, 4))
    model[0].weight = model[1].weight
    assert by_decay(model, LoopSettings(weight_decay=0.1))[0.1] == {"2.weight"}


def test_without_rates_of_their_own_blocks_share_two_groups_and_without_decay_one() -> None:
    assert len(make_optimizer(Network(), LoopSettings(), CPU).param_groups) == 2
    assert len(make_optimizer(Network(), LoopSettings(weight_decay=0), CPU).param_groups) == 1


def test_each_block_has_the_peak_of_its_depth_after_the_scaling_rule() -> None:
    settings = LoopSettings(
        learning_rate=0.1, layer_decay=0.5, batch_size=32, accumulate=4, reference_batch=64
    )
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    groups = make_optimizer(model, settings, CPU).param_groups
    assert [(g["name"], g["block"]) for g in groups] == [
        ("4", 0), ("4, no decay", 0), ("2", 1), ("2, no decay", 1), ("0", 2), ("0, no decay", 2),
    ]  # fmt: skip
    assert [g["peak"] for g in groups] == pytest.approx([0.2, 0.2, 0.1, 0.1, 0.05, 0.05])


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_step_is_that_of_the_plain_optimizer(kind: str) -> None:
    settings = LoopSettings(optimizer=kind, learning_rate=0.01, weight_decay=0)
    ours, plain = Network(), Network()
    optimizer = make_optimizer(ours, settings, CPU)
    assert optimizer.defaults["fused"]
    reference = (
        torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0, foreach=False)
        if kind == "adamw"
        else torch.optim.SGD(plain.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    )
    for one, other in zip(trained(ours, optimizer), trained(plain, reference), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_what_never_moves_is_not_in_it() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    model[1].weight.requires_grad_(False)
    settings = LoopSettings(phases=(Phase(epochs=1, layers=1), Phase(epochs=1, layers=2)))
    held = [p for g in make_optimizer(model, settings, CPU).param_groups for p in g["params"]]
    assert {id(p) for p in held} == {id(p) for p in [*model[2].parameters(), model[1].bias]}


def test_sgd_steps_sparse_gradients_and_adamw_says_that_it_cannot() -> None:
    sgd = make_optimizer(Network(sparse=True), LoopSettings(optimizer="sgd"), CPU)
    assert not sgd.defaults["fused"]
    with pytest.raises(LearnerError, match="sparse gradients") as caught:
        make_optimizer(Network(sparse=True), LoopSettings(), CPU)
    assert "optimizer: sgd" in caught.value.mend


def test_sgd_without_momentum_does_not_look_ahead() -> None:
    settings = LoopSettings(optimizer="sgd", momentum=0)
    assert not make_optimizer(Network(), settings, CPU).defaults["nesterov"]


def test_a_network_of_which_nothing_may_move_is_refused() -> None:
    with pytest.raises(LearnerError, match="No parameter") as caught:
        make_optimizer(Network().requires_grad_(False), LoopSettings(), CPU)
    assert "requires_grad_" in caught.value.mend


def test_from_a_state_it_goes_on_to_the_bit_though_weights_lie_channels_last() -> None:
    def images() -> nn.Module:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3), nn.Flatten())
        return net.to(memory_format=torch.channels_last)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model(torch.randn(2, 3, 6, 6)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    torch.manual_seed(1)
    first = images()
    optimizer = make_optimizer(first, LoopSettings(), CPU)
    step(first, optimizer)
    second = copy.deepcopy(first)
    state = optimizer.state_dict()
    state["state"] = {
        i: {name: value.contiguous() for name, value in kept.items()}
        for i, kept in state["state"].items()
    }
    resumed = make_optimizer(second, LoopSettings(), CPU)
    load_optimizer(resumed, copy.deepcopy(state))
    for model, using in [(first, optimizer), (second, resumed)]:
        torch.manual_seed(2)
        for _ in range(3):
            step(model, using)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
