"""Looking: at the means of the steps since the last reading, and at the validation rows."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import torch

from assay.monitor import Answer
from assay.training.evaluating import evaluate
from assay.training.readings import Reading
from assay.training.values import EndedError, Evaluated

if TYPE_CHECKING:
    from assay.training.loop import Training

_EVALUATION_BATCH = 4
"""Validation batches are this much larger: nothing is kept for a backward pass."""


def read(training: Training) -> None:
    """Record the means of the steps since the last reading."""
    means, now = training.sums.read(), time.monotonic()
    if not means:
        return
    seconds, training.read_at = now - training.read_at, now
    waited, training.waited_s = training.waited_s, 0.0
    means |= {
        "learning_rate": max(group["lr"] for group in training.optimizer.param_groups),
        "rows_per_s": means.pop("rows") / max(seconds, 1e-9),
        "waiting_for_data": waited / max(seconds, 1e-9),
        "epoch": training.position.epoch + training.position.batch / training.per_epoch,
    }
    training.means = means
    named = {f"train/{name}": value for name, value in means.items()}
    training.given.recorder.metrics(named, training.position.step)
    for each in training.on_reading:
        each(training, means)
    position = training.position
    reading = Reading(
        position.step + position.skipped,
        means["loss"],
        means["gradient_norm"],
        means["learning_rate"],
        position.skipped,
    )
    training.found(training.guards.read(reading))
    with torch.no_grad():
        if all(bool(torch.isfinite(each).all()) for each in training.buffers):
            training.good_buffers = [each.detach().clone() for each in training.buffers]


def is_due(training: Training, epochs: int) -> bool:
    """Whether the validation rows are looked at after so many epochs."""
    settings, is_last = training.settings, epochs >= training.epochs
    by_epoch = settings.evaluate_steps is None and epochs % settings.evaluate_every == 0
    is_new = training.position.evaluated != training.position.step
    return training.given.validation is not None and is_new and (by_epoch or is_last)


def is_due_now(training: Training) -> bool:
    """Whether they are looked at after this very step."""
    every, position = training.settings.evaluate_steps, training.position
    is_due = every is not None and position.step > 0 and position.step % every == 0
    return is_due and training.given.validation is not None and position.evaluated != position.step


def look(training: Training) -> None:
    """Look at the validation rows, and keep the weights if there never was a better look."""
    given, position = training.given, training.position
    assert given.validation is not None
    with ExitStack() as within:
        if training.average is not None:
            within.enter_context(training.average.applied())
        found = evaluate(
            training.model, given.validation, training.loss, given.metrics,
            batch_size=training.settings.batch_size * _EVALUATION_BATCH,
            device=training.device, forward=training.precision.forward, poll=training.poll,
            limit=given.limit, workers=training.choices.loader_workers,
        )  # fmt: skip
    read(training)
    position.evaluated = position.step
    evaluated = Evaluated(
        position.epoch + position.batch / training.per_epoch,
        position.step,
        found,
        training.sums.since_evaluation(),
    )
    training.history.append(evaluated)
    named = {f"validation/{name}": value for name, value in found.items()}
    given.recorder.metrics(named, position.step)
    if training.stopping.judge(found[given.watch], position.step):
        training.keeper.keep_best(position.step, training.kept_weights())
    for each in training.on_evaluation:
        each(training, evaluated)
    found_by = training.guards.evaluated(position.step, found["loss"], evaluated.training_loss)
    training.found(found_by)
    training.tell(time.monotonic())
    answer = given.monitor.report(len(training.history), found)
    if answer is not Answer.CONTINUE:
        raise EndedError("pruned" if answer is Answer.PRUNE else "stopped")
