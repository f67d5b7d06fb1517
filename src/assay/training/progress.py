"""Progress in words: where training stands, how fast it goes, and what remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.monitor import Step

if TYPE_CHECKING:
    from assay.training.loop import Training


def progress(training: Training, now: float) -> Step:
    """Where it stands, at this time of `time.monotonic()`."""
    position, means = training.position, training.means
    text = f"epoch {min(position.epoch + 1, training.epochs)} of {training.epochs}"
    parts = []
    if "loss" in means:
        parts.append(f"loss {means['loss']:.4g}")
    if training.history:
        found = training.history[-1].metrics
        watched = training.given.watch
        parts.append(f"validation {watched.replace('_', ' ')} {found[watched]:.4g}")
    done = position.step - training.first_step
    if done and "rows_per_s" in means:
        parts.append(f"{means['rows_per_s']:,.0f} rows/s")
        left = (training.total_steps - position.step) * (now - training.started) / done
        parts.append(f"{in_words(left)} left")
    return Step(text, position.step, training.total_steps, detail=", ".join(parts))


def in_words(seconds: float) -> str:
    """A span of time as one says it: 40 s, 3 min, 2.5 h.

    >>> in_words(184)
    '3 min'
    """
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
