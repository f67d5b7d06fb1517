"""Progress: the monitor is told by any learner and answers; an announcer only listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Step:
    """Where a verb stands: what is being done, and how much of it is done.

    Attributes:
        text: What is being done.
        done: How much of it.
        total: How much there is to do; 0 where nobody can say.
        lasting: Whether it is no stage but something to be told, and to stay on the screen.
        detail: What changes while the stage goes on, as the loss, the rate, the time that remains:
            shown where it can be written over, else left out.
    """

    text: str
    done: int = 0
    total: int = 0
    lasting: bool = False
    detail: str = ""


class AssayWarning(UserWarning):
    """Something to be told, where nobody listens to steps, that stops nothing."""


Announce = Callable[[Step], None]
"""Told of every step, to show it; cannot interfere."""


def silent(step: Step) -> None:
    """The announcer of those who did not ask to be told."""
