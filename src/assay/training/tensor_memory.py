"""The memory of tensors, counted as PyTorch makes them and lets them go.

What is counted is the same on every run and every machine, which cannot be said of what the
operating system tells of a process. Scratch memory within an operation is not in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TensorMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, every storage that is made is counted, forward and backward.

    Attributes:
        now_bytes: Of what was made within and is still there.
        peak_bytes: The most there has been at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now_bytes = 0
        self.peak_bytes = 0
        self._there: set[int] = set()

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = operation(*args, **(kwargs or {}))
        given = {each.untyped_storage()._cdata for each in _tensors((args, kwargs))}
        for each in _tensors(made):
            if each.untyped_storage()._cdata not in given:
                self._count(each)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._there:
            return
        self._there.add(key)
        self.now_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.now_bytes)
        weakref.finalize(storage, self._gone, key, size).atexit = False

    def _gone(self, key: int, size: int) -> None:
        self._there.discard(key)
        self.now_bytes -= size


def available_bytes() -> int:
    """What this process may still take: of the machine, or of the container it is in."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _of_container("memory.max"), _of_container("memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used))


def _of_container(name: str) -> int | None:
    try:
        text = (Path("/sys/fs/cgroup") / name).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (each for each in tree_leaves(tree) if isinstance(each, torch.Tensor))
