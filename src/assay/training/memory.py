"""Activation checkpointing: what a block computed is thrown away and computed again when needed.

Gradients are the same to the bit: dropout draws again what it drew, and running statistics are
moved once, not twice. A block keeps its class's name, parameters and hooks; only its `forward` is
taken over, through a class of its own, so that copies of the model are copies in all respects.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from assay.errors import InputError
from assay.monitor import AssayWarning


@contextmanager
def recomputed(model: nn.Module, blocks: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Within it the activations inside of blocks are recomputed in the backward pass.

    Args:
        model: Changed in place, and back after it.
        blocks: Names of modules as in `named_modules`; none: those that `blocks_of` finds.

    Yields:
        The names of the blocks.

    Raises:
        InputError: The model has no module of a name.
    """
    modules = dict(model.named_modules())
    unknown = [name for name in blocks if name not in modules]
    if unknown:
        raise InputError(
            f"The model has no block '{unknown[0]}'.",
            where=f"modules: {', '.join(name for name in modules if name)}",
            mend="name blocks as model.named_modules() does",
        )
    names = tuple(blocks) or blocks_of(model)
    if not names:
        warnings.warn(
            AssayWarning(
                "training.recompute: the model has no nn.Sequential or nn.ModuleList of blocks, "
                "so nothing is recomputed and no memory is saved"
            ),
            stacklevel=3,
        )
    before = {name: modules[name].__class__ for name in names}
    for name, each in before.items():
        modules[name].__class__ = _flat(each) if _is_flat(modules[name]) else _whole(each)
    try:
        yield names
    finally:
        for name, each in before.items():
            modules[name].__class__ = each


def blocks_of(model: nn.Module) -> tuple[str, ...]:
    """The blocks worth recomputing.

    They are the members of every outermost `nn.Sequential` or `nn.ModuleList` that are made of
    other modules; and a Sequential of plain layers, which is recomputed in about as many pieces as
    each piece has layers.
    """
    return tuple(_found("", model))


def _found(name: str, module: nn.Module) -> Iterator[str]:
    if _is_flat(module):
        yield name
        return
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}" if name else child_name
        is_list = isinstance(child, nn.Sequential | nn.ModuleList)
        is_member = isinstance(module, nn.Sequential | nn.ModuleList)
        if is_member and not is_list and next(child.children(), None) is not None:
            yield full
        else:
            yield from _found(full, child)


def _is_flat(module: nn.Module) -> bool:
    """Whether it is a Sequential of several layers, none of them made of others."""
    return (
        isinstance(module, nn.Sequential)
        and len(module) > 1
        and all(next(child.children(), None) is None for child in module)
    )


@cache
def _whole(kind: type[nn.Module]) -> type[nn.Module]:
    """The class whose forward is recomputed as a whole."""

    def forward(self: nn.Module, *given: Any, **named: Any) -> Any:
        return _recomputed(self, partial(kind.forward, self), *given, **named)

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


@cache
def _flat(kind: type[nn.Module]) -> type[nn.Module]:
    """The class of a Sequential that is recomputed in pieces."""

    def forward(self: nn.Sequential, given: Any) -> Any:
        layers = list(self)
        size = max(2, round(len(layers) ** 0.5))
        for start in range(0, len(layers), size):
            piece = layers[start : start + size]
            given = _recomputed(self, partial(_through, piece), given)
        return given

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def _through(layers: list[nn.Module], given: Any) -> Any:
    for layer in layers:
        given = layer(given)
    return given


def _recomputed(module: nn.Module, run: Any, *given: Any, **named: Any) -> Any:
    if not (module.training and torch.is_grad_enabled()):
        return run(*given, **named)

    def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        return nullcontext(), _still(module)

    return checkpoint(run, *given, use_reentrant=False, context_fn=contexts, **named)


@contextmanager
def _still(module: nn.Module) -> Iterator[None]:
    """Buffers are after it what they were before it, as batch norm moves its own at each pass.

    They are set through `data`, for autograd has kept some of them and must not see a change that
    is none.
    """
    buffers = [(each, each.detach().clone()) for each in module.buffers()]
    try:
        yield
    finally:
        for buffer, before in buffers:
            buffer.data.copy_(before)
