"""Routers: which model answers a request.

A server has slots, one for each model that it was started with. What is in a slot changes when the
registry's stage moves, between two requests; a request keeps the model it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from assay.serving.rows import Row
from assay.serving.served_model import ServedModel


@dataclass(frozen=True)
class Asked:
    """What a router may decide by.

    Attributes:
        request_id: Of the request; the client may have chosen it.
        headers: Of the request, as bytes, names in lower case.
        rows: As they were given, not yet held against any model.
    """

    request_id: str
    headers: Mapping[bytes, bytes]
    rows: Sequence[Row]


class Slot:
    """A place for a model, whose version may change under way.

    Args:
        model: What is served first.
    """

    def __init__(self, model: ServedModel) -> None:
        self.model = model  # an assignment is atomic: a request sees the old one or the new one
        self.failure: str | None = None
        """Why the version that the registry names could not be loaded; None if it is served."""


class Router(Protocol):
    """Chooses the model that answers. Called on the hot path: it decides, and waits for nothing."""

    def choose(self, asked: Asked) -> ServedModel:
        """The model for this request."""

    def refused(self, request_id: str) -> None:
        """No answer comes of a request for which a model was chosen."""

    def swap(self, slot: Slot, model: ServedModel) -> None:
        """Put another version into a slot; may block, and is called off the hot path.

        Raises:
            AssayError: It cannot be done now; the old version goes on.
        """


class OneModel:
    """The router of a server with one model."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def choose(self, asked: Asked) -> ServedModel:  # noqa: ARG002
        return self._slot.model

    def refused(self, request_id: str) -> None:
        pass

    def swap(self, slot: Slot, model: ServedModel) -> None:
        slot.model = model
