"""Recovery: a gradient that is not finite moves nothing; too many in a row lead back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from assay.training.batches import Batch, order_of
from assay.training.diagnosis import diverged
from assay.training.order import Bounds
from assay.training.readings import Reading
from assay.training.state import restore
from assay.training.values import RolledBackError

if TYPE_CHECKING:
    from assay.training.loop import Training

_RATE_AFTER = 0.5


def skipped(training: Training, window: list[Batch], totals: list[Tensor]) -> None:
    """Note a step that was not taken; after too many in a row go back.

    Raises:
        RolledBackError: Training goes on from the state at the end of the last epoch.
        DivergedError: It went back before, as often as it may.
    """
    if training.precision.overflowed(totals):
        return  # the scale was too large for fp16: nothing is wrong
    position, settings = training.position, training.settings
    position.skipped += 1
    position.skipped_in_row += 1
    with torch.no_grad():
        for buffer, good in zip(training.buffers, training.good_buffers, strict=True):
            if not torch.isfinite(buffer).all():
                buffer.copy_(good)
    nothing = float("nan")
    training.found(
        training.guards.read(
            Reading(position.step + position.skipped, nothing, nothing, 0.0, position.skipped)
        )
    )
    if position.skipped_in_row < settings.bad_steps:
        return
    rows = rows_of(training, window)
    back_to = training.keeper.good()
    if position.rollbacks >= settings.rollbacks or back_to is None:
        raise diverged(
            training.model, window, rows, training.loss, position,
            forward=training.precision.forward,
        )  # fmt: skip
    guards = training.guards  # which know of this return, and of those before it
    restore(training, back_to)
    training.guards = guards
    if training.keeper.best(training.stopping.best_step) is None:
        training.stopping.forget()  # the best weights were of a look that is undone
    now = training.position
    now.rollbacks, now.skipped = position.rollbacks + 1, position.skipped
    now.rate_scale = position.rate_scale * _RATE_AFTER
    rate = training.settings.learning_rate * now.rate_scale
    training.found(training.guards.rolled_back(position.step, now.step, rate))
    raise RolledBackError


def rows_of(training: Training, window: list[Batch]) -> Tensor:
    """The numbers of the rows in the micro-batches of the step that is next."""
    ends = Bounds(len(training.data), training.settings.batch_size)
    order = order_of(
        training.data, training.given.seed, training.position.epoch, training.settings.step_rows
    )
    first = training.position.batch
    return order.rows(ends[first][0], ends[first + len(window) - 1][1])
