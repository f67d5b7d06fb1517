"""A moving average of the weights, which is evaluated and kept in place of the last ones.

In the first steps the decay is lower, min(decay, (1 + t) / (10 + t)) at update t, so that the
random weights at the beginning do not stay in it. Buffers are averaged where they are statistics of
a norm, since they belong to the weights that made them; all others are those of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_UPDATES = "updates"
_STATISTICS = ("running_mean", "running_var")
_HALVES = (torch.float16, torch.bfloat16)


class Average:
    """The exponential moving average of a network's weights.

    Weights of 16 bits are averaged in 32, in which a small share of a change is not lost.

    Args:
        model: The network, on its device. Its parameters and statistics stay the same tensors.
        decay: What an update leaves of the average, at least 0 and below 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._live = dict(model.named_parameters()) | _statistics(model)
        self._mean = {name: _widened(each) for name, each in self._live.items()}
        self._live_list, self._mean_list = list(self._live.values()), list(self._mean.values())
        self._is_even = all(each.dtype not in _HALVES for each in self._live_list)
        self._updates = 0
        self._is_applied = False

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after an optimizer step."""
        assert not self._is_applied, "the network has the averaged weights: nothing to take in"
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        live = self._live_list
        if not self._is_even:
            live = [each.to(mean.dtype) for each, mean in zip(live, self._mean_list, strict=True)]
        torch._foreach_lerp_(self._mean_list, live, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the network has the averaged weights; afterwards its own, to the bit.

        Tensors keep their addresses. A checkpoint that is made within it would hold the wrong
        weights.
        """
        assert not self._is_applied, "the network has the averaged weights already"
        kept = [each.detach().clone() for each in self._live_list]
        self._copy(self._mean_list)
        self._is_applied = True
        try:
            yield
        finally:
            self._copy(kept)
            self._is_applied = False

    def state(self) -> dict[str, Tensor]:
        """What is to be kept: the average by the names of the weights, and how many it has seen."""
        return {f"mean.{name}": mean for name, mean in self._mean.items()} | {
            _UPDATES: torch.tensor(self._updates)
        }

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        self._updates = int(state[_UPDATES])
        for name, mean in self._mean.items():
            mean.copy_(state[f"mean.{name}"])

    @torch.no_grad()
    def _copy(self, tensors: list[Tensor]) -> None:
        torch._foreach_copy_(self._live_list, tensors)


def _statistics(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: each
        for name, each in model.named_buffers()
        if name.rpartition(".")[2] in _STATISTICS and each.is_floating_point()
    }


def _widened(tensor: Tensor) -> Tensor:
    kept = tensor.detach().clone()
    return kept.float() if tensor.dtype in _HALVES else kept
