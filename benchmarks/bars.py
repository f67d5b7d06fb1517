"""Bars: a line per target that shares of many repetitions are held to, with what chance may do."""

from __future__ import annotations

LEVEL = 0.95


def noise(repetitions: int) -> float:
    """How far a share of so many repetitions may be from its true value; the worst of many laws
    lies further out than one does, so three standard errors."""
    return 3 * (LEVEL * (1 - LEVEL) / max(1, repetitions)) ** 0.5


def bar(name: str, value: float, wanted: str, is_met: bool, decimals: int = 3) -> None:
    print(f"bar {name}: {value:.{decimals}f} (wanted {wanted}) {'ok' if is_met else 'short'}")
