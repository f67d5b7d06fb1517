"""Calls: how often a version failed or was slow, counted while it serves, and when that is too much.

A challenger that fails is answered for by the champion: its client gets an answer all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from time import perf_counter

import numpy as np

from assay.errors import DataError
from assay.serving.served_model import Answer, Row, RowPredictor
from assay.serving.traffic.evidence import log_evidence_of_rate
from assay.serving.traffic.settings import Limits

CERTAIN = float(np.log(100))
"""Evidence at which a version is stopped: it would be in error once in a hundred contests."""
_log = logging.getLogger(__name__)


class Calls:
    """Counts of a version in a contest, and what has not been written down of them yet.

    Args:
        limits: What is too much.
        counts: What was counted before: all calls, failed and slow ones.
        stop: Told why, once it is certain that a limit is passed; None of a champion.
    """

    def __init__(
        self, limits: Limits, counts: Sequence[int], stop: Callable[[str], None] | None
    ) -> None:
        self._limits = limits
        self._counts = list(counts)
        self._unwritten = [0, 0, 0]
        self._stop = stop
        self._lock = Lock()

    def done(self, seconds: float) -> None:
        """Count a prediction that was made."""
        if seconds * 1000 > self._limits.slow_ms:
            self._count(2, "slow")
        else:
            self._count(None, "")

    def failed(self) -> None:
        """Count a prediction that raised what no client has caused."""
        self._count(1, "failed")

    def unwritten(self) -> tuple[int, ...]:
        """What was counted and is not written down yet."""
        with self._lock:
            return tuple(self._unwritten)

    def written(self, counts: Sequence[int]) -> None:
        """Take note that so much was written down."""
        with self._lock:
            self._unwritten = [a - b for a, b in zip(self._unwritten, counts, strict=True)]

    def _count(self, place: int | None, what: str) -> None:
        with self._lock:
            for counts in (self._counts, self._unwritten):
                counts[0] += 1
                if place is not None:
                    counts[place] += 1
            n, n_hits = self._counts[0], self._counts[place or 0]
        if place is None or self._stop is None:
            return
        limit = getattr(self._limits, what)
        if log_evidence_of_rate(n_hits, n, limit) >= CERTAIN:
            slow = f" (more than {self._limits.slow_ms:g} ms)" if what == "slow" else ""
            self._stop(f"{n_hits:,} of {n:,} calls {_WORDS[what]}{slow}; the limit is {limit:.3g}")


_WORDS = {"failed": "failed", "slow": "were slow"}


class Watched:
    """A predictor whose calls are counted.

    Args:
        predictor: Whose.
        calls: Where they are counted.
        instead: Who answers what it fails at; None where the failure is to be seen.
    """

    def __init__(self, predictor: RowPredictor, calls: Calls, instead: RowPredictor | None) -> None:
        self._predictor = predictor
        self._calls = calls
        self._instead = instead

    def predict_rows(self, rows: Sequence[Row]) -> list[Answer]:
        """As `RowPredictor`: its own answers, or those of whoever stands in."""
        began = perf_counter()
        try:
            answers = self._predictor.predict_rows(rows)
        except DataError:  # the client's own
            raise
        except Exception:
            self._calls.failed()
            if self._instead is None:
                raise
            _log.exception("a challenger failed, and the champion answered")
            return self._instead.predict_rows(rows)
        self._calls.done(perf_counter() - began)
        return answers
