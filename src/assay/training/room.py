"""Room: how large a batch fits in memory, found by trying."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from assay.errors import LearnerError
from assay.training.batches import Data
from assay.training.losses import Loss
from assay.training.optimizers import make_optimizer
from assay.training.settings import LoopSettings
from assay.training.tensor_memory import TensorMemory, available_bytes
from assay.training.trial_steps import Forward, trial_step
from assay.training.untouched import untouched

_NEAR = 16
_NO_MEMORY = ("out of memory", "alloc_failed", "allocate memory", "not enough memory")


@dataclass(frozen=True)
class Trial:
    """A batch that was tried.

    Attributes:
        batch_size: Its rows.
        size_bytes: The most memory that a step of it took, beside the network and its data; None
            where it could not be had, or was known to be too much without being tried.
        fits: Whether that is within what there is.
    """

    batch_size: int
    size_bytes: int | None
    fits: bool


@dataclass(frozen=True)
class LargestBatch:
    """The largest micro-batch that fits, to one part in 16.

    Attributes:
        batch_size: Its rows.
        budget_bytes: What it had to fit in; None for all that the device has.
        trials: Every batch that was tried, in order.
    """

    batch_size: int
    budget_bytes: int | None
    trials: tuple[Trial, ...]


def largest_batch(
    model: nn.Module,
    data: Data,
    loss: Loss,
    settings: LoopSettings,
    device: torch.device,
    *,
    budget_bytes: int | None = None,
    limit: int | None = None,
    forward: Forward = nullcontext,
) -> LargestBatch:
    """Try batches, twice as large each time, then halfway between what fits and what does not.

    Each is a whole step: forward, backward, and the optimizer with its state. On CUDA what does not
    fit is what runs out of memory. On a CPU, where the operating system would end the process, it
    is what takes more than a budget: tensors are counted, and since memory is a convex function of
    the rows, a batch that the last two show to be too large is not tried.

    Args:
        model: On its device; it comes back as it was.
        data: Rows to try with; they are repeated where a batch has more.
        loss: What is minimised.
        settings: Of the training: its optimizer is used.
        device: Where the network is.
        budget_bytes: For a step, beside the network and its data; on a CPU half of the memory that
            is free by default, on CUDA all of it.
        limit: The most rows to try; all that there are by default.
        forward: What the forward pass happens in.

    Raises:
        LearnerError: Not even the smallest batch fits.
    """
    if budget_bytes is None and device.type != "cuda":
        budget_bytes = available_bytes() // 2
    limit = len(data) if limit is None else limit
    trials: list[Trial] = []
    with untouched(model):
        model.train()
        optimizer = make_optimizer(model, settings.model_copy(update={"phases": ()}), device)

        def measured(batch_size: int) -> int | None:
            def step() -> None:
                batch = data.take(torch.arange(batch_size) % len(data))
                trial_step(model, [batch], loss, optimizer, device, None, forward)

            used = _memory(device, step)
            return None if used is None else used + _state_bytes(optimizer)

        def fits(batch_size: int) -> bool:
            used = None
            if budget_bytes is None or _bound(trials, batch_size) <= budget_bytes:
                used = measured(batch_size)
            enough = used is not None and (budget_bytes is None or used <= budget_bytes)
            trials.append(Trial(batch_size, used, enough))
            return enough

        smallest = min(2, limit)
        measured(smallest)  # makes the optimizer's state, which is there in every later step
        if not fits(smallest):
            raise _too_large(trials[-1], budget_bytes)
        best = _largest(fits, smallest, limit)
    return LargestBatch(best, budget_bytes, tuple(trials))


def _largest(fits: Callable[[int], bool], low: int, limit: int) -> int:
    """The largest number that fits, from one that does, to one part in so many."""
    high = low
    while low == high and low < limit:
        high = min(2 * low, limit)
        if fits(high):
            low = high
    while high - low > max(1, low // _NEAR):
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def _bound(trials: list[Trial], batch_size: int) -> float:
    """The least memory that a batch can take by the last two that were measured below it."""
    known = sorted({t.batch_size: t.size_bytes for t in trials if t.size_bytes is not None}.items())
    below = [(rows, size) for rows, size in known if rows < batch_size][-2:]
    if len(below) < 2:
        return 0.0
    (rows, size), (more_rows, more) = below
    return more + (more - size) / (more_rows - rows) * (batch_size - more_rows)


def _memory(device: torch.device, step: Callable[[], object]) -> int | None:
    """The most that a step takes at once in bytes; None where there is not so much."""
    try:
        return _on_cuda(device, step) if device.type == "cuda" else _on_cpu(step)
    except RuntimeError as error:
        if not any(text in str(error).lower() for text in _NO_MEMORY):
            raise
        return None


def _on_cpu(step: Callable[[], object]) -> int:
    with TensorMemory() as memory:
        step()
    return memory.peak_bytes


def _on_cuda(device: torch.device, step: Callable[[], object]) -> int:
    gc.collect()  # of a step before that ran out, the tensors are let go only now
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _state_bytes(optimizer: Optimizer) -> int:
    return sum(
        value.nbytes
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    )


def _too_large(trial: Trial, budget_bytes: int | None) -> LearnerError:
    taken = "more than the device has" if trial.size_bytes is None else f"{trial.size_bytes:,}"
    budget = "" if budget_bytes is None else f" of {budget_bytes:,}"
    return LearnerError(
        f"Not even a batch of {trial.batch_size} rows fits: it takes {taken}{budget} bytes.",
        where="training.batch_size",
        mend="a smaller network, shorter or smaller inputs, training.recompute: true, or "
        "training.precision: bf16",
    )
