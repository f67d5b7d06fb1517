"""Search for a learning rate: raise it until training breaks, and look at where it went well."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from assay.training.batches import Data
from assay.training.losses import Loss
from assay.training.optimizers import make_optimizer
from assay.training.schedules import peak_rate
from assay.training.settings import LoopSettings
from assay.training.trial_steps import Forward, trial_step, windows
from assay.training.untouched import untouched

_SMOOTHING = 0.9
_DIVERGED = 4.0
_BELOW_MINIMUM = 10.0
_LEAST_FALL = 0.02


@dataclass(frozen=True)
class RangeTest:
    """A learning-rate range test.

    Attributes:
        rates: Of each step, rising.
        losses: Before each step, on its rows.
        smoothed: Their moving average, without the bias of its beginning.
        suggestion: A tenth of the rate at the least smoothed loss; None where it hardly fell.
        diverged: Whether it ended early because the loss ran away.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    diverged: bool


def range_test(
    model: nn.Module,
    data: Data,
    loss: Loss,
    settings: LoopSettings,
    device: torch.device,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    seed: int = 0,
    forward: Forward = nullcontext,
) -> RangeTest:
    """Raise the rate exponentially over some steps, and see where the loss falls and where it ends.

    Source: L. N. Smith (2017), Cyclical learning rates, https://arxiv.org/abs/1506.01186. The rate
    at the minimum is too high already, a tenth of it leaves room for a whole training.

    Args:
        model: On its device; it comes back as it was.
        data: Rows to train on.
        loss: What is minimised.
        settings: Of the training: its batches, optimizer, clipping and layer decay are used.
        device: Where the network is.
        low: The first rate.
        high: The last one.
        steps: Optimizer steps, at most.
        seed: Of the rows' order.
        forward: What the forward pass happens in.
    """
    curve: list[tuple[float, float, float]] = []
    with untouched(model):
        model.train()
        optimizer = make_optimizer(model, settings.model_copy(update={"phases": ()}), device)
        average, best, diverged = 0.0, math.inf, False
        for step, window in enumerate(islice(windows(data, settings, seed), steps)):
            rate = low * (high / low) ** (step / max(1, steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate * group["peak"] / peak_rate(settings)
            value = trial_step(model, window, loss, optimizer, device, settings.clip, forward)
            average = _SMOOTHING * average + (1 - _SMOOTHING) * value
            smoothed = average / (1 - _SMOOTHING ** (step + 1))
            diverged = not smoothed < _DIVERGED * best if best > 0 else not math.isfinite(value)
            if not math.isfinite(value):
                break
            curve.append((rate, value, smoothed))
            best = min(best, smoothed)
            if diverged:
                break
    rates, losses, flat = zip(*curve, strict=True) if curve else ((), (), ())
    return RangeTest(rates, losses, flat, _suggestion(rates, flat), diverged)


def _suggestion(rates: tuple[float, ...], smoothed: tuple[float, ...]) -> float | None:
    if not smoothed:
        return None
    least = min(smoothed)
    if not least < smoothed[0] - _LEAST_FALL * abs(smoothed[0]):
        return None
    return rates[smoothed.index(least)] / _BELOW_MINIMUM
