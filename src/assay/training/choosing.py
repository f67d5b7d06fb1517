"""What 'auto' means: what was measured to be faster with this model on this machine.

Steps of the model itself are timed, for some four seconds. What came out is recorded, and a
training that is resumed or reproduced takes the record: another number of threads, another
precision or another layout gives other last bits.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from assay.seeding import seeded
from assay.threads import cores as usable_cores
from assay.training.batches import Batch, mapped
from assay.training.compilation import compiled
from assay.training.layout import channels_last, has_images
from assay.training.losses import Loss
from assay.training.memory import recomputed
from assay.training.precision import Precision, supported
from assay.training.settings import LoopSettings
from assay.training.trial import Outcome, Trial, Variant, race, threads

BUDGET_S = 4.0
"""Seconds that measuring may take, half of them for threads, after a first step of each candidate,
in which kernels may be compiled; a step under way is let end."""
LOSS_TOLERANCE = 0.01
"""How far half precision may move the loss of the batch, as a share of it, to be chosen."""


@dataclass(frozen=True)
class Choices:
    """How this model trains on this machine.

    Attributes:
        precision: fp32, bf16 or fp16.
        channels_last: Whether the weights of convolutions are channels-last.
        threads: Numerical threads.
        compile: Whether torch.compile is used, where it can be.
        recompute: Whether activations are recomputed.
        loader_workers: Processes that read batches ahead.
        measured: Seconds of a step of each candidate, the gain, and on how many rows; or why
            nothing was measured. Plain numbers and texts.
    """

    precision: str = "fp32"
    channels_last: bool = False
    threads: int = 1
    compile: bool = False
    recompute: bool = False
    loader_workers: int = 0
    measured: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What is recorded; `choose` takes it as `fixed`."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Choices:
        """The choices of a record."""
        return cls(**record)

    @contextmanager
    def applied(self, model: nn.Module, device: torch.device, inputs: Any) -> Iterator[None]:
        """Within it the model is on the device and trains as chosen; after it, it is plain again.

        The optimizer is to be made within it. State of one that was saved must be laid out as the
        weights are when it is loaded: `optimizers.load_optimizer`.

        Args:
            model: Changed in place; it stays on the device.
            device: Where to train.
            inputs: Of a batch, to see whether the model can be compiled.
        """
        with ExitStack() as stack:
            stack.enter_context(threads(self.threads))
            model.to(device)
            stack.enter_context(channels_last(model, self.channels_last))
            if self.recompute:
                stack.enter_context(recomputed(model))
            if self.compile:
                there = mapped(inputs, lambda t: t.to(device))
                forward = Precision.of(self.precision, device).forward()
                stack.enter_context(compiled(model, there, forward))
            yield


def choose(
    model: nn.Module,
    batch: Batch,
    loss: Loss,
    settings: LoopSettings,
    device: torch.device,
    *,
    seed: int,
    fixed: Mapping[str, Any] | None = None,
    reads: bool = False,
    cores: int | None = None,
) -> Choices:
    """Settle everything that is 'auto' in the settings.

    The model, its gradients and buffers, all random generators and the number of threads are left
    as they are.

    Args:
        model: As it will train.
        batch: A batch of the rows.
        loss: What is minimised.
        settings: What is not 'auto' in them is not measured.
        device: Where it will train.
        seed: Of dropout while it is measured.
        fixed: What was recorded of an earlier training: it is taken, not measured.
        reads: Whether batches come from a disk, so that processes should read them ahead.
        cores: The most threads and workers; those this process may run on when None.

    Raises:
        InputError: The device does not compute in the precision that is asked for.
    """
    known = _known(settings, fixed or {})
    most = cores or cores_here()
    rest = {
        "compile": settings.compile,
        "recompute": settings.recompute,
        "loader_workers": known.get("loader_workers", most if reads else 0),
    }
    if "precision" in known:
        Precision.of(known["precision"], device)
    stages = _stages(known, model, batch, device, most)
    if all(len(stage) == 1 for stage in stages):
        why = "recorded" if fixed and fixed.keys() & _MEASURED.keys() else "set"
        measured = {**dict((fixed or {}).get("measured", {})), "source": why}
        return Choices(**asdict(stages[0][0]), **rest, measured=measured)
    try:
        with seeded(seed):
            variant, measured = _measured(stages, Trial(model, batch, loss, settings, device))
    except Exception as error:  # the model's own, which the training will meet and tell better
        variant, measured = stages[0][0], {"source": "not measured", "why": _in_a_line(error)}
    return Choices(**asdict(variant), **rest, measured=measured)


def explain(choices: Choices) -> str:
    """The choices in a line, and why they are these."""
    variant = Variant(choices.precision, choices.channels_last, choices.threads)
    measured = choices.measured
    when = {"measured": "measured here", "recorded": "as recorded"}.get(
        str(measured.get("source")), "as set"
    )
    if measured.get("source") == "not measured":
        return f"{variant}: not measured ({measured.get('why')})"
    if "gain" not in measured:
        return f"{variant}: {when}"
    if str(variant) == measured["plain"]:
        return f"{variant}: nothing else is 5 % faster, {when}"
    return f"{variant}: {measured['gain']:.1f}x of plain {measured['plain']}, {when}"


def cores_here() -> int:
    """Cores that this process may run on, or as many as OMP_NUM_THREADS grants."""
    granted = os.environ.get("OMP_NUM_THREADS", "")
    most = usable_cores()
    return min(most, int(granted)) if granted.isdigit() and int(granted) > 0 else most


_MEASURED = {"precision": str, "channels_last": bool, "threads": int}


def _known(settings: LoopSettings, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """What need not be found out: what is set, and else what was recorded."""
    names = (*_MEASURED, "loader_workers")
    known = {name: fixed[name] for name in names if name in fixed}
    return known | {
        name: getattr(settings, name) for name in names if getattr(settings, name) != "auto"
    }


def _stages(
    known: Mapping[str, Any], model: nn.Module, batch: Batch, device: torch.device, most: int
) -> tuple[tuple[Variant, ...], tuple[Variant, ...]]:
    """The candidates, simplest first: numbers of threads, and then the rest.

    The second stage is of one thread; it is run with what the first one found.
    """
    able = [each for each in supported(device) if each != "fp16" or "bf16" not in supported(device)]
    precisions = [known["precision"]] if "precision" in known else able
    layouts = [False]
    if "channels_last" in known:
        layouts = [bool(known["channels_last"])]
    elif has_images(batch.inputs) and any(each.ndim == 4 for each in model.parameters()):
        layouts = [False, True]
    if "threads" in known:
        counts = [int(known["threads"])]
    elif device.type == "cpu":
        counts = sorted({1, most})
    else:
        counts = [torch.get_num_threads()]
    return (
        tuple(Variant(precisions[0], layouts[0], each) for each in counts),
        tuple(Variant(p, last, counts[0]) for p in precisions for last in layouts),
    )


def _measured(
    stages: tuple[tuple[Variant, ...], tuple[Variant, ...]], trial: Trial
) -> tuple[Variant, dict[str, Any]]:
    """The variant to take, and the record of how it was found."""
    plain = stages[0][0]
    trial.fit_rows(plain)
    began = time.perf_counter()
    outcomes: list[Outcome] = []
    winner = plain
    if len(stages[0]) > 1:
        trial.warm(stages[0])
        outcomes.append(race(stages[0], trial.seconds, time.perf_counter() + BUDGET_S / 2))
        winner = outcomes[-1].winner
    rest = [Variant(each.precision, each.channels_last, winner.threads) for each in stages[1]]
    changes = _loss_changes(trial, rest)
    rest = [each for each in rest if _is_harmless(changes.get(each.precision, 0.0))]
    if len(rest) > 1:
        trial.warm(rest)
        outcomes.append(race(rest, trial.seconds, time.perf_counter() + BUDGET_S / 2))
        winner = outcomes[-1].winner
    return winner, {
        "source": "measured",
        "plain": str(plain),
        "gain": round(math.prod(each.gain for each in outcomes), 3),
        "step_s": {
            str(variant): float(f"{seconds:.4g}")
            for outcome in outcomes
            for variant, seconds in outcome.seconds.items()
        },
        "rows": trial.rows,
        "loss_changes": changes,
        "took_s": round(time.perf_counter() - began, 3),
    }


def _loss_changes(trial: Trial, variants: list[Variant]) -> dict[str, float | None]:
    """How far each half precision moves the loss, as a share of it; None where it breaks it."""
    halves = {each.precision for each in variants} - {"fp32"}
    if not halves or len({each.precision for each in variants}) == 1:
        return {}
    full = trial.loss_of(variants[0])
    changes: dict[str, float | None] = {}
    for half in sorted(halves):
        value = trial.loss_of(Variant(half, variants[0].channels_last, variants[0].threads))
        change = abs(value - full) / max(abs(full), 1e-12)
        changes[half] = change if math.isfinite(change) else None
    return changes


def _is_harmless(change: float | None) -> bool:
    return change is not None and change <= LOSS_TOLERANCE


def _in_a_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
