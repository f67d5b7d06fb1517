"""A fault is planted in a layer, in rows or in a loss, and the diagnosis names it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.errors import AssayError, DivergedError
from assay.training.batches import Batch
from assay.training.diagnosis import diagnose, diverged
from assay.training.losses import CrossEntropy, Regression
from tests.training.test_sanity import Residual, everything, same
from tests.training.tiny import WIDTH, net, rows

SEEDS = range(3)
N = 24
NUMBERS = torch.arange(1000, 1000 + N)


def batch_of(seed: int) -> Batch:
    inputs, targets = rows(seed)
    return Batch(inputs[:N].clone(), targets[:N])


class Logarithm(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.clamp_min(0).log()


class Root(nn.Module):
    """Finite forward, and an infinite slope where a row is zero."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.square().sum(-1, keepdim=True).sqrt() * inputs


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_rows_with_broken_inputs_are_named(seed: int, value: float) -> None:
    batch = batch_of(seed)
    batch.inputs[[2, 17], 1] = value
    model = nn.Sequential(nn.Linear(WIDTH, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    found = diagnose(model, batch, NUMBERS, CrossEntropy())
    assert (found.where, found.rows) == ("input", (1002, 1017))
    assert ("NaN" if math.isnan(value) else "infinity") in found.text
    assert "1002, 1017" in found.text


def test_rows_with_broken_targets_and_weights_are_named() -> None:
    inputs, _, _ = batch_of(0)
    targets = inputs.sum(1)
    targets[5] = math.nan
    found = diagnose(net(0, 1), Batch(inputs, targets), NUMBERS, Regression("mse"))
    assert (found.where, found.rows) == ("target", (1005,))
    weights = torch.ones(N)
    weights[6] = math.inf
    found = diagnose(net(0, 1), Batch(inputs, inputs.sum(1), weights), NUMBERS, Regression("mse"))
    assert (found.where, found.rows) == ("target", (1006,))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_layer_that_gives_nan_is_named_with_its_rows(seed: int) -> None:
    batch = batch_of(seed)
    batch.inputs[:] = batch.inputs.abs() + 0.1
    batch.inputs[11, 2] = -1.0
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Identity(), Logarithm(), nn.Linear(WIDTH, 3))
    found = diagnose(model, batch, NUMBERS, CrossEntropy())
    assert (found.layer, found.where, found.rows) == ("1", "forward", (1011,))


def test_rows_are_found_where_the_broken_tensor_has_none() -> None:
    class Pooled(nn.Module):
        """Mixes the rows before anything is not finite."""

        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(WIDTH, 3)
            self.scale = nn.Identity()

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(inputs) * self.scale(inputs.exp().sum())

    batch = batch_of(0)
    batch.inputs[9] = 100.0
    found = diagnose(Pooled(), batch, NUMBERS, CrossEntropy())
    assert (found.layer, found.where, found.rows) == ("scale", "forward", (1009,))


def test_what_comes_up_between_two_modules_is_said_to_come_on_the_way_into_the_second() -> None:
    class Between(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(torch.log(self.body(inputs)))

    found = diagnose(Between(), batch_of(0), NUMBERS, CrossEntropy())
    assert (found.layer, found.where) == ("head", "forward")
    assert "on the way into 'head'" in found.text
    assert found.rows


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weight_that_is_broken_is_named(seed: int) -> None:
    model = net(seed)
    with torch.no_grad():
        model[2].weight[0, 0] = math.nan
    found = diagnose(model, batch_of(seed), NUMBERS, CrossEntropy())
    assert (found.layer, found.where, found.rows) == ("2.weight", "weight", ())


def test_a_buffer_that_is_broken_is_named() -> None:
    model = Residual().eval()
    model.norm.running_mean.fill_(math.nan)
    nn.init.ones_(model.norm.weight)
    assert diagnose(model, batch_of(0), NUMBERS, CrossEntropy()).layer == "norm.running_mean"


def test_a_loss_that_breaks_on_finite_outputs_is_named_with_its_rows() -> None:
    inputs, _, _ = batch_of(0)
    targets = torch.ones(N)
    targets[[0, 23]] = 0.0
    found = diagnose(
        net(0, 1), Batch(inputs, targets), NUMBERS, lambda o, t: o.squeeze(-1).abs() * t.log()
    )
    assert (found.layer, found.where, found.rows) == ("", "loss", (1000, 1023))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_layer_whose_gradient_breaks_is_named_with_its_rows(seed: int) -> None:
    batch = batch_of(seed)
    batch.inputs[[4, 7]] = 0.0
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(WIDTH, WIDTH, bias=False), Root(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
        nn.Linear(WIDTH, 3),
    )  # fmt: skip
    found = diagnose(model, batch, NUMBERS, CrossEntropy())
    assert (found.layer, found.where, found.rows) == ("1", "gradient", (1004, 1007))
    assert "that '1' gives back" in found.text


def test_a_gradient_that_breaks_in_the_loss_is_said_to() -> None:
    inputs, _, _ = batch_of(0)
    model = nn.Linear(WIDTH, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    targets = torch.ones(N)
    targets[:3] = 0.0  # which the network gives exactly

    def root(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.squeeze(-1) - targets).square().sqrt()

    found = diagnose(model, Batch(inputs, targets), NUMBERS, root)
    assert (found.where, found.rows) == ("gradient", (1000, 1001, 1002))
    assert "gradient of the loss" in found.text


def test_all_that_is_finite_is_nowhere_broken() -> None:
    for model in (net(0), Residual()):
        found = diagnose(model, batch_of(0), NUMBERS, CrossEntropy())
        assert (found.where, found.rows) == ("nowhere", ())


def test_a_network_that_takes_missing_values_is_not_blamed_for_them() -> None:
    class Filled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(WIDTH, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(inputs.nan_to_num())

    batch = batch_of(0)
    batch.inputs[4] = math.nan
    assert diagnose(Filled(), batch, NUMBERS, CrossEntropy()).where == "nowhere"


@pytest.mark.parametrize("is_ambient", [True, False])
def test_an_overflow_under_autocast_is_found(is_ambient: bool) -> None:
    class Half(nn.Module):
        """As a layer on an accelerator: its numbers end at 65,504 under fp16."""

        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.half().float() if torch.is_autocast_enabled("cpu") else inputs

    def half() -> Any:
        return torch.autocast("cpu", torch.float16)

    batch = batch_of(0)
    batch.inputs[8] = 1e5
    model = nn.Sequential(Half(), nn.Linear(WIDTH, 3))
    assert diagnose(model, batch, NUMBERS, CrossEntropy()).where == "nowhere"
    if is_ambient:
        with half():
            found = diagnose(model, batch, NUMBERS, CrossEntropy())
    else:
        found = diagnose(model, batch, NUMBERS, CrossEntropy(), forward=half)
    assert (found.layer, found.where, found.rows) == ("0", "forward", (1008,))


@pytest.mark.parametrize("fault", ["none", "input", "gradient"])
def test_a_diagnosis_leaves_everything_as_it_was(fault: str) -> None:
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False), Root(), Residual())
    batch = batch_of(0)
    model(batch.inputs).sum().backward()
    model[2].dropout.eval()
    if fault == "input":
        batch.inputs[3] = math.nan
    elif fault == "gradient":
        batch.inputs[3] = 0.0
    before, inputs = everything(model), batch.inputs.clone()
    where = diagnose(model, batch, NUMBERS, CrossEntropy()).where
    assert where == ("nowhere" if fault == "none" else fault)
    assert same(everything(model), before)
    assert batch.inputs.equal(inputs) or fault == "input"


def test_many_rows_are_counted_and_some_of_them_shown() -> None:
    batch = batch_of(0)
    batch.inputs[:20] = math.inf
    found = diagnose(net(0), batch, NUMBERS, CrossEntropy())
    assert len(found.rows) == 16
    assert "(20 of them)" in found.text


def test_the_error_says_where_training_stood_and_the_rows_of_the_right_micro_batch() -> None:
    first, second = batch_of(0), batch_of(1)
    second.inputs[2] = math.nan
    error = diverged(
        net(0), [first, second], torch.arange(2 * N), CrossEntropy(),
        SimpleNamespace(step=1234, rollbacks=2),
    )  # fmt: skip
    assert isinstance(error, DivergedError)
    assert isinstance(error, AssayError)
    assert "step 1,234, after 2 returns to a checkpoint: the inputs hold NaN" in error.what
    assert f"Row {N + 2}." in error.what
    assert error.mend
