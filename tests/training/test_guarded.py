"""The guards in the loop itself: each fault is found through `fit`, and a sound twin is passed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from assay.errors import DivergedError
from assay.training.batches import Tensors
from assay.training.constant import constant_loss
from assay.training.fit import fit
from assay.training.losses import CrossEntropy
from assay.training.settings import LoopSettings
from tests.training.tiny import codes, net, rows

FAST = LoopSettings(
    epochs=6, batch_size=32, log_every=5, learning_rate=3e-3, precision="fp32", threads=1
)
SEEDS = range(2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sound_training_has_no_finding(seed: int) -> None:
    inputs, targets = rows(seed)
    least = constant_loss(CrossEntropy(), targets)
    data = Tensors(inputs[:500], targets[:500])
    trained = fit(
        net(seed), data, CrossEntropy(), validation=Tensors(inputs[500:], targets[500:]),
        settings=FAST, seed=seed, constant_loss=least,
    )  # fmt: skip
    assert trained.findings == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_that_learns_nothing_is_found(seed: int) -> None:
    inputs, targets = rows(seed)
    data, least = Tensors(inputs * 0, targets), constant_loss(CrossEntropy(), targets)
    trained = fit(net(seed), data, CrossEntropy(), settings=FAST, seed=seed, constant_loss=least)
    assert codes(list(trained.findings)) == {"AS404", "AS407"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_that_is_broken_costs_a_step_an_epoch_and_is_counted(seed: int) -> None:
    inputs, targets = rows(seed)
    inputs[600, 0] = math.nan
    trained = fit(net(seed), Tensors(inputs, targets), CrossEntropy(), settings=FAST, seed=seed)
    (found,) = trained.findings
    assert (found.code, found.evidence["skipped"]) == ("AS401", FAST.epochs)
    assert all(bool(each.isfinite().all()) for each in trained.model.parameters())


def test_a_network_that_breaks_for_good_is_rolled_back_and_then_diagnosed(tmp_path: Path) -> None:
    class Breaking(nn.Module):
        """Sound for the first batches, and then not any more."""

        def __init__(self) -> None:
            super().__init__()
            self.body, self.calls = net(0), 0

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            outputs: torch.Tensor = self.body(inputs)
            return outputs.log() * 1e30 if self.calls > 60 else outputs

    with pytest.raises(DivergedError) as error:
        fit(
            Breaking(), Tensors(*rows(0)), CrossEntropy(), settings=FAST, seed=0,
            folder=tmp_path,
        )  # fmt: skip
    assert "'Breaking' gives" in error.value.what
    assert "after 2 returns to a checkpoint" in error.value.what
    assert error.value.where == "Breaking"
