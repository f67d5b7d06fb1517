"""Calls: how often a version failed or was slow while it served, and when that is too much.

A challenger that fails is answered for by the champion: its client gets an answer all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from time import perf_counter

import numpy as np

from assay.errors import AssayError
from assay.serving.rows import Answer, Table
from assay.serving.served_model import ServedModel
from assay.serving.traffic.evidence import log_evidence_of_rate
from assay.serving.traffic.settings import GuardRails

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
        self, limits: GuardRails, counts: Sequence[int], stop: Callable[[str], None] | None
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


@dataclass(frozen=True)
class WatchedModel(ServedModel):
    """A served model whose predictions are counted.

    Attributes:
        calls: Where they are counted.
        instead: Who answers what it fails at; None where the failure is to be seen.
    """

    calls: Calls = field(kw_only=True)
    instead: ServedModel | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, model: ServedModel, calls: Calls, instead: ServedModel | None) -> WatchedModel:
        """The same model, watched."""
        same = {each.name: getattr(model, each.name) for each in fields(ServedModel)}
        return cls(**same, calls=calls, instead=instead)

    def predict(self, table: Table) -> list[Answer]:
        """As `ServedModel`: its own answers, or those of whoever stands in.

        Raises:
            DataError: The model cannot predict these rows, which is no failure of its own.
        """
        began = perf_counter()
        try:
            answers = super().predict(table)
        except AssayError:
            raise
        except Exception:
            self.calls.failed()
            if self.instead is None:
                raise
            _log.exception("a challenger failed, and the champion answered")
            # what is clean to the one may be something to see to for the other
            return self.instead.predict(replace(table, is_clean=False))
        self.calls.done(perf_counter() - began)
        return answers
