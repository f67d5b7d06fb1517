"""AdamW and SGD of PyTorch that call their fused kernel and do nothing else.

`torch.optim` looks anew at each step for what may differ between parameters (devices, types,
hooks, graphs), and the first optimizer of a process imports PyTorch's compiler. For a small network
that is longer than the arithmetic. Here all parameters have one device and one type, so that a step
is one call a group, with the same bits; states are those of `torch.optim` and can be exchanged.
Hooks on steps are not called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

_Group = dict[str, Any]


def is_even(parameters: Iterator[Tensor]) -> bool:
    """Whether parameters have one device and one type of real numbers."""
    kinds = {(each.device, each.dtype) for each in parameters}
    return len(kinds) == 1 and all(dtype.is_floating_point for _, dtype in kinds)


def _plain(method: Callable[..., Any]) -> Any:
    """A method of an optimizer without the guard that imports the compiler."""
    return inspect.unwrap(method)


class _Kernel(Optimizer):
    """What both optimizers have in common: no guards, and no closure."""

    add_param_group = _plain(Optimizer.add_param_group)
    state_dict = _plain(Optimizer.state_dict)
    load_state_dict = _plain(Optimizer.load_state_dict)

    def zero_grad(self, set_to_none: bool = True) -> None:
        assert set_to_none, "a gradient of zeros would let frozen weights decay"
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        assert closure is None, "the gradients are there before the step"
        given = {  # from torch.amp.GradScaler
            "grad_scale": getattr(self, "grad_scale", None),
            "found_inf": getattr(self, "found_inf", None),
        }
        for group in self.param_groups:
            moving = [each for each in group["params"] if each.grad is not None]
            if moving:
                self._move(group, moving, [each.grad for each in moving], given)

    step.hooked = True  # type: ignore[attr-defined] # else PyTorch wraps it to call hooks

    def _move(
        self, group: _Group, moving: list[Tensor], gradients: list[Tensor], given: dict[str, Any]
    ) -> None:
        raise NotImplementedError


class KernelAdamW(_Kernel, AdamW):
    """AdamW; `fused` is to be true."""

    def _move(
        self, group: _Group, moving: list[Tensor], gradients: list[Tensor], given: dict[str, Any]
    ) -> None:
        states = [self.state[each] for each in moving]
        for parameter, state in zip(moving, states, strict=True):
            if not state:
                state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            moving,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            **given,
        )
        if given["found_inf"] is not None:
            torch._foreach_sub_(steps, [given["found_inf"]] * len(steps))


class KernelSGD(_Kernel, SGD):
    """SGD; `fused` is to be true."""

    def _move(
        self, group: _Group, moving: list[Tensor], gradients: list[Tensor], given: dict[str, Any]
    ) -> None:
        pairs = list(zip(moving, gradients, strict=True))
        fresh = [pair for pair in pairs if self.state[pair[0]].get("momentum_buffer") is None]
        known = [pair for pair in pairs if self.state[pair[0]].get("momentum_buffer") is not None]
        for some, is_first in [(fresh, True), (known, False)]:
            if some:
                self._call(group, some, given, is_first=is_first)

    def _call(
        self,
        group: _Group,
        pairs: list[tuple[Tensor, Tensor]],
        given: dict[str, Any],
        *,
        is_first: bool,
    ) -> None:
        buffers = []
        if group["momentum"] > 0:
            for parameter, _ in pairs:
                if is_first:
                    self.state[parameter]["momentum_buffer"] = torch.empty_like(parameter)
                buffers.append(self.state[parameter]["momentum_buffer"])
        torch._fused_sgd_(
            [parameter for parameter, _ in pairs],
            [gradient for _, gradient in pairs],
            buffers,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            maximize=False,
            is_first_step=is_first and group["momentum"] > 0,
            **given,
        )
