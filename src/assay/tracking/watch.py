"""Watching a network: histograms of its gradients and parameters, now and then, in every store.

They go by W&B's own names, `gradients/NAME` and `parameters/NAME`. Counting is done where the
tensor is, so that a step on a GPU moves some hundred numbers, and the steps in between do nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from assay.errors import InputError
from assay.tracking.recorder import MOST_BINS, Histogram, Recorder

What = Literal["all", "gradients", "parameters"]
_MOST_IN_SINGLE = 2**24
"""Values that single precision counts one by one."""
_WIDEST_IN_SINGLE = 1e38


class Watch:
    """Records a module's gradients and parameters at every so many steps.

    Attributes:
        step_number: The step that the next call of `step` is.
    """

    def __init__(self, module: Any, recorder: Recorder, log: What, every: int, first: int) -> None:
        self._module, self._recorder = module, recorder
        self._log, self._every = log, every
        self.step_number = first

    def step(self) -> None:
        """To be called once a step: after `backward` (and `unscale_`), before `zero_grad`."""
        number, self.step_number = self.step_number, self.step_number + 1
        if number % self._every:
            return
        for name, parameter in self._module.named_parameters():
            if self._log != "parameters" and parameter.grad is not None:
                self._record(f"gradients/{name}", parameter.grad, number)
            if self._log != "gradients":
                self._record(f"parameters/{name}", parameter, number)

    def _record(self, name: str, tensor: Any, number: int) -> None:
        counted = histogram_of(tensor)
        if counted is not None:
            self._recorder.histogram(name, counted, number)


def watch(
    module: Any, recorder: Recorder, *, log: What = "all", every: int = 100, first: int = 0
) -> Watch:
    """Watch a torch module as `wandb.watch` does, for every store.

    Args:
        module: The module.
        recorder: Where the histograms go.
        log: What is recorded.
        every: Steps from one time to the next.
        first: The number of the first step, for training that is resumed.

    Raises:
        InputError: There is no such thing to watch, or no such interval.

    Example:
        watched = watch(network, context.recorder)
        for batch in batches:
            loss_of(network, batch).backward()
            watched.step()
            optimizer.step()
            optimizer.zero_grad()
    """
    if log not in ("all", "gradients", "parameters"):
        raise InputError(f"A network has no {log!r} to be watched.", mend="log='all'")
    if every < 1:
        raise InputError(f"There is no watching every {every} steps.", mend="every=100")
    return Watch(module, recorder, log, every, first)


def histogram_of(tensor: Any) -> Histogram | None:
    """The distribution of a tensor's finite values; None if it has none.

    Bins are even from the least to the greatest value, as `numpy.histogram` has them; of a sparse
    tensor only the values that are there are counted.
    """
    import torch

    values = _flat(tensor)
    if not bool(torch.isfinite(values.sum())):
        values = values[torch.isfinite(values)]
    if not values.numel():
        return None
    low, high = (float(each) for each in torch.aminmax(values))
    if low == high:
        room = max(0.5, abs(low) * 1e-6)
        low, high = low - room, high + room
    if values.numel() >= _MOST_IN_SINGLE or high - low > _WIDEST_IN_SINGLE:
        values = values.double()
    bins = min(MOST_BINS, values.numel())
    counts = torch.histc(values, bins, low, high).tolist()
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64).tolist()
    return Histogram(tuple(int(each) for each in counts), tuple(edges))


def _flat(tensor: Any) -> Any:
    """A tensor's values, shape (n,), in single or double precision: `histc` counts no others."""
    import torch

    values = tensor.detach()
    if values.is_sparse:
        values = values.coalesce().values()
    if values.is_complex():
        values = values.abs()
    values = values.reshape(-1)
    return values if values.dtype in (torch.float32, torch.float64) else values.float()
