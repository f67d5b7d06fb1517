"""Tracing: where, on the way of a batch there and back, numbers cease to be finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from assay.training.batches import tensors_of


@dataclass
class _Passage:
    """A tensor between modules.

    Attributes:
        tensor: Itself, so that it stays the one of its number.
        source: The innermost module that gave it.
        takers: The modules that took it: those without parts, or else the innermost one.
    """

    tensor: Tensor
    source: str = ""
    takers: list[str] = field(default_factory=list)
    is_whole: bool = True
    """Whether the taker has parts, any of which may take it in turn."""


class Trace:
    """What goes into modules and comes out of them, in order.

    Attributes:
        bad: The first tensors that are not finite: the module, the tensors, and whether they were
            entering it. A mask of minus infinity on its way in does not count.
    """

    def __init__(self) -> None:
        self.bad: tuple[str, Any, bool] | None = None
        self._passages: dict[int, _Passage] = {}
        self._last = ""
        self._broken: tuple[str, str] | None = None

    @contextmanager
    def on(self, model: nn.Module) -> Iterator[None]:
        """Within it, every forward pass of the module is followed."""
        with ExitStack() as hooks:
            for name, module in model.named_modules():
                label = name or type(model).__name__
                is_whole = next(module.children(), None) is not None
                entering = self._entering(label, is_whole)
                hooks.callback(module.register_forward_pre_hook(entering, with_kwargs=True).remove)
                hooks.callback(module.register_forward_hook(self._leaving(label)).remove)
            yield

    def backward(self, model: nn.Module, value: Tensor) -> tuple[str, str] | None:
        """Where the gradient breaks: the module or parameter, and the sentence that says so."""
        moving = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
        if not moving:
            return None
        given = [each for _, each in moving]
        gradients = torch.autograd.grad(value, given, retain_graph=True, allow_unused=True)
        if self._broken is not None:
            return self._broken
        for (name, _), each in zip(moving, gradients, strict=True):
            if each is not None and is_bad(each):
                return name, f"the gradient of '{name}' holds {kind_of(each)}"
        return None

    def _entering(self, name: str, is_whole: bool) -> Callable[..., None]:
        def hook(_module: nn.Module, args: Any, kwargs: Any) -> None:
            tracked = [each for each in tensors_of((args, kwargs)) if each.requires_grad]
            if self.bad is None and is_bad(tracked):
                self.bad = name, tracked, True
            for passage in map(self._passage, tracked):
                if passage.is_whole:
                    passage.takers.clear()
                passage.takers.append(name)
                passage.is_whole = is_whole

        return hook

    def _leaving(self, name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, outputs: Any) -> None:
            if self.bad is None and is_bad(outputs):
                self.bad = name, outputs, False
            for each in tensors_of(outputs):
                if each.requires_grad:
                    passage = self._passage(each)
                    passage.source = passage.source or name

        return hook

    def _passage(self, tensor: Tensor) -> _Passage:
        if id(tensor) not in self._passages:
            passage = self._passages[id(tensor)] = _Passage(tensor)
            follow: Any = tensor.register_hook if tensor.requires_grad else None
            follow(lambda gradient: self._see(passage, gradient))
        return self._passages[id(tensor)]

    def _see(self, passage: _Passage, gradient: Tensor) -> None:
        """Gradients come by from the loss down: the first that is not finite tells the place."""
        if self._broken is not None:
            return
        name = passage.source or passage.takers[0]
        if not is_bad(gradient):
            self._last = name
            return
        kind = kind_of(gradient)
        if passage.takers:
            takers = " or ".join(f"'{each}'" for each in passage.takers)
            self._broken = passage.takers[0], f"the gradient that {takers} gives back holds {kind}"
        elif self._last:
            said = f"the gradient holds {kind} on its way from '{self._last}' back to '{name}'"
            self._broken = name, said
        else:
            said = f"the gradient of the loss at the outputs of '{name}' holds {kind}"
            self._broken = name, said


def bad_rows(tree: Any, n: int) -> list[int] | None:
    """Positions of rows that are not finite; empty if they cannot be told; None if there are none.

    An axis that rows and something else were folded into is unfolded.
    """
    bad: set[int] = set()
    is_any = False
    for each in tensors_of(tree):
        if not is_bad(each):
            continue
        is_any = True
        if each.ndim and len(each) and len(each) % n == 0:
            finite = torch.isfinite(each.detach()).reshape(n, -1).all(1)
            bad |= set((~finite).nonzero().flatten().tolist())
    return sorted(bad) if is_any else None


def is_bad(tree: Any) -> bool:
    return any(
        (each.is_floating_point() or each.is_complex())
        and not bool(torch.isfinite(each.detach()).all())
        for each in tensors_of(tree)
    )


def kind_of(tree: Any) -> str:
    for each in tensors_of(tree):
        if each.is_floating_point() and bool(torch.isnan(each.detach()).any()):
            return "NaN"
    return "infinity"
