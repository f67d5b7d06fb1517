"""Randomness: the state of every global random generator, to be kept and set again bit for bit.

Python's, NumPy's, torch's, and those of all CUDA devices, as a tree that a checkpoint can keep.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state(device: torch.device | str | None = None) -> dict[str, Any]:
    """Where every generator is.

    Args:
        device: The device that trains; the generators of an accelerator are asked only where one
            is meant or in use, since asking would start it.
    """
    state = {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
    }
    kind = "cpu" if device is None else torch.device(device).type
    cuda: Any = torch.cuda
    if kind == "cuda" or cuda.is_initialized():
        state["cuda"] = cuda.get_rng_state_all()
    elif kind != "cpu":
        state[kind] = torch.get_device_module(kind).get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any], device: torch.device | str | None = None) -> None:
    """Set every generator to where it was.

    Args:
        state: As `random_state` gave it. Generators of an accelerator that is not here are passed
            over, and so are those of devices that it does not speak of.
        device: The device that trains.
    """
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        for each, at in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
            torch.cuda.set_rng_state(at, each)
    kind = "cpu" if device is None else torch.device(device).type
    if kind not in ("cpu", "cuda") and kind in state:
        torch.get_device_module(kind).set_rng_state(state[kind])
