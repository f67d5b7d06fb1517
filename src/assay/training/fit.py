"""Fit: train a module on some rows, with everything settled that the loop needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from assay.errors import InputError
from assay.monitor import Announce, Monitor, Onlooker, silent
from assay.seeding import seeded
from assay.tracking.recorder import Recorder, Silence
from assay.training import constant
from assay.training.batches import Data, Tensors
from assay.training.choosing import choose
from assay.training.evaluating import Metrics
from assay.training.given import Given
from assay.training.interruption import Interruption
from assay.training.keeper import Keeper
from assay.training.loop import Training
from assay.training.losses import as_loss
from assay.training.prefetch import Loader, workers_for
from assay.training.profiling import profiled
from assay.training.sequences import Sequences
from assay.training.settings import LoopSettings
from assay.training.sums import Running
from assay.training.values import Trained

_DRY_BATCHES = 2


def fit(
    model: nn.Module,
    data: Data,
    loss: Any,
    *,
    validation: Data | None = None,
    metrics: Metrics | None = None,
    running: Running | None = None,
    watch: str = "loss",
    greater_is_better: bool = False,
    settings: LoopSettings | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    recorder: Recorder | None = None,
    monitor: Monitor | None = None,
    announce: Announce = silent,
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    deadline: float | None = None,
    fixed: Mapping[str, Any] | None = None,
    augment: Any = None,
    constant_loss: float | None = None,
    deterministic: bool = True,
    cores: int | None = None,
    profile: bool = False,
    dry_run: bool = False,
) -> Trained:
    """Train a module.

    Args:
        model: The module; trained in place.
        data: The rows to learn from: `Tensors(inputs, targets)`, or whatever takes rows by number.
        loss: Of ours, of `torch.nn`, or a function of outputs and targets that gives one loss a
            row.
        validation: Rows to stop on and to choose the best weights by.
        metrics: What else is computed on the validation rows.
        running: Metrics of the rows learnt from, summed step by step.
        watch: The validation metric that decides what is best.
        greater_is_better: Which way it goes.
        settings: How to train.
        seed: Of the order of rows, of augmentation, and of all that draws while it trains.
        device: Where to train; the best there is when None.
        recorder: Where metrics go.
        monitor: Told of every evaluation; may stop the training.
        announce: Told of progress.
        folder: Where checkpoints go; without it a killed training is lost.
        resume: Whether to go on from the newest whole checkpoint of the folder.
        callbacks: Your own, see `Callback`.
        deadline: When to end, in seconds of `time.monotonic()`.
        fixed: What 'auto' chose in an earlier training, and is not measured again.
        augment: Changes the inputs of a batch: of inputs and a generator.
        constant_loss: The loss of the best constant answer, which guards compare with; found out
            where targets are in memory when None.
        deterministic: Whether torch must add in the same order each time.
        cores: The most threads and workers that 'auto' may choose; all there are when None.
        profile: Whether to find out where the time of a step goes: it is announced, and a trace
            is recorded.
        dry_run: Whether to try two batches of each kind only.

    Raises:
        InputError: There are no rows, no such metric to watch, nothing to resume, or checkpoints
            of another training in the folder.
        LearnerError: The outputs do not fit the targets; training diverged and could not be saved.
        KeyboardInterrupt: It was interrupted; the state is saved.
    """
    settings, loss = settings or LoopSettings(), as_loss(loss)
    if constant_loss is None and isinstance(data, Tensors | Sequences):
        constant_loss = constant.constant_loss(loss, data.targets, data.weights)
    where = torch.device(device) if device is not None else _best_device()
    _refuse_what_cannot_be(data, validation, watch, metrics or {}, folder, resume=resume)
    with (
        seeded(seed, deterministic=deterministic),
        Interruption() as interruption,
        Keeper(None if dry_run else folder, settings.keep) as keeper,
    ):
        first = data.take(torch.arange(min(len(data), settings.batch_size)))
        state = keeper.newest() if resume else None
        if not resume:
            keeper.refuse_to_begin_anew()
        known = {**(fixed or {}), **(state["choices"] if state is not None else {})}
        choices = choose(
            model, first, loss, settings, where,
            seed=seed, fixed=known, reads=workers_for(data) > 0, cores=cores,
        )  # fmt: skip
        given = Given(
            loss=loss, settings=settings, seed=seed, device=where, validation=validation,
            metrics=metrics or {}, running=running or {}, watch=watch,
            greater_is_better=greater_is_better, recorder=recorder or Silence(),
            monitor=monitor or Onlooker(), announce=announce, callbacks=callbacks,
            deadline=deadline, constant_loss=constant_loss, interruption=interruption,
            limit=_DRY_BATCHES if dry_run else None,
        )  # fmt: skip
        loader = Loader(
            data, settings.batch_size, workers=choices.loader_workers, augment=augment, device=where
        )
        with (
            choices.applied(model, where, first.inputs),
            loader,
            profiled(given, where, wanted=profile),
        ):
            return Training(model, data, choices, keeper, loader, given).run(state, first)


def _best_device() -> torch.device:
    """An accelerator if there is one."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def _refuse_what_cannot_be(
    data: Data,
    validation: Data | None,
    watch: str,
    metrics: Metrics,
    folder: Path | None,
    *,
    resume: bool,
) -> None:
    for name, rows in (("data", data), ("validation", validation)):
        if rows is not None and len(rows) == 0:
            raise InputError(f"{name} has no rows.", where=name, mend="give it at least one row")
    weights = validation.weights if isinstance(validation, Tensors | Sequences) else None
    if weights is not None and not bool(weights.sum() > 0):
        raise InputError(
            "All validation rows weigh nothing.",
            where="validation.weights",
            mend="give rows that count, or leave the weights out",
        )
    if watch not in {"loss", *metrics}:
        known = ", ".join(["loss", *metrics])
        raise InputError(
            f"There is no validation metric {watch!r} to watch.",
            where=f"watch (known: {known})",
            mend="watch='loss', or give it in metrics={...}",
        )
    if resume and folder is None:
        raise InputError(
            "There is nothing to resume from without a folder.",
            where="folder",
            mend="folder=Path(...), where the checkpoints are",
        )
