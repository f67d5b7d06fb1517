"""The monitor: told of progress by any learner, answers whether to go on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol


class Answer(Enum):
    """What a monitor says to a learner that reports."""

    CONTINUE = "continue"
    STOP = "stop"
    """Enough: keep what was learnt (early stopping, a deadline)."""
    PRUNE = "prune"
    """Not worth finishing: the tuner has better candidates."""


class Monitor(Protocol):
    """Receives progress and answers continue, stop or prune."""

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:
        """Take note of the metrics at a step (a boosting round, an epoch) and answer."""
        ...


class Onlooker:
    """The monitor that watches and never interferes."""

    def report(self, step: int, metrics: Mapping[str, float]) -> Answer:  # noqa: ARG002
        return Answer.CONTINUE
