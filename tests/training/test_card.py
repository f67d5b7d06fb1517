"""What only a CUDA card can show: fp16 and its scale, copies on a stream of their own, memory.

All other tests of the loop train on the card too where there is one; these are skipped elsewhere.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.training.batches import Batch, Tensors, order_of
from assay.training.callbacks import Callback
from assay.training.choosing import choose
from assay.training.fit import fit
from assay.training.loop import Training
from assay.training.losses import CrossEntropy
from assay.training.prefetch import Loader
from assay.training.room import largest_batch
from assay.training.settings import LoopSettings
from assay.training.snapshot import Snapshot
from assay.training.values import Trained

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
CUDA = torch.device("cuda")
PRECISIONS = ["fp32", "bf16", "fp16"]


def rows(n: int = 203, seed: int = 0, *, scale: float = 1.0) -> Tensors:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, 8, 8, generator=generator)
    targets = (images.mean((1, 2, 3)) * 12).long().clamp(-1, 1) + 1
    return Tensors(images * scale, targets)


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(4),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 3),
    )  # fmt: skip


def noisy(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


def trained(model: nn.Module | None = None, data: Tensors | None = None, **given: Any) -> Trained:
    settings = {
        "batch_size": 16, "accumulate": 2, "epochs": 3, "averaging": 0.9, "log_every": 2,
        "patience": None, "precision": "fp32", "threads": 1, "channels_last": True,
        **given.pop("settings", {}),
    }  # fmt: skip
    return fit(
        model or net(), data or rows(), nn.CrossEntropyLoss(), validation=rows(90, 1),
        settings=LoopSettings(**settings), device=CUDA, **given,
    )  # fmt: skip


def assert_same(first: Trained, second: Trained) -> None:
    for name, each in first.model.state_dict().items():
        assert each.is_cuda
        assert torch.equal(each, second.model.state_dict()[name]), name
    assert first.history == second.history


class InterruptedAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, training: Training) -> None:
        if training.position.step == self.step:
            signal.raise_signal(signal.SIGINT)


class Watched(Callback):
    """Keeps step, rate and scale after each step."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float, float]] = []

    def on_step(self, training: Training) -> None:
        scaler = training.precision.scaler
        rate = training.optimizer.param_groups[0]["lr"]
        self.seen.append((training.position.step, rate, scaler.get_scale() if scaler else 1.0))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_was_interrupted_goes_on_with_the_same_bits(
    precision: str, workers: int, tmp_path: Path
) -> None:
    given: dict[str, Any] = {
        "settings": {"precision": precision, "loader_workers": workers}, "augment": noisy,
    }  # fmt: skip
    whole = trained(**given, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(**given, folder=tmp_path / "c", callbacks=[InterruptedAt(10)])
    assert_same(whole, trained(net(7), **given, folder=tmp_path / "c", resume=True))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_card_learns_what_the_processor_learns(precision: str) -> None:
    done = trained(settings={"precision": precision, "averaging": 0.0})
    plain = fit(
        net(), rows(), nn.CrossEntropyLoss(), validation=rows(90, 1), device="cpu",
        settings=LoopSettings(
            batch_size=16, accumulate=2, epochs=3, log_every=2, patience=None,
            precision="fp32", threads=1, channels_last=False,
        ),
    )  # fmt: skip
    assert done.best is not None
    assert plain.best is not None
    assert done.best.metrics["loss"] == pytest.approx(plain.best.metrics["loss"], rel=0.1)


def test_a_scale_too_large_for_fp16_costs_a_step_and_neither_the_schedule_nor_a_finding() -> None:
    watched = Watched()
    done = trained(
        data=rows(scale=30.0), settings={"precision": "fp16", "accumulate": 1},
        callbacks=[watched],
    )  # fmt: skip
    scales = [scale for _, _, scale in watched.seen]
    steps = [step for step, _, _ in watched.seen]
    overflowed = [now for now, before in zip(scales[1:], scales, strict=False) if now < before]
    held = sum(now == before for now, before in zip(steps[1:], steps, strict=False))
    assert min(scales) < 65536  # it did overflow
    assert steps[0] == (0 if scales[0] < 65536 else 1)
    assert held >= len(overflowed)  # where the scale came down, the step stood still
    assert done.position.skipped == 0
    assert "AS401" not in {each.code for each in done.findings}
    assert all(torch.isfinite(each).all() for each in done.model.state_dict().values())


def test_auto_measures_on_the_card_and_its_choice_trains() -> None:
    settings = LoopSettings(batch_size=64, epochs=1, patience=None)
    first = rows().take(torch.arange(64))
    choices = choose(net(), first, CrossEntropy(), settings, CUDA, seed=0)
    assert choices.measured["source"] == "measured"
    assert choices.precision in PRECISIONS
    done = fit(net(), rows(), nn.CrossEntropyLoss(), settings=settings, device=CUDA)
    assert done.choices["precision"] in PRECISIONS


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")
def test_a_compiled_training_ends_near_the_plain_one() -> None:
    plain, compiled = trained(), trained(settings={"compile": True})
    assert plain.best is not None
    assert compiled.best is not None
    assert compiled.choices["compile"]
    assert compiled.best.metrics["loss"] == pytest.approx(plain.best.metrics["loss"], rel=0.05)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_while_the_next_is_on_its_way(workers: int) -> None:
    data = rows(203)
    order = order_of(data, 5, 0, 1)
    with (
        Loader(data, 16, workers=workers, augment=noisy) as plain,
        Loader(data, 16, workers=workers, augment=noisy, device=CUDA) as ahead,
    ):
        wanted: list[Batch] = list(plain.epoch(order, 3))
        found = list(ahead.epoch(order, 3))
    assert len(found) == len(wanted) == 10
    for one, other in zip(found, wanted, strict=True):
        assert one.inputs.is_cuda
        assert torch.equal(one.inputs.cpu(), other.inputs)
        assert torch.equal(one.targets.cpu(), other.targets)


def test_a_snapshot_is_pinned_and_does_not_move_with_what_trains() -> None:
    snapshot, weight = Snapshot(), torch.randn(1000, 100, device=CUDA)
    before = weight.cpu()
    taken = snapshot.taken({"weight": weight})["weight"]
    weight.add_(1)
    assert taken.is_pinned()
    assert torch.equal(taken, before)
    assert torch.equal(snapshot.taken({"weight": weight})["weight"], weight.cpu())


def test_the_largest_batch_is_what_does_not_run_out_of_memory() -> None:
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 3)).to(CUDA)
    data = Tensors(torch.randn(512, 64), torch.randint(0, 3, (512,)))
    settings = LoopSettings(batch_size=16)
    found = largest_batch(
        wide, data, CrossEntropy(), settings, CUDA, limit=100_000, budget_bytes=200 * 2**20
    )
    assert 1_000 < found.batch_size < 20_000
    assert [each.fits for each in found.trials].count(False) >= 1
