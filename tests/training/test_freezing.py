"""Blocks are what one would call so, and what is frozen moves by no bit until its phase comes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from assay.errors import LearnerError
from assay.training.freezing import Phases, blocks, moved, peaks, weights
from assay.training.optimizers import make_optimizer
from assay.training.settings import LoopSettings, Phase

CPU = torch.device("cpu")


class Residual(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm = nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.first(x)) + self.shortcut(x)


class Images(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Residual(4, 4), Residual(4, 4))
        self.layer2 = nn.Sequential(Residual(4, 8), Residual(8, 8))
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layer2(self.layer1(self.bn1(self.conv1(x)))).mean((2, 3)))


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.places = nn.Embedding(5, 8)
        self.start = nn.Parameter(torch.zeros(1, 1, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0)
        self.encoder = nn.TransformerEncoder(layer, 3)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 10, bias=False)
        self.head.weight = self.words.weight


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.end = nn.Linear(3, 2)
        self.begin = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
        self.scale = nn.Parameter(torch.ones(1))

    @property
    def blocks(self) -> list[nn.Module]:
        return [self.begin, self.end]


def names(model: nn.Module) -> list[str]:
    return [block.name for block in blocks(model)]


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 5), nn.BatchNorm1d(5),
        nn.ReLU(), nn.Linear(5, 2),
    )  # fmt: skip


def step(model: nn.Module, optimizer: torch.optim.Optimizer, phases: Phases) -> None:
    model.train()
    phases.hold()
    model(torch.randn(16, 4)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize("model", [mlp(), Images(), Words(), Named()], ids=lambda m: m._get_name())
def test_each_parameter_is_in_one_block(model: nn.Module) -> None:
    held = [name for block in blocks(model) for name in block.parameters]
    assert sorted(held) == sorted(name for name, _ in model.named_parameters())


def test_a_norm_goes_with_the_layer_before_it() -> None:
    assert names(mlp()) == ["6", "3", "0"]


def test_residual_blocks_are_blocks_and_their_shortcuts_are_not() -> None:
    assert names(Images()) == ["fc", "layer2.1", "layer2.0", "layer1.1", "layer1.0", "conv1"]


def test_a_transformer_has_its_layers_and_shared_weights_are_at_the_input() -> None:
    layers = [f"encoder.layers.{i}" for i in (2, 1, 0)]
    assert names(Words()) == [*layers, "words"]
    assert {"words.weight", "places.weight", "start"} == set(blocks(Words())[-1].parameters)


def test_a_network_may_name_its_blocks_itself() -> None:
    assert names(Named()) == ["end", "begin"]
    assert "scale" in blocks(Named())[-1].parameters


def test_a_single_layer_is_one_block_and_a_network_without_parameters_has_none() -> None:
    assert [set(block.parameters) for block in blocks(nn.Linear(2, 3))] == [{"weight", "bias"}]
    assert blocks(nn.ReLU()) == ()


def test_rates_fall_block_by_block_and_are_nothing_where_it_is_frozen() -> None:
    settings = LoopSettings(learning_rate=0.1, layer_decay=0.5, reference_batch=64, batch_size=128)
    assert peaks(settings, None, 3) == pytest.approx((0.2, 0.1, 0.05))
    phase = Phase(epochs=1, layers=2, learning_rate=0.01, layer_decay=0.1)
    assert peaks(settings, phase, 3) == pytest.approx((0.02, 0.002, 0))
    assert peaks(settings, Phase(epochs=1, layers=1), 3) == pytest.approx((0.2, 0, 0))


PHASES = LoopSettings(
    phases=(
        Phase(epochs=2, layers=1, learning_rate=1e-3),
        Phase(epochs=1, layers=2, learning_rate=1e-4, layer_decay=0.5),
        Phase(epochs=1, layers="all", learning_rate=1e-5, layer_decay=0.5),
    )
)


def test_each_epoch_is_in_its_phase_and_the_last_one_goes_on() -> None:
    phases = Phases(PHASES, mlp())
    assert [phases.at(epoch) for epoch in range(7)] == [0, 0, 1, 2, 2, 2, 2]
    assert Phases(LoopSettings(), mlp()).at(3) is None


def test_frozen_blocks_keep_every_bit_their_norms_too_and_move_when_their_phase_comes() -> None:
    model = mlp()
    phases, optimizer = Phases(PHASES, model), make_optimizer(model, PHASES, CPU)
    moving = []
    for epoch in range(4):
        before = {name: each.clone() for name, each in model.state_dict().items()}
        assert list(phases.apply(epoch, optimizer)) == ["6", "3", "0"][: [1, 1, 2, 3][epoch]]
        step(model, optimizer, phases)
        after = model.state_dict()
        same = {name for name, each in after.items() if torch.equal(each, before[name])}
        moving.append({name.split(".")[0] for name in after if name not in same})
    assert moving == [{"6"}, {"6"}, {"3", "4", "6"}, {"0", "1", "3", "4", "6"}]
    phases.release()
    assert all(each.requires_grad for each in model.parameters())


def test_the_optimizer_has_a_rate_and_a_fresh_state_for_what_begins_to_move() -> None:
    model = mlp()
    phases, optimizer = Phases(PHASES, model), make_optimizer(model, PHASES, CPU)
    for epoch in (0, 1, 2):
        phases.apply(epoch, optimizer)
        step(model, optimizer, phases)
    counts = [optimizer.state[model[i].weight].get("step", torch.tensor(0.0)) for i in (6, 3, 0)]
    assert [count.item() for count in counts] == [3, 1, 0]
    peak = {group["name"]: group["peak"] for group in optimizer.param_groups}
    rates = {"6": 1e-4, "3": 5e-5, "0": 0}
    assert peak == pytest.approx(rates | {f"{name}, no decay": p for name, p in rates.items()})


def test_a_gradient_from_before_it_was_frozen_moves_nothing() -> None:
    model = mlp()
    phases, optimizer = Phases(PHASES, model), make_optimizer(model, PHASES, CPU)
    before = weights(model)
    model(torch.randn(16, 4)).sum().backward()
    phases.apply(0, optimizer)
    optimizer.step()
    assert [each.relative > 0 for each in moved(before, model)] == [True, False, False]


def test_what_the_network_has_frozen_itself_stays_so() -> None:
    model = mlp()
    model[3].requires_grad_(False)
    phases, optimizer = Phases(PHASES, model), make_optimizer(model, PHASES, CPU)
    phases.apply(3, optimizer)
    assert not model[3].weight.requires_grad
    assert model[0].weight.requires_grad
    phases.release()
    assert not model[3].weight.requires_grad


def test_a_network_that_came_with_a_frozen_block_keeps_its_statistics_without_phases() -> None:
    model = mlp()
    for i in (0, 1):
        model[i].requires_grad_(False)
    phases = Phases(LoopSettings(), model)
    phases.apply(0, make_optimizer(model, LoopSettings(), CPU))
    model.train()
    phases.hold()
    assert [module.training for module in (model, model[1], model[4])] == [True, False, True]


def test_it_is_said_how_far_each_block_has_moved() -> None:
    model = mlp()
    before = weights(model)
    with torch.no_grad():
        for each in blocks(model)[1].parameters.values():
            each.mul_(1.1)
    way = moved(before, model)
    assert [each.block for each in way] == ["6", "3", "0"]
    assert [each.n_parameters for each in way] == [12, 40, 35]
    assert [each.relative for each in way] == pytest.approx([0, 0.1, 0], rel=1e-5)


def test_a_phase_of_more_blocks_than_there_are_is_refused_with_their_names() -> None:
    settings = LoopSettings(phases=(Phase(epochs=1, layers=7),))
    with pytest.raises(LearnerError) as caught:
        Phases(settings, mlp())
    assert str(caught.value) == (
        "A phase moves 7 blocks; the network has 3.\n"
        "  where: training.phases, number 1 (from the output down: 6, 3, 0)\n"
        "  mend:  layers: a number from 1 to 3, or all"
    )


def test_a_phase_that_moves_nothing_is_refused() -> None:
    with pytest.raises(LearnerError, match="moves nothing"):
        Phases(PHASES, mlp().requires_grad_(False))
