"""Seeding: what draws from a global generator draws the same each time, and is left as it was.

Python, NumPy and torch each have one. A learner of one's own may use them, knowingly or not; seeded
by its job it gives the same bits in any process (law 3). Whoever calls us from a notebook finds the
generators as they were.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_INDUCTOR = "TORCHINDUCTOR_DETERMINISTIC"
_ATTENTION = ("flash", "mem_efficient", "cudnn")
"""Kernels of attention that add in any order in the backward pass on a card, and say so at most."""
_FIXED_WORKSPACE = ":4096:8"  # as NVIDIA's documentation of cuBLAS says under 'reproducibility'


@contextmanager
def seeded(seed: int, *, deterministic: bool = False) -> Iterator[None]:
    """Within it all global generators begin at the seed; afterwards they go on as before.

    Args:
        seed: Any whole number of at least 0.
        deterministic: Whether torch, if it is loaded, must use deterministic algorithms; where it
            has none it warns.
    """
    with ExitStack() as restored:
        restored.callback(random.setstate, random.getstate())
        random.seed(seed)
        restored.callback(np.random.set_state, np.random.get_state(legacy=False))
        np.random.seed(seed % 2**32)

        def begin(torch: Any) -> None:
            _seed_torch(torch, seed, restored)
            if deterministic:
                _fix_torch(torch, restored)

        loaded = sys.modules.get("torch")
        if loaded is not None:
            begin(loaded)
        else:
            finder = _Torch(begin)
            sys.meta_path.insert(0, finder)
            restored.callback(finder.leave)
        yield


class _Torch(MetaPathFinder):
    """Finds torch where everybody does, and begins with it as soon as it is loaded.

    Else the first fit of each process that loads it would draw other numbers than the next.
    """

    def __init__(self, begin: Callable[[Any], None]) -> None:
        self._begin = begin

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname != "torch":
            return None
        self.leave()
        spec = find_spec(fullname)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            load = loader.exec_module

            def load_and_begin(module: ModuleType) -> None:
                load(module)
                self._begin(module)

            loader.exec_module = load_and_begin
        return spec

    def leave(self) -> None:
        """Stand in nobody's way any longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def about(seeds: Sequence[int], *, deterministic: bool) -> dict[str, Any]:
    """What `seeded` sets in the fits of these seeds, to be recorded."""
    fixed = {
        "torch.use_deterministic_algorithms": True,
        "torch.utils.deterministic.fill_uninitialized_memory": False,
        "torch.backends.cudnn.deterministic": True,
        "torch.backends.cudnn.benchmark": False,
        **{f"torch.backends.cuda.enable_{each}_sdp, on a card": False for each in _ATTENTION},
        _CUBLAS: _workspace(),
        _INDUCTOR: os.environ.get(_INDUCTOR, "1"),
    }
    return {
        "of the fits": list(seeds),
        "set in each fit": "Python, NumPy; torch and CUDA where torch is loaded",
        "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "random"),
        "deterministic": deterministic,
        **(fixed if deterministic else {}),
    }


def _seed_torch(torch: Any, seed: int, restored: ExitStack) -> None:
    restored.callback(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_initialized():
        restored.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    torch.manual_seed(seed)  # which seeds CUDA too, once it is in use


def _fix_torch(torch: Any, restored: ExitStack) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    restored.callback(_use_deterministic, torch, before, warn_only=warned)
    _use_deterministic(torch, True, warn_only=True)
    # Or else all memory is written twice, so that who reads what he has not written reads NaN.
    filled = torch._C._get_deterministic_fill_uninitialized_memory()
    restored.callback(torch._C._set_deterministic_fill_uninitialized_memory, filled)
    torch._C._set_deterministic_fill_uninitialized_memory(False)
    cudnn = torch.backends.cudnn
    for name, value in (("deterministic", True), ("benchmark", False)):
        restored.callback(setattr, cudnn, name, getattr(cudnn, name))
        setattr(cudnn, name, value)
    if torch.cuda.is_available():  # elsewhere the same switches are the processor's
        for kernel in _ATTENTION:
            use = getattr(torch.backends.cuda, f"enable_{kernel}_sdp")
            restored.callback(use, getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")())
            use(False)
    for variable, text in ((_CUBLAS, _workspace()), (_INDUCTOR, "1")):
        if variable not in os.environ:
            restored.callback(os.environ.pop, variable, None)
            os.environ[variable] = text


def _use_deterministic(torch: Any, wanted: bool, *, warn_only: bool) -> None:
    """As PyTorch's function, which imports the compiler first: two seconds and 90 MB.

    A compiler that is imported later finds the wish in the environment.
    """
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(wanted, warn_only=warn_only)
    else:
        torch._C._set_deterministic_algorithms(wanted, warn_only=warn_only)


def _workspace() -> str:
    return os.environ.get(_CUBLAS, _FIXED_WORKSPACE)
