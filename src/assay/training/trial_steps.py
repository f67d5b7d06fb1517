"""Trial steps: those of the loop, for who only wants to see what comes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count, islice
from typing import Any

from torch import device, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from assay.training.batches import Batch, Data, mapped, order_of, stream
from assay.training.calling import called_in_full
from assay.training.losses import Loss
from assay.training.settings import LoopSettings

Forward = Callable[[], AbstractContextManager[Any]]
"""What the forward pass happens in, such as autocast."""


def trial_step(
    model: nn.Module,
    window: list[Batch],
    loss: Loss,
    optimizer: Optimizer,
    where: device,
    clip: float | None,
    forward: Forward,
) -> float:
    """One optimizer step; what the loss was before it. A loss that is not finite is not stepped."""
    size = sum(loss.size(batch.targets, batch.weights) for batch in window)
    value = 0.0
    try:
        for given in window:
            inputs, targets, weights = mapped(tuple(given), lambda t: t.to(where))
            with forward():
                part = loss.total(called_in_full(model, inputs), targets, weights) / size
            part.backward()  # type: ignore[no-untyped-call]
            value += float(part.detach())
        if math.isfinite(value):
            if clip is not None:
                clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
    finally:
        optimizer.zero_grad(set_to_none=True)
    return value


def windows(data: Data, settings: LoopSettings, seed: int) -> Iterator[list[Batch]]:
    for epoch in count():
        order = order_of(data, seed, epoch, settings.step_rows)
        batches = stream(data, order, settings.batch_size)
        while window := list(islice(batches, settings.accumulate)):
            yield window
