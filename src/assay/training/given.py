"""What a training is given besides the module, the rows and where its states are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from assay.monitor import Announce, Monitor
from assay.tracking.recorder import Recorder
from assay.training.batches import Data
from assay.training.evaluating import Metrics
from assay.training.interruption import Interruption
from assay.training.losses import Loss
from assay.training.profiling import Profile, Unprofiled
from assay.training.settings import LoopSettings
from assay.training.sums import Running


@dataclass
class Given:
    """The arguments of `fit` that the loop goes by; see there.

    Attributes:
        interruption: Knows of signals.
        limit: Batches of each kind at most; None for all.
        profiler: Told where the loop is; set while it is profiled.
    """

    loss: Loss
    settings: LoopSettings
    seed: int
    device: torch.device
    validation: Data | None
    metrics: Metrics
    running: Running
    watch: str
    greater_is_better: bool
    recorder: Recorder
    monitor: Monitor
    announce: Announce
    callbacks: Sequence[Any]
    deadline: float | None
    constant_loss: float | None
    interruption: Interruption
    limit: int | None = None
    profiler: Profile = field(default_factory=Unprofiled)
