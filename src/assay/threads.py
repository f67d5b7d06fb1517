"""Numerical threads: one for whatever gives numbers, so that the bits are the same (law 3).

BLAS and OpenMP with another number of threads add in another order, and the last bits differ. What
runs in parallel are processes, and threads of our own that share no sum.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

THREADS = 1
"""Numerical threads of a fit, however many fits run beside it."""


def one_numerical_thread() -> AbstractContextManager[object]:
    """Within it BLAS and OpenMP have one thread, whatever the environment says."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(THREADS)
    return limits


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS, Windows
