"""Schedules: the learning rate as a pure function of the optimizer step, and of nothing else.

So there is nothing to save, nothing to step, and nothing that a skipped step or a resumed training
could put out of place. Steps are those of the optimizer, not micro-batches.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

from assay.training.settings import LoopSettings

_WARMUP = 0.05
_ONE_CYCLE_RISE = 0.3
_ONE_CYCLE_START = 1 / 25


def peak_rate(settings: LoopSettings, rate: float | None = None) -> float:
    """The peak of a learning rate, that of the settings when absent, for the batch as it is.

    With a `reference_batch` it grows in proportion to the rows of an optimizer step (linear scaling
    rule: Goyal et al., 2017, https://arxiv.org/abs/1706.02677).

    >>> peak_rate(LoopSettings(learning_rate=0.1, batch_size=64, accumulate=8, reference_batch=256))
    0.2
    """
    rate = settings.learning_rate if rate is None else rate
    if settings.reference_batch is None:
        return rate
    return rate * (settings.step_rows / settings.reference_batch)


def optimizer_steps(settings: LoopSettings, n_batches: int) -> int:
    """Optimizer steps of the whole training, of as many micro-batches in an epoch.

    The last window of an epoch is a step as well, however short it is.

    >>> optimizer_steps(LoopSettings(epochs=2, accumulate=4), n_batches=3)
    2
    """
    if settings.steps is not None:
        return settings.steps
    return settings.epochs * -(-n_batches // settings.accumulate)


class Schedule:
    """Warm-up to the peak, then the way down.

    The first step has a rate above zero, the last step of the warm-up has the peak, and the last
    step of all has the final rate. Every group of parameters goes the same way in proportion to its
    peak; `final_rate` is what the settings' own rate ends at.

    - cosine: half a wave (Loshchilov & Hutter, 2017, https://arxiv.org/abs/1608.03983).
    - linear: a line, as transformers are often fine-tuned (Devlin et al., 2018,
      https://arxiv.org/abs/1810.04805).
    - step: times `drop_factor` at each of `drops`.
    - one-cycle: up from a 25th and down, both in half a wave (Smith & Topin, 2018,
      https://arxiv.org/abs/1708.07120); momentum stays as it is.
    - constant: the peak to the end.

    Args:
        settings: Of the training.
        total_steps: Optimizer steps from its beginning to its end.
    """

    def __init__(self, settings: LoopSettings, total_steps: int) -> None:
        is_one_cycle = settings.schedule == "one-cycle"
        share = settings.warmup
        if share is None:
            share = _ONE_CYCLE_RISE if is_one_cycle else _WARMUP
        self._total = max(1, total_steps)
        self._top = max(0, min(round(share * self._total), self._total) - 1)
        self._rise = _wave_up if is_one_cycle else _line_up
        self._final = min(1.0, settings.final_rate / peak_rate(settings))
        self._drops = sorted(settings.drops)
        self._drop_factor = settings.drop_factor
        down: dict[str, Callable[[int], float]] = {
            "cosine": self._wave_down,
            "linear": self._line_down,
            "one-cycle": self._wave_down,
            "step": self._stairs_down,
            "constant": _level,
        }
        self._down = down[settings.schedule]

    @property
    def warmup_steps(self) -> int:
        """Steps until the one, included, that has the peak; at least one."""
        return self._top + 1

    def rate(self, step: int, peak: float) -> float:
        """The learning rate of an optimizer step, counted from zero.

        Args:
            step: Which one. Those after the last have its rate.
            peak: The highest rate of the parameters in question.
        """
        return peak * self.share(step)

    def share(self, step: int) -> float:
        """The rate of an optimizer step over the peak, at least 0 and at most 1."""
        rise = self._rise((step + 1) / (self._top + 1)) if step < self._top else 1.0
        return rise * self._down(min(step, self._total - 1))

    def _wave_down(self, step: int) -> float:
        return self._final + (1 - self._final) * (1 + math.cos(math.pi * self._done(step))) / 2

    def _line_down(self, step: int) -> float:
        return self._final + (1 - self._final) * (1 - self._done(step))

    def _stairs_down(self, step: int) -> float:
        return float(self._drop_factor ** bisect_right(self._drops, step / self._total))

    def _done(self, step: int) -> float:
        """How much of the way down lies behind a step."""
        return (step - self._top) / (self._total - 1 - self._top) if step > self._top else 0.0


def _line_up(done: float) -> float:
    return done


def _wave_up(done: float) -> float:
    return _ONE_CYCLE_START + (1 - _ONE_CYCLE_START) * (1 - math.cos(math.pi * done)) / 2


def _level(_: int) -> float:
    return 1.0
