"""Calling: how a module is handed its inputs, whatever they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from assay.training.batches import mapped


def called(model: nn.Module, inputs: Any) -> Any:
    """The module's outputs for a tensor, for a tuple of them, or for a dict by name."""
    if isinstance(inputs, Tensor):
        return model(inputs)
    return model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)


def called_in_full(model: nn.Module, inputs: Any) -> Any:
    """The same, with floating-point outputs in float32 at least."""
    return mapped(called(model, inputs), lambda t: t.float() if t.is_floating_point() else t)
