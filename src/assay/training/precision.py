"""Numerical precision of forward and backward: fp32, bf16 or fp16, by what the device can do.

Weights, gradients and the optimizer stay float32. What is off costs nothing: without autocast
`forward` is one shared empty context, and without a scaler the three steps are the plain calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from assay.errors import InputError
from assay.training.batches import mapped

_SMALLEST_SCALE = 1.0
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_BF16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


class _Nothing:
    """An empty context that may be entered any number of times; half the cost of `nullcontext`."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *raised: object) -> None:
        return None


NOTHING: AbstractContextManager[None] = _Nothing()


class Precision:
    """How forward and backward compute, and the scaler that fp16 needs.

    Built with `Precision.of`, which refuses what the device cannot do. A step goes

        with precision.forward():
            outputs = model(inputs)
        precision.backward(loss of precision.full(outputs))
        precision.unscale(optimizer)      # before gradients are clipped or looked at
        stepped = precision.step(optimizer, is_finite=...)

    and must end in `step` even where a gradient is not finite: with a scaler, that is how the
    scale comes down.

    Args:
        name: fp32, bf16 or fp16.
        device: Where the model is.

    Attributes:
        name: As given.
        scaler: Of fp16; None otherwise.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.scaler: torch.amp.GradScaler | None = None
        self._context: AbstractContextManager[Any] = NOTHING
        if name in _DTYPES:
            self._context = torch.autocast(device.type, dtype=_DTYPES[name])
        if name == "fp16":
            self.scaler = torch.amp.GradScaler(device.type)

    @classmethod
    def of(cls, name: str, device: torch.device) -> Precision:
        """The precision of this name.

        Raises:
            InputError: The device does not compute in it.
        """
        if name not in supported(device):
            raise InputError(
                f"training.precision is {name}, which this device ({device.type}) does not compute "
                f"in{_REASONS.get((device.type, name), '')}.",
                where="training.precision",
                mend=f"precision: auto (here: {' or '.join(supported(device))})",
            )
        return cls(name, device)

    def forward(self) -> AbstractContextManager[Any]:
        """What the model is called within; the same object each time, so do not nest it."""
        return self._context

    def full(self, outputs: Any) -> Any:
        """The model's outputs as losses want them: half precision is made float32.

        A sum over a batch leaves the range of fp16 and the digits of bf16.
        """
        if self._context is NOTHING:
            return outputs
        return mapped(outputs, _full)

    def backward(self, loss: Tensor) -> None:
        """Adds the loss's gradients, scaled where there is a scaler, to the parameters'."""
        if self.scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Makes the gradients what they are without scale; once before each `step`."""
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer, *, is_finite: bool) -> bool:
        """A step of the optimizer, and of the scale.

        Args:
            optimizer: Of the parameters whose gradients are ready.
            is_finite: Whether all gradients are finite numbers; nothing moves where they are not.

        Returns:
            Whether the weights moved.
        """
        if self.scaler is None:
            if is_finite:
                optimizer.step()
            return is_finite
        if is_finite:
            self.scaler.step(optimizer)
        self.scaler.update()
        return is_finite

    def overflowed(self, losses: Iterable[Tensor]) -> bool:
        """Whether a step that was skipped only means that the scale was too large for fp16.

        The scale starts at 65536 and is halved until gradients fit. At one or below, or where a
        loss is not finite itself, the gradient is what is wrong.

        Args:
            losses: Of the micro-batches of that step, scalars.
        """
        if self.scaler is None or self.scaler.get_scale() <= _SMALLEST_SCALE:
            return False
        return all(bool(torch.isfinite(each)) for each in losses)

    def state(self) -> dict[str, float | int]:
        """What a checkpoint keeps: plain numbers, none without a scaler."""
        return {} if self.scaler is None else dict(self.scaler.state_dict())

    def load(self, state: dict[str, float | int]) -> None:
        """Goes on from `state()` of the same precision."""
        if self.scaler is not None and state:
            self.scaler.load_state_dict(dict(state))


def supported(device: torch.device) -> tuple[str, ...]:
    """The precisions that a device computes in by itself, without emulating them; simplest first.

    bf16 on a CPU without the instructions is right but slow beyond use (a large product takes
    minutes), fp16 there has no fast kernels, and Metal trains in fp32.
    """
    if device.type == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("fp32", "bf16", "fp16") if has_bf16 else ("fp32", "fp16")
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return ("fp32", "bf16") if any(able.get(each) for each in _CPU_BF16) else ("fp32",)
    return ("fp32",)


_REASONS = {
    ("cpu", "fp16"): ": training in fp16 is for CUDA",
    ("cpu", "bf16"): ": the processor has no bf16 instructions, and emulated it takes many times "
    "as long as fp32",
    ("cuda", "bf16"): ": the card has no bf16 arithmetic",
    ("mps", "fp16"): ": training there is in fp32",
    ("mps", "bf16"): ": training there is in fp32",
}


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
