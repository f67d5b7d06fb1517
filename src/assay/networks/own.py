"""Networks of one's own as learners build them: a class by its import path, behind its inputs.

A table reaches it as one matrix, images as scaled pixels. All arguments can be written down as
JSON, so the module is built again wherever its class can be imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from assay.errors import LearnerError
from assay.networks.embeddings import Categories, Plain
from assay.networks.standardised import Standardised
from assay.networks.tabular import Columns


class OneMatrix(nn.Module):
    """A network that takes a row as numbers beside each other, behind the columns of a table.

    Args:
        columns: Makes one row of numbers of them.
        network: What sees those.
    """

    def __init__(self, columns: Columns, network: nn.Module) -> None:
        super().__init__()
        self.columns = columns
        self.network = network

    @property
    def wrapped(self) -> nn.Module:
        """The network, whose blocks are those of the whole."""
        return self.network

    def forward(self, numeric: Tensor, plain: Tensor, categories: Tensor) -> Any:
        """Of numbers, numbers and codes, each of shape (n, columns)."""
        return self.network(self.columns(numeric, plain, categories))


def own_table(
    *,
    network: str,
    options: Mapping[str, Any],
    numeric: int,
    plain: int,
    levels: Sequence[int],
    n_outputs: int,
) -> OneMatrix:
    """A network of one's own for a table.

    Args:
        network: 'package.module:Class', whose constructor takes `n_inputs` and `n_outputs`.
        options: What else it is given.
        numeric: Numbers whose outliers are squeezed.
        plain: Numbers that are taken as they are.
        levels: Codes of each category, the zero of what is unknown included.
        n_outputs: Logits or values.

    Raises:
        LearnerError: There is no such class here.
    """
    numbers = Plain(numeric) if numeric else None
    columns = Columns(numbers, plain, Categories(levels) if levels else None)
    made = _class_of(network)(n_inputs=columns.width, n_outputs=n_outputs, **options)
    return OneMatrix(columns, _held(made, n_outputs))


def own_images(
    *,
    network: str,
    options: Mapping[str, Any],
    n_outputs: int,
    channels: int,
    mean: Sequence[float],
    deviation: Sequence[float],
) -> Standardised:
    """A network of one's own for images of one size, given as bytes.

    Args:
        network: 'package.module:Class', whose constructor takes `channels` and `n_outputs`.
        options: What else it is given, `height` and `width` among it if it takes them.
        n_outputs: Logits or values.
        channels: 1 for grey, 3 for red, green and blue.
        mean: Of the pixels, for each channel, 0 to 255.
        deviation: As well.

    Raises:
        LearnerError: There is no such class here.
    """
    made = _class_of(network)(channels=channels, n_outputs=n_outputs, **options)
    return Standardised(_held(made, n_outputs), mean, deviation)


def _held(network: nn.Module, n_outputs: int) -> nn.Module:
    """The network, held to outputs of shape (n, n_outputs); or (n,) for one, which become that.

    What it gives more than it was asked for would be learnt, and found out when it predicts.
    """
    network.register_forward_hook(partial(_as_asked, n_outputs))
    return network


def _as_asked(n_outputs: int, network: nn.Module, inputs: Any, outputs: Any) -> Any:  # noqa: ARG001
    if isinstance(outputs, Tensor):
        if n_outputs == 1 and outputs.ndim == 1:
            return outputs.unsqueeze(1)
        if outputs.ndim > 1 and outputs.shape[-1] == n_outputs:
            return outputs
    kind = type(network).__name__
    shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
    raise LearnerError(
        f"{kind} gives {shape}, and what is needed is a tensor of shape (n, {n_outputs}).",
        where=f"{kind}.forward",
        mend="end it with a layer such as nn.Linear(width, n_outputs), and return its outputs",
    )


def _class_of(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LearnerError(
            f"The class of the network cannot be found: {error}.",
            where=f"model.learner: {path}",
            mend=f"put the module {module!r} beside the experiment file, or where Python looks",
        ) from error
