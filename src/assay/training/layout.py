"""The memory format of images: channels-last, where convolutions are faster that way.

It changes where numbers lie, not what they are: names, shapes and values stay. Only weights are
laid out: the first convolution turns a batch's images, which costs what turning them before would.
Two things follow. A file of weights wants them contiguous; and a fused optimizer walks the weights
and what it holds of each as they lie, without asking (PyTorch 2.13), so that state which was read
back from a file must be laid out as they are: `optimizers.load_optimizer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from assay.training.batches import tensors_of


@contextmanager
def channels_last(model: nn.Module, wanted: bool = True) -> Iterator[nn.Module]:
    """Within it the model's four-dimensional weights are channels-last; after it, contiguous.

    Args:
        model: Changed in place.
        wanted: False changes nothing.
    """
    if not wanted:
        yield model
        return
    lay_out(model, torch.channels_last)
    try:
        yield model
    finally:
        lay_out(model, torch.contiguous_format)


def lay_out(model: nn.Module, layout: torch.memory_format) -> None:
    """Lays out every four-dimensional weight and buffer, and its gradient."""
    for each in (*model.parameters(), *model.buffers()):
        if each.ndim == 4:
            each.data = each.data.contiguous(memory_format=layout)
            if each.grad is not None:
                each.grad.data = each.grad.data.contiguous(memory_format=layout)


def has_images(inputs: Any) -> bool:
    """Whether any input has the four dimensions that channels-last is of."""
    return any(each.ndim == 4 for each in tensors_of(inputs))
