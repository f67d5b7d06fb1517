"""Readings of a training, what was planned for it, and the robust statistics on their losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from assay.training.schedules import Schedule
from assay.training.settings import LoopSettings

_MAD_TO_SD = 1.4826
_MEDIAN_VARIANCE = 1.57
"""Variance of a median over that of a mean, for normal values."""


@dataclass(frozen=True)
class Reading:
    """What the loop read since the reading before, in plain numbers.

    Attributes:
        step: Optimizer steps so far, the skipped ones included.
        loss: Mean training loss since the reading before; NaN if no step was finite.
        gradient_norm: Mean norm of the gradient before clipping, likewise.
        rate: Learning rate of the output's block.
        skipped: Steps skipped so far for NaN or infinity. What a gradient scaler skips to find its
            scale does not count.
    """

    step: int
    loss: float
    gradient_norm: float
    rate: float
    skipped: int = 0

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


@dataclass(frozen=True)
class Plan:
    """What the guards know of a training before it begins.

    Attributes:
        steps: Optimizer steps in all.
        steps_per_epoch: Of them, in one epoch.
        warmup_steps: Of them, with a rising rate; no loss is judged before they are over.
        epochs: Passes over the rows.
        schedule: As in the settings.
        learning_rate: Peak rate.
        clip: Largest norm of the gradient; None where it is not clipped.
        patience: Evaluations without improvement after which training stops; None for never.
        validates: Whether there are validation rows.
        constant_loss: Loss of the best answer that is the same for every row; None if unknown.
        initial_loss: Loss before the first step, of one batch; None if unknown.
    """

    steps: int
    steps_per_epoch: int
    warmup_steps: int = 0
    epochs: int = 1
    schedule: str = "cosine"
    learning_rate: float = 1e-3
    clip: float | None = None
    patience: int | None = None
    validates: bool = False
    constant_loss: float | None = None
    initial_loss: float | None = None

    @classmethod
    def of(
        cls,
        settings: LoopSettings,
        *,
        steps: int,
        steps_per_epoch: int,
        validates: bool,
        constant_loss: float | None = None,
        initial_loss: float | None = None,
    ) -> Plan:
        """What these settings plan.

        A constant loss that is not above zero, and losses that are not finite, say nothing here.
        """
        return cls(
            steps=steps,
            steps_per_epoch=steps_per_epoch,
            warmup_steps=Schedule(settings, steps).warmup_steps,
            epochs=-(-steps // max(steps_per_epoch, 1)),
            schedule=settings.schedule,
            learning_rate=settings.learning_rate,
            clip=settings.clip,
            patience=settings.patience,
            validates=validates,
            constant_loss=_telling(constant_loss) if (constant_loss or 0.0) > 0 else None,
            initial_loss=_telling(initial_loss),
        )


def _telling(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None


def spread(values: Sequence[float]) -> float:
    """Standard deviation of the noise: from successive differences, so that no trend counts.

    >>> spread([1.0, 2.0, 3.0, 4.0])
    0.0
    """
    steps = [after - before for before, after in pairwise(values)]
    if not steps:
        return 0.0
    middle = median(steps)
    return _MAD_TO_SD * median(abs(each - middle) for each in steps) / math.sqrt(2)


def fall(values: Sequence[float]) -> float:
    """By how many of its standard errors the later half lies below the earlier one.

    Medians of halves, so that single jumps do not count. Infinite where there is no noise.

    >>> fall([4.0, 4.0, 4.0, 4.0])
    0.0
    >>> fall([4.0, 3.0, 2.0, 1.0])
    inf
    """
    half = len(values) // 2
    if half == 0:
        return 0.0
    fallen = median(values[:half]) - median(values[-half:])
    error = spread(values) * math.sqrt(2 * _MEDIAN_VARIANCE / half)
    if error == 0.0:
        return math.inf if fallen > 0 else 0.0
    return fallen / error


def level(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and its standard error.

    >>> level([1.0, 3.0])
    (2.0, 1.0)
    """
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, 0.0
    variance = math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))
