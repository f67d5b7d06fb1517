"""Callbacks: what users add to the loop; all methods may be left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.training.loop import Training
    from assay.training.values import Evaluated


class Callback:
    """Inherit, and write the methods that are wanted. All are called between optimizer steps."""

    def on_begin(self, training: Training) -> None:
        """Before the first step, or the first after a resumption."""

    def on_step(self, training: Training) -> None:
        """After an optimizer step; costs what it costs, every step."""

    def on_reading(self, training: Training, metrics: dict[str, float]) -> None:
        """When the metrics of the rows learnt from are read."""

    def on_evaluation(self, training: Training, evaluated: Evaluated) -> None:
        """After a look at the validation rows."""

    def on_end(self, training: Training) -> None:
        """When training has ended; the weights are the best ones."""


def overriding(callbacks: Iterable[Any], method: str) -> list[Any]:
    """The methods of this name that do something, so that the others cost nothing."""
    found = [getattr(each, method, None) for each in callbacks]
    nothing = getattr(Callback, method)
    return [each for each in found if each and getattr(each, "__func__", None) is not nothing]
