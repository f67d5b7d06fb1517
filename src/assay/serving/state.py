"""What the parts of a running server share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.serving.log import Log
from assay.serving.metrics import Metrics
from assay.serving.observing import Observing
from assay.serving.prediction import Prediction
from assay.serving.router import Router, Slot
from assay.serving.settings import ServingSettings


@dataclass
class ServerState:
    """What a server has while it lives.

    Attributes:
        settings: How it behaves.
        slots: Its models; the first is the one that it was asked for.
        router: Chooses among them.
        prediction: Predicts.
        observing: Tells observers.
        metrics: Counts.
        log: Writes down.
        paths: What the OpenAPI document says of paths beyond the server's own.
        ends: Whether it is to end.
    """

    settings: ServingSettings
    slots: Sequence[Slot]
    router: Router
    prediction: Prediction
    observing: Observing
    metrics: Metrics
    log: Log
    paths: Mapping[str, Any] = field(default_factory=dict)
    ends: bool = False
