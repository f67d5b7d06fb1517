"""What training says: where it stands, what it read and judged, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from assay.findings import Finding
from assay.training.freezing import Movement


@dataclass
class Position:
    """Where training stands between two optimizer steps; all counted from zero.

    Attributes:
        epoch: Passes that are done.
        batch: Micro-batches of this pass that are done.
        step: Optimizer steps that were taken; those that were skipped are none.
        evaluated: The step of the last evaluation; -1 before the first.
        rows: Rows that were learnt from, each as often as it was seen.
        skipped: Steps that were not taken because their gradient was not finite.
        skipped_in_row: The last of these that came one after another.
        rollbacks: Returns to an earlier state.
        rate_scale: What every rate is multiplied by since.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    evaluated: int = -1
    rows: int = 0
    skipped: int = 0
    skipped_in_row: int = 0
    rollbacks: int = 0
    rate_scale: float = 1.0


@dataclass(frozen=True)
class Evaluated:
    """One look at the validation rows.

    Attributes:
        epoch: Passes over the training rows before it, as a fraction.
        step: Optimizer steps before it.
        metrics: What was found, `loss` among them.
        training_loss: Mean loss of the rows learnt from since the look before.
    """

    epoch: float
    step: int
    metrics: Mapping[str, float]
    training_loss: float


@dataclass(frozen=True)
class Trained:
    """What came of training.

    Attributes:
        model: The module with the best weights: those of the best evaluation, or the last without
            validation rows.
        history: Every evaluation.
        best: The best of them; None without validation rows.
        position: Where it ended.
        stopped: Why: 'all epochs', 'all steps', 'no improvement', 'deadline', 'stopped', 'pruned'
            or 'dry run'.
        choices: What 'auto' chose; given back as `fixed` it is not measured anew.
        findings: What the guards found.
        moved: How far each block moved, from the output down.
        seconds: How long it took, in this process.
    """

    model: nn.Module
    history: tuple[Evaluated, ...]
    best: Evaluated | None
    position: Position
    stopped: str
    choices: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    moved: tuple[Movement, ...] = ()
    seconds: float = 0.0


class EndedError(Exception):
    """Training ends before its last epoch."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RolledBackError(Exception):
    """Training goes on from an earlier state."""


class InterruptedLookError(Exception):
    """A signal came in the middle of an evaluation."""
