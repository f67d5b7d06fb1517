"""Observers: whoever wants to know what was asked and answered, told off the hot path.

A sampler that keeps predictions, a shadow model, a monitor of drift: each is an `Observer`. It is
called in one thread of its own, which no answer waits for; never for a request that was refused. If
it is slower than the requests for long, it is not told of some; the metric
`assay_observations_dropped_total` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
