"""Ways to take the same training step, timed against each other on copies of the model.

Steps of all candidates are interleaved, so that a machine that is busy is busy for all of them;
what is compared is the ratio within a round. The simplest candidate wins unless another takes
clearly less time.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from assay.training.batches import Batch, mapped, part_of, tensors_of
from assay.training.calling import called
from assay.training.layout import lay_out
from assay.training.losses import Loss
from assay.training.precision import Precision
from assay.training.settings import LoopSettings

GAIN = 0.95
"""What a candidate's time must stay below, as a share of the simpler one's."""
GAIN_AT_A_GLANCE = 0.8
"""The same where there was time for fewer rounds than `_ROUNDS`."""
_ROUNDS = 3
_MOST_ROUNDS = 9
_BLOCK_S = 0.004
_STEP_S = 0.2
_LONGEST_S = 1.0
_LONG_S = 0.01
_FIRST_ROWS, _FEWEST_ROWS = 2, 8
_GROWTH = 4
_HOPELESS = 3.0


@dataclass(frozen=True)
class Variant:
    """A way to take the same step.

    Attributes:
        precision: fp32, bf16 or fp16.
        channels_last: Whether images are channels-last.
        threads: Numerical threads.
    """

    precision: str
    channels_last: bool
    threads: int

    def __str__(self) -> str:
        layout = ["channels-last"] if self.channels_last else []
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return ", ".join([self.precision, *layout, threads])


class Trial:
    """Training steps of copies of a model, which stays as it is.

    Args:
        model: In whatever mode, on whatever device.
        batch: Rows to step on; of many, `fit_rows` takes fewer.
        loss: What is minimised.
        settings: Whose optimizer is used.
        device: Where to train.

    Attributes:
        rows: How many of the batch are used.
    """

    def __init__(
        self, model: nn.Module, batch: Batch, loss: Loss, settings: LoopSettings,
        device: torch.device,
    ) -> None:  # fmt: skip
        self._model, self._loss, self._settings, self._device = model, loss, settings, device
        self._batch = Batch(*mapped(tuple(batch), lambda t: t.to(device)))
        self._copies: dict[bool, tuple[nn.Module, torch.optim.Optimizer]] = {}
        self._precisions: dict[str, Precision] = {}
        self._last: dict[Variant, float] = {}
        self.rows = len(next(tensors_of(batch.targets)))

    def fit_rows(self, variant: Variant) -> None:
        """Takes as many rows as make a step of about 0.2 s.

        They are at least eight, or as many as take a second. Fewer would say little of the whole
        batch: what is done once a step would decide, and a layout of memory gains with the rows.
        Of several it is never one alone, which a batch norm cannot learn from.
        """
        whole, n, rows = self._batch, self.rows, min(_FIRST_ROWS, self.rows)
        with threads(variant.threads):
            while True:
                self._batch = part_of(whole, 0, rows)
                self._timed(variant, 1)
                taken = min(self._timed(variant, 1) for _ in range(2))
                if rows == n or taken * _GROWTH > _STEP_S:
                    break
                rows = min(rows * _GROWTH, n)
        fewest = max(_FIRST_ROWS, min(_FEWEST_ROWS, int(rows * _LONGEST_S / taken)))
        self.rows = min(n, max(fewest, int(rows * _STEP_S / taken)))
        self._batch = part_of(whole, 0, self.rows)
        self._last[variant] = taken * self.rows / rows

    def warm(self, variants: Sequence[Variant]) -> None:
        """Takes a step of each, in which kernels are compiled and memory is laid out."""
        for each in variants:
            with threads(each.threads):
                self._last[each] = self._timed(each, 1)

    def seconds(self, variant: Variant) -> float:
        """Seconds of a step: the mean of a block of them that is long enough to be timed."""
        with threads(variant.threads):
            last = self._last.get(variant, 0.0)
            if last < _LONG_S:  # the threads have to come, and the caches to fill
                last = self._timed(variant, 1)
            last = self._timed(variant, max(1, math.ceil(_BLOCK_S / last)))
        self._last[variant] = last
        return last

    def loss_of(self, variant: Variant) -> float:
        """The loss of the rows, without what draws at random but with a batch's own statistics."""
        model, _ = self._copy(variant.channels_last)
        model.eval()
        for each in model.modules():
            if isinstance(each, nn.modules.batchnorm._BatchNorm):
                each.train()
        with threads(variant.threads):
            value = float(self._total(model, self._precision(variant.precision)).detach())
        model.train()
        return value

    def _timed(self, variant: Variant, times: int) -> float:
        """Seconds of a step, the mean of so many, or fewer where they take far too long."""
        self._synchronize()
        began = time.perf_counter()
        done = 0
        while done < times:
            self._step(variant)
            done += 1
            if time.perf_counter() - began > 3 * _BLOCK_S:
                break
        self._synchronize()
        return (time.perf_counter() - began) / done

    def _step(self, variant: Variant) -> None:
        model, optimizer = self._copy(variant.channels_last)
        precision = self._precision(variant.precision)
        precision.backward(self._total(model, precision))
        precision.step(optimizer, is_finite=True)
        optimizer.zero_grad(set_to_none=True)

    def _total(self, model: nn.Module, precision: Precision) -> Tensor:
        inputs, targets, weights = self._batch
        with precision.forward():
            outputs = called(model, inputs)
        size = self._loss.size(targets, weights)
        return self._loss.total(precision.full(outputs), targets, weights) / size

    def _copy(self, channels_last: bool) -> tuple[nn.Module, torch.optim.Optimizer]:
        if channels_last not in self._copies:
            model = copy.deepcopy(self._model).to(self._device).train()
            model.zero_grad(set_to_none=True)
            if channels_last:
                lay_out(model, torch.channels_last)
            self._copies[channels_last] = model, _optimizer(model, self._settings)
        return self._copies[channels_last]

    def _precision(self, name: str) -> Precision:
        if name not in self._precisions:
            self._precisions[name] = Precision.of(name, self._device)
        return self._precisions[name]

    def _synchronize(self) -> None:
        if self._device.type != "cpu":
            torch.accelerator.synchronize()


@dataclass(frozen=True)
class Outcome:
    """What a race came to.

    Attributes:
        winner: The candidate to take.
        seconds: Median seconds of a step of each.
        gain: How many times as fast the winner is as the simplest.
    """

    winner: Variant
    seconds: dict[Variant, float]
    gain: float


def race(
    candidates: Sequence[Variant], seconds: Callable[[Variant], float], deadline: float
) -> Outcome:
    """Finds the candidate to take.

    Args:
        candidates: Simplest first.
        seconds: Times a step of one.
        deadline: When to come to an end, in `time.perf_counter()`, once each was timed. After fewer
            than three rounds a gain must be seen at a glance.
    """
    rounds: list[dict[Variant, float]] = []
    left = list(candidates)
    while len(rounds) < _MOST_ROUNDS and len(left) > 1:
        rounds.append({})
        for each in left:
            rounds[-1][each] = seconds(each)
            if len(rounds) > 1 and time.perf_counter() > deadline:
                break
        left = [each for each in left if _has_hope(each, rounds)]
        if time.perf_counter() > deadline or (
            len(rounds) >= _ROUNDS
            and all(_is_clear(one, other, rounds) for one, other in combinations(left, 2))
        ):
            break
        left[1:] = left[:0:-1]
    winner = simplest = candidates[0]
    for each in candidates[1:]:
        ratios = _ratios(each, winner, rounds)
        bar = GAIN if len(ratios) >= _ROUNDS else GAIN_AT_A_GLANCE
        if ratios and statistics.median(ratios) < bar:
            winner = each
    times = {each: [one[each] for one in rounds if each in one] for each in candidates}
    return Outcome(
        winner=winner,
        seconds={each: statistics.median(some) for each, some in times.items() if some},
        gain=1 / statistics.median(_ratios(winner, simplest, rounds)),
    )


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Within it torch computes with so many threads; after it, with as many as before."""
    before = torch.get_num_threads()
    if n == before:
        yield
        return
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_hope(candidate: Variant, rounds: Sequence[dict[Variant, float]]) -> bool:
    """Whether it once took less than three times as long as the simplest, or was not timed yet."""
    ratios = _ratios(candidate, next(iter(rounds[0])), rounds)
    return min(ratios, default=0.0) < _HOPELESS


def _is_clear(one: Variant, other: Variant, rounds: Sequence[dict[Variant, float]]) -> bool:
    """Whether one of two was faster, or neither was, by more than the bar in every round."""
    ratios = _ratios(one, other, rounds)
    low, high = min(ratios, default=0.0), max(ratios, default=math.inf)
    return high < GAIN or low > 1 / GAIN or (low > GAIN and high < 1 / GAIN)


def _ratios(one: Variant, other: Variant, rounds: Sequence[dict[Variant, float]]) -> list[float]:
    return [each[one] / each[other] for each in rounds if one in each and other in each]


def _optimizer(model: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """One that computes as in training, and moves nothing."""
    moving = [each for each in model.parameters() if each.requires_grad]
    given: dict[str, Any] = {"lr": 0.0, "weight_decay": settings.weight_decay}
    if settings.optimizer == "sgd":
        given |= {
            "momentum": settings.momentum,
            "nesterov": settings.nesterov and settings.momentum > 0,
        }
    kind = torch.optim.SGD if settings.optimizer == "sgd" else torch.optim.AdamW
    return kind(moving, **given, fused=True)
