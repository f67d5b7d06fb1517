"""Observers: whoever wants to know what was asked and answered, told off the hot path.

A sampler that keeps predictions, a shadow model, a monitor of drift: each is an `Observer`. It is
called in one thread of its own, which no answer waits for. Of a request that was refused only those
are told that are a `RefusalObserver` too. Whoever is slower than the requests for long is not told
of some; the metric `assay_observations_dropped_total` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from assay.serving.refusal import Problem
from assay.serving.rows import Answer, Row


class Observer(Protocol):
    """Is told of every request that was answered with predictions."""

    def observe(
        self, request_id: str, version: str, rows: Sequence[Row], predictions: Sequence[Answer]
    ) -> None:
        """Take note of a request; what it raises is logged, and no client notices.

        Args:
            request_id: As the client was told it, in the header X-Request-ID.
            version: The model that answered: NAME/VERSION.
            rows: The features of each, valid, as the model takes them: None where one is missing,
                an image as its bytes. Not to be changed.
            predictions: Of each row, as they were answered. Not to be changed.
        """

    def close(self) -> None:
        """Finish: the server ends, and every observation was made."""


@runtime_checkable
class RefusalObserver(Protocol):
    """Is told of every request that was refused because of what it held, not for want of room."""

    def observe_refusal(self, version: str, n_rows: int, problems: Sequence[Problem]) -> None:
        """Take note of it; what it raises is logged, and no client notices.

        Args:
            version: The model that would have answered: NAME/VERSION.
            n_rows: How many rows it had; 0 where that could not be read.
            problems: What the client was told of its rows; not all of very many.
        """
