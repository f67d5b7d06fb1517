"""Sums of what every step says, kept where they are computed and read every so many steps.

On a GPU reading a number waits for all that was asked of it; on a CPU it costs nothing, and adding
plain floats is faster than adding tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from assay.training.batches import tensors_of

Running = Mapping[str, Callable[[Any, Any, Tensor | None], Tensor]]
"""Metrics of the rows learnt from: of outputs, targets and weights, the sum over the rows."""
Said = Sequence[tuple[Any, Any, Tensor | None]]
"""Outputs, targets and weights of each micro-batch."""


class Sums:
    """Sums since the last reading, and since the last evaluation.

    Args:
        device: Where the numbers are computed.
        running: What is summed besides the loss.
    """

    def __init__(self, device: torch.device, running: Running) -> None:
        self._reads = device.type == "cpu"
        self._running = running
        self._loss: Any = 0.0
        self._size: Any = 0.0
        self._weight: Any = 0.0
        self._values: dict[str, Any] = {}
        self._norm = self._largest = 0.0
        self._steps = self._rows = 0
        self._total, self._total_size = 0.0, 0.0
        self._reset()

    def step(self, totals: Sequence[Tensor], size: Any, norm: float, rows: int, said: Said) -> None:
        """Count an optimizer step: losses, what divides them, the gradient's norm, rows."""
        for total in totals:
            self._loss += total.item() if self._reads else total
        self._size += size
        self._norm += norm
        self._largest = max(self._largest, norm)
        self._steps += 1
        self._rows += rows
        for outputs, targets, weights in said:
            self._weight += len(next(tensors_of(targets))) if weights is None else weights.sum()
            for name, metric in self._running.items():
                self._values[name] += metric(outputs, targets, weights)

    def read(self) -> dict[str, float]:
        """The means since the last reading; empty if no step was taken."""
        if not self._steps:
            return {}
        loss, size = float(self._loss), float(self._size)
        self._total += loss
        self._total_size += size
        means = {
            "loss": loss / size,
            "gradient_norm": self._norm / self._steps,
            "largest_gradient_norm": self._largest,
            "rows": float(self._rows),
        }
        for name, value in self._values.items():
            weight = float(self._weight)
            means[name] = float(value) / weight if weight else math.nan
        self._reset()
        return means

    def since_evaluation(self) -> float:
        """The mean loss since this was asked before; NaN of nothing."""
        mean = self._total / self._total_size if self._total_size else math.nan
        self._total, self._total_size = 0.0, 0.0
        return mean

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as plain numbers."""
        return {
            "loss": float(self._loss),
            "size": float(self._size),
            "norm": self._norm,
            "largest": self._largest,
            "steps": self._steps,
            "rows": self._rows,
            "weight": float(self._weight),
            "values": {name: float(each) for name, each in self._values.items()},
            "total": self._total,
            "total_size": self._total_size,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._loss, self._size = state["loss"], state["size"]
        self._norm, self._largest = state["norm"], state["largest"]
        self._steps, self._rows = state["steps"], state["rows"]
        self._weight, self._values = state["weight"], dict(state["values"])
        self._total, self._total_size = state["total"], state["total_size"]

    def _reset(self) -> None:
        self._loss = self._size = self._weight = 0.0
        self._values = dict.fromkeys(self._running, 0.0)
        self._norm = self._largest = 0.0
        self._steps = self._rows = 0
