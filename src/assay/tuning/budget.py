"""The budget of a search for an ensemble."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What may be spent.

    Attributes:
        workers: Fits at the same time.
        trials: Configurations; None for as many as there is time for.
        until: When all is to be done, in seconds of `time.monotonic()`; None for no limit.
        latency_ms: What the prediction of one row may take; None for no limit.
    """

    workers: int = 1
    trials: int | None = None
    until: float | None = None
    latency_ms: float | None = None
