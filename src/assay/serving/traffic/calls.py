"""Calls: how often a version failed or was slow while it served, and when that is too much.

Too much is judged by the calls of all servers together, as they were written down: each of several
judges that see a part would be in error as often as one that sees everything. A challenger that
fails is answered for by the champion: its client gets an answer all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from time import perf_counter

import numpy as np

from assay.errors import AssayError
from assay.serving.rows import Answer, Table
from assay.serving.served_model import ServedModel
from assay.serving.traffic.evidence import log_evidence_of_rate
from assay.serving.traffic.settings import GuardRails

CERTAIN = float(np.log(200))
"""Evidence at which a version is stopped: with two guards, in error once in a hundred contests."""
_GUARDED = {"failed": (1, "failed"), "slow": (2, "were slow")}
"""Where each guard has its count, and how it is told."""
_log = logging.getLogger(__name__)


class Calls:
    """Counts of a version in a contest that are not written down yet: all, failed, slow ones.

    Args:
        slow_ms: What takes longer is slow, in milliseconds.
    """

    def __init__(self, slow_ms: float) -> None:
        self._slow_ms = slow_ms
        self._unwritten = [0, 0, 0]
        self._lock = Lock()

    def done(self, seconds: float) -> None:
        """Count a prediction that was made."""
        self._count("slow" if seconds * 1000 > self._slow_ms else None)

    def failed(self) -> None:
        """Count a prediction that raised what no client has caused."""
        self._count("failed")

    def unwritten(self) -> tuple[int, ...]:
        """What was counted and is not written down yet."""
        with self._lock:
            return tuple(self._unwritten)

    def written(self, counts: Sequence[int]) -> None:
        """Take note that so much was written down."""
        with self._lock:
            self._unwritten = [a - b for a, b in zip(self._unwritten, counts, strict=True)]

    def _count(self, what: str | None) -> None:
        with self._lock:
            self._unwritten[0] += 1
            if what is not None:
                self._unwritten[_GUARDED[what][0]] += 1


def too_much(limits: GuardRails, counts: Sequence[int]) -> str:
    """Which limit is passed for certain, in words; empty if none is.

    Args:
        limits: What is too much.
        counts: Of all servers: all calls, failed and slow ones.
    """
    n = counts[0]
    for guard, (place, said) in _GUARDED.items():
        limit, n_hits = getattr(limits, guard), counts[place]
        if n and log_evidence_of_rate(n_hits, n, limit) >= CERTAIN:
            slow = f" (more than {limits.slow_ms:g} ms)" if guard == "slow" else ""
            return f"{n_hits:,} of {n:,} calls {said}{slow}; the limit is {limit:.3g}"
    return ""


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
