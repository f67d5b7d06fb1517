"""Memory that is no longer needed, handed back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import pyarrow as pa


def hand_back() -> None:
    """Give free memory of this process back: allocators keep it for what may come next.

    A process that fits one model after the other would grow by the gaps that each of them leaves.
    """
    pa.default_memory_pool().release_unused()
    library = _c_library()
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
