"""Before the first step: what is wrong is named, and the network is left as it was."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from assay.errors import LearnerError
from assay.findings import Severity
from assay.training.batches import Batch
from assay.training.constant import constant_loss
from assay.training.losses import BinaryCrossEntropy, CrossEntropy, Regression
from assay.training.overfitting import overfit_one_batch
from assay.training.sanity import sanity, tried
from tests.training.tiny import WIDTH, codes, net, rows

SEEDS = range(3)


def batch_of(seed: int, n: int = 32) -> Batch:
    inputs, targets = rows(seed)
    return Batch(inputs[:n], targets[:n])


class Residual(nn.Module):
    """A branch whose last norm starts at zero, as in a residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(WIDTH, 3)
        nn.init.zeros_(self.norm.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(inputs + self.norm(self.dropout(self.first(inputs))))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.forgotten = nn.Linear(WIDTH, 3), nn.Linear(WIDTH, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.used(inputs)


class Cut(nn.Module):
    """Its first layer is cut off from the loss, and not by a layer that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head((self.first(inputs) - 1e4).relu())


def everything(model: nn.Module) -> list[Any]:
    return [
        copy.deepcopy(model.state_dict()),
        [None if each.grad is None else each.grad.clone() for each in model.parameters()],
        [(each.training, len(each._forward_hooks)) for each in model.modules()],
        [each.requires_grad for each in model.parameters()],
        torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist(),
    ]  # fmt: skip


def same(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("look", [sanity, overfit_one_batch])
@pytest.mark.parametrize("broken", [False, True])
def test_weights_buffers_gradients_modes_and_generators_are_left_as_they_were(
    look: Callable[..., Any], trains: bool, broken: bool
) -> None:
    torch.manual_seed(0)
    model = Residual().train(trains)
    model.dropout.train(not trains)
    batch = batch_of(0)
    model(batch.inputs).sum().backward()
    model.first.weight.requires_grad_(False)
    if broken:
        batch.inputs[3] = math.nan
    before, buffers = everything(model), [id(each) for each in model.buffers()]
    look(model, batch, CrossEntropy())
    assert same(everything(model), before)
    assert [id(each) for each in model.buffers()] == buffers


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [net, lambda seed: Residual()])
def test_a_sound_network_is_passed_and_its_parameters_are_counted(
    seed: int, make: Callable[[int], nn.Module]
) -> None:
    torch.manual_seed(seed)
    model = make(seed)
    first = next(model.parameters())
    first.requires_grad_(False)
    seen = tried(model, batch_of(seed), nn.CrossEntropyLoss())
    assert seen.findings == ()
    assert seen.parameters == sum(each.numel() for each in model.parameters())
    assert seen.trainable == seen.parameters - first.numel()
    assert seen.expected_loss == pytest.approx(math.log(3))
    assert seen.initial_loss == pytest.approx(math.log(3), rel=0.6)


def test_modules_whose_biases_a_norm_takes_out_are_passed() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(WIDTH, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16),
        nn.LayerNorm(16), nn.Linear(16, 3),
    )  # fmt: skip
    assert sanity(model, batch_of(0), CrossEntropy()) == []


def test_attention_is_passed() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True)
    model = nn.Sequential(nn.Unflatten(1, (1, WIDTH)), layer, nn.Flatten(), nn.Linear(WIDTH, 3))
    found = sanity(model, batch_of(0), CrossEntropy())
    assert [each.evidence for each in found] in ([], [])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parameter_that_is_not_in_the_loss_is_named(seed: int) -> None:
    torch.manual_seed(seed)
    (found,) = sanity(Unused(), batch_of(seed), CrossEntropy())
    assert (found.code, found.severity) == ("AS407", Severity.WARN)
    assert found.evidence["no part in the loss"] == ["forgotten.weight", "forgotten.bias"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parameter_with_a_gradient_of_zero_is_named(seed: int) -> None:
    torch.manual_seed(seed)
    (found,) = sanity(Cut(), batch_of(seed), CrossEntropy())
    assert found.code == "AS407"
    assert "first.weight" in found.evidence["zero everywhere"]
    assert "head.bias" not in found.evidence["zero everywhere"]


def test_outputs_that_are_cut_off_from_the_graph_are_all_named() -> None:
    class Detached(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).detach()

    (found,) = sanity(Detached(WIDTH, 3), batch_of(0), CrossEntropy())
    assert found.evidence["no part in the loss"] == ["weight", "bias"]


@pytest.mark.parametrize(("scale", "severity"), [(30.0, Severity.NOTE), (1000.0, Severity.WARN)])
def test_inputs_that_nobody_scaled_are_found_by_the_first_loss(
    scale: float, severity: Severity
) -> None:
    inputs, targets, _ = batch_of(0)
    found = sanity(net(0), Batch(inputs * scale, targets), CrossEntropy())
    assert [(each.code, each.severity) for each in found] == [("AS408", severity)]


def test_a_target_that_nobody_scaled_is_found_by_the_first_loss() -> None:
    inputs, _, _ = batch_of(0)
    targets = 2000 + inputs.sum(1)
    least = constant_loss(Regression("mse"), targets)
    found = sanity(net(0, 1), Batch(inputs, targets), nn.MSELoss(), constant_loss=least)
    assert codes(found) == {"AS408"}
    scaled = (targets - targets.mean()) / targets.std()
    assert sanity(net(0, 1), Batch(inputs, scaled), nn.MSELoss(), constant_loss=1.0) == []


def test_rare_classes_are_no_reason_to_blame_the_first_loss() -> None:
    inputs, _, _ = batch_of(0)
    targets = torch.zeros(32, dtype=torch.long)
    targets[0] = 1
    least = constant_loss(CrossEntropy(), targets)
    assert least is not None
    assert least < math.log(2) / 4
    assert sanity(net(0, 2), Batch(inputs, targets), CrossEntropy(), constant_loss=least) == []


def test_a_first_loss_that_is_not_finite_is_diagnosed() -> None:
    batch = batch_of(0)
    batch.inputs[[3, 5]] = math.nan
    (found,) = sanity(net(0), batch, CrossEntropy())
    assert found.code == "AS401"
    assert found.evidence["rows of the batch"] == [3, 5]
    assert tried(net(0), batch, CrossEntropy()).initial_loss is None


X = torch.linspace(-1, 2, 4 * WIDTH).sin().reshape(4, WIDTH)
SHAPES = [
    (nn.Linear(WIDTH, 3), torch.tensor([0, 1, 2, 3]), CrossEntropy(), "classes 0 to 2", "4)"),
    (nn.Linear(WIDTH, 3), torch.tensor([0, 1, 2, -1]), CrossEntropy(), "from -1 to 2", "ignore"),
    (nn.Linear(WIDTH, 3), torch.zeros(4, 1).long(), CrossEntropy(), "(4, 3)", "squeeze(-1)"),
    (nn.Linear(WIDTH, 3), torch.zeros(4), CrossEntropy(), "(4,)", "long()"),
    (nn.Linear(WIDTH, 2), torch.zeros(4), Regression("mse"), "(4, 2)", "1)"),
    (nn.Linear(WIDTH, 2), torch.zeros(4, 3), BinaryCrossEntropy(), "(4, 3)", "3)"),
    (nn.Flatten(0), torch.zeros(4), nn.MSELoss(), "(32,)", "flatten(1)"),
    (nn.Linear(WIDTH, 1), torch.arange(4.0), lambda o, t: (o - t) ** 2, "all pairs", "squeeze"),
    (nn.Linear(WIDTH, 1), torch.arange(4.0), lambda o, t: ((o - t) ** 2).mean(), "pairs", "squ"),
    (nn.Linear(WIDTH, 3), torch.zeros(4, 2), lambda o, t: ((o - t) ** 2).mean(), "(4, 2)", "loss"),
]


@pytest.mark.parametrize(("model", "targets", "loss", "what", "mend"), SHAPES)
def test_outputs_that_do_not_fit_the_targets_are_an_error_with_both_shapes(
    model: nn.Module, targets: Tensor, loss: Any, what: str, mend: str
) -> None:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), model)
    with pytest.raises(LearnerError) as error:
        sanity(model, Batch(X, targets), loss)
    assert what in error.value.what
    assert mend in error.value.mend


@pytest.mark.parametrize("outputs", ["all alike", "without a bearing on the targets"])
def test_pairs_are_found_whatever_the_outputs_are(outputs: str) -> None:
    model = nn.Linear(WIDTH, 1)
    with torch.no_grad():
        model.weight.zero_()
        if outputs != "all alike":
            model.weight[0, 0] = 1
    inputs = torch.zeros(4, WIDTH)
    inputs[:, 0] = torch.tensor([1.0, -1.0, -1.0, 1.0])
    with pytest.raises(LearnerError, match="all pairs"):
        sanity(model, Batch(inputs, torch.arange(4.0)), lambda o, t: (o - t) ** 2)


FITTING = [
    (3, torch.tensor([0, 1, 2, 2]), CrossEntropy()),
    (3, torch.tensor([0, 1, 2, -100]), CrossEntropy(ignore_index=-100)),
    (3, torch.full((4, 3), 1 / 3), CrossEntropy()),
    (1, torch.arange(4.0), Regression("huber")),
    (2, torch.rand(4, 2), Regression("l1")),
    (1, torch.ones(4), BinaryCrossEntropy()),
    (1, torch.arange(4.0), lambda outputs, targets: (outputs.squeeze(-1) - targets) ** 2),
    (1, torch.arange(4.0), lambda outputs, targets: (outputs[:, 0] - targets).square().mean()),
]


@pytest.mark.parametrize(("width", "targets", "loss"), FITTING)
def test_outputs_that_fit_are_passed(width: int, targets: Tensor, loss: Any) -> None:
    torch.manual_seed(0)
    sanity(nn.Linear(WIDTH, width), Batch(torch.randn(4, WIDTH), targets), loss)


def test_a_tuple_of_outputs_and_a_frozen_network_are_errors() -> None:
    class Two(nn.Linear):
        def forward(self, inputs: Tensor) -> Any:
            return super().forward(inputs), inputs

    with pytest.raises(LearnerError, match="takes one tensor"):
        sanity(Two(WIDTH, 3), batch_of(0), CrossEntropy())
    with pytest.raises(LearnerError, match="no parameter that may move"):
        sanity(net(0).requires_grad_(False), batch_of(0), CrossEntropy())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_network_that_learns_learns_a_few_rows_by_heart(seed: int, smoothing: float) -> None:
    loss = CrossEntropy(label_smoothing=smoothing)
    assert overfit_one_batch(net(seed, 3, nn.Dropout(0.5)), batch_of(seed), loss) is None


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("positive", [None, torch.tensor([1.0, 4.0, 9.0])])
def test_labels_of_a_few_rows_are_learnt_by_heart_or_not(
    smoothing: float, positive: Tensor | None
) -> None:
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(16, 3, generator=generator) < 0.3).float()
    loss = BinaryCrossEntropy(positive, smoothing)
    assert overfit_one_batch(net(0, 3), Batch(batch_of(0).inputs[:16], targets), loss) is None
    twins = Batch(torch.zeros(16, WIDTH), targets)  # equal rows, other labels
    assert overfit_one_batch(net(0, 3), twins, loss, steps=60) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_that_cannot_learn_a_few_rows_is_found(seed: int) -> None:
    torch.manual_seed(seed)
    found = overfit_one_batch(Cut(), batch_of(seed), CrossEntropy(), steps=60)
    assert found is not None
    assert (found.code, found.severity) == ("AS411", Severity.ASK)
    twins = Batch(torch.zeros(16, WIDTH), batch_of(seed).targets[:16])  # equal rows, other targets
    assert overfit_one_batch(net(seed), twins, CrossEntropy(), steps=60) is not None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropy(), CrossEntropy(torch.tensor([1.0, 2.0, 5.0])),
        CrossEntropy(label_smoothing=0.1), CrossEntropy(ignore_index=-100),
        Regression("mse"), Regression("l1"), Regression("huber"),
        BinaryCrossEntropy(), BinaryCrossEntropy(torch.tensor(3.0)),
        BinaryCrossEntropy(torch.tensor(3.0), label_smoothing=0.1),
    ],
)  # fmt: skip
def test_the_constant_loss_is_the_lowest_that_training_a_constant_finds(
    loss: Any, weighted: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    n, k = 200, 3 if isinstance(loss, CrossEntropy) else 1
    if isinstance(loss, CrossEntropy):
        targets = torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), n, True, generator=generator)
        if loss.ignore_index is not None:
            targets[::7] = loss.ignore_index
    elif isinstance(loss, Regression):
        targets = torch.randn(n, generator=generator) * 2 + 3
    else:
        targets = (torch.rand(n, generator=generator) < 0.2).float()
    weights = torch.rand(n, generator=generator) if weighted else None
    answer = torch.zeros(1, k, requires_grad=True)
    optimizer = torch.optim.LBFGS([answer], max_iter=200, line_search_fn="strong_wolfe")

    def measure() -> Tensor:
        optimizer.zero_grad()
        value = loss.total(answer.expand(n, k), targets, weights) / loss.size(targets, weights)
        value.backward()
        return value

    lowest = min(float(optimizer.step(measure).detach()) for _ in range(20))
    assert constant_loss(loss, targets, weights) == pytest.approx(lowest, rel=2e-4)
