"""Evaluation: every validation row counts once, whatever batch it came in; modes are put back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from assay.training.batches import Data, mapped, order_of
from assay.training.calling import called
from assay.training.losses import Loss
from assay.training.prefetch import Loader

Metrics = Mapping[str, Callable[[Tensor, Tensor, Tensor | None], float]]
"""Of all outputs, targets and weights, on the CPU, one number."""


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Within it no module trains; afterwards each is in the mode that it was in."""
    trained = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in trained:
            module.training = True


def outputs_of(
    model: nn.Module,
    data: Data,
    *,
    batch_size: int,
    device: torch.device,
    forward: Callable[[], AbstractContextManager[Any]] = nullcontext,
    poll: Callable[[], None] = lambda: None,
    limit: int | None = None,
    workers: int = 0,
) -> Iterator[tuple[Any, Any, Tensor | None]]:
    """Outputs, targets and weights, batch by batch in an order that is always the same.

    Args:
        model: The module; in evaluation mode while this goes on.
        data: The rows.
        batch_size: Rows at a time; the last bits depend on it.
        device: Where the module is.
        forward: Context of the forward pass: precision.
        poll: Called before every batch; may raise to end it.
        limit: Batches at most.
        workers: Processes that read ahead.
    """
    order = order_of(data, 0, None, batch_size)
    loader = Loader(data, batch_size, workers=workers, device=device)
    with evaluation_mode(model), torch.inference_mode(), loader:
        for number, (inputs, targets, weights) in enumerate(loader.epoch(order)):
            if limit is not None and number >= limit:
                break
            poll()
            with forward():
                outputs = called(model, inputs)
            yield outputs, targets, weights


def evaluate(
    model: nn.Module, data: Data, loss: Loss, metrics: Metrics, **how: Any
) -> dict[str, float]:
    """The loss and the metrics of all rows.

    Args:
        model: The module.
        data: The rows.
        loss: What is minimised.
        metrics: What else is wanted.
        how: As of `outputs_of`.
    """
    total, size = 0.0, 0.0
    kept: list[tuple[Any, Any, Tensor | None]] = []
    for outputs, targets, weights in outputs_of(model, data, **how):
        with torch.inference_mode():
            full = mapped(outputs, lambda t: t.float() if t.is_floating_point() else t)
            total += float(loss.total(full, targets, weights))
            size += float(loss.size(targets, weights))
        if metrics:
            kept.append(mapped((full, targets, weights), lambda t: t.cpu()))
    found = {"loss": total / size if size else math.nan}
    if metrics:
        whole = [_joined([each[i] for each in kept]) for i in range(3)]
        found |= {name: float(metric(*whole)) for name, metric in metrics.items()}
    return found


def _joined(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(parts)
    if isinstance(first, Mapping):
        return {name: _joined([each[name] for each in parts]) for name in first}
    if first is None:
        return None
    return tuple(_joined(list(each)) for each in zip(*parts, strict=True))
