"""Sampling: some of what was asked and answered goes to Parquet files, in bounded room.

Each hour keeps the rows of lowest rank, drawn by chance: every row of the hour is as likely to be
among them, however many came and whenever. A killed process loses the rows that were not yet
written, those of the last `write_s` seconds; every file that is there is whole.
Of requests that were refused only their number is kept, with columns and kinds of their problems.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from assay.serving.monitoring.files import (
    SampledRow,
    forget_old,
    hour_name,
    merge,
    write_rows,
)
from assay.serving.monitoring.refusals import Refusals
from assay.serving.monitoring.settings import SamplingSettings
from assay.serving.naming import model_name
from assay.serving.rows import Answer, Row
from assay.workspace import file_name

if TYPE_CHECKING:
    from assay.serving.refusal import Problem  # which needs what only a server has installed

HOUR_S = 3600
_LOG = logging.getLogger(__name__)


class Sampler:
    """Keeps a sample of what a server answers: an `Observer`, and a `RefusalObserver`.

    Args:
        folder: Where to; below it is a folder for each model.
        settings: How much.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        settings: SamplingSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._chance = np.random.default_rng()
        self._hours: dict[str, _Hour] = {}
        self._ended: list[_Hour] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="sampler", daemon=True)
        self._thread.start()

    def observe(
        self, request_id: str, version: str, rows: Sequence[Row], predictions: Sequence[Answer]
    ) -> None:
        """Keep some of these rows; costs a random number for each of the others."""
        now = self._clock()
        ranks = self._chance.random(len(rows))
        with self._lock:
            hour = self._hour(version, int(now // HOUR_S))
            hour.n_seen += len(rows)
            hour.refusals.answered += 1
            for place in np.flatnonzero(ranks < hour.limit).tolist():
                rank = float(ranks[place])
                if rank < hour.limit:  # which falls as the hour fills up
                    row = SampledRow(rank, now, request_id, place, rows[place], predictions[place])
                    hour.keep(row, self._settings.rows_per_hour)

    def observe_refusal(self, version: str, n_rows: int, problems: Sequence[Problem]) -> None:
        """Count a request that was not answered; names that a client made up are not kept."""
        kinds = {
            ("" if each.kind == "extra_column" else each.column or "", each.kind)
            for each in problems
        }
        with self._lock:
            self._hour(version, int(self._clock() // HOUR_S)).refusals.refuse(n_rows, kinds)

    def write(self) -> None:
        """Write what was kept since; a disk that takes nothing costs these rows and no more."""
        with self._writing:
            with self._lock:
                begun, ended = list(self._hours.values()), self._ended
                self._ended = []
                batches = [(hour, hour.take(), hour.about) for hour in (*ended, *begun)]
            for hour, batch, about in batches:
                try:
                    if batch or about != hour.written:
                        hour.n_files += 1
                        write_rows(batch, hour.folder, f"{hour.name}-{hour.n_files:04d}", about)
                        hour.written = about
                    if hour in ended:
                        self._finish(hour)
                except OSError as error:
                    _LOG.warning("a sample of predictions could not be written: %s", error)

    def close(self) -> None:
        """Write the rest."""
        self._closed.set()
        self._thread.join()
        with self._lock:
            self._ended += self._hours.values()
            self._hours = {}
        self.write()

    def _write_on(self) -> None:
        while not self._closed.wait(self._settings.write_s):
            try:
                self.write()
            except Exception:  # in this thread nobody would hear of it, and no more be written
                _LOG.exception("a sample of predictions could not be written")

    def _hour(self, version: str, number: int) -> _Hour:
        """What is kept of a version in this hour; the one before it has ended."""
        hour = self._hours.get(version)
        if hour is None or hour.number != number:
            for each in [each for each in self._hours.values() if each.number != number]:
                self._ended.append(self._hours.pop(each.version))
            folder = samples_of(self._folder, version)
            hour = self._hours[version] = _Hour(version, number, folder, self._settings.share)
        return hour

    def _finish(self, hour: _Hour) -> None:
        """One file of those of an hour, and no file that is too old or too much."""
        if hour.n_files:
            merge(hour.folder, hour.name, hour.about)
        oldest = hour_name(int(self._clock() // HOUR_S) - 24 * self._settings.days)
        forget_old(hour.folder, oldest, self._settings.mib * 2**20)


def samples_of(folder: Path, version: str) -> Path:
    """Where the samples of a model are, all versions of it.

    Args:
        folder: Of the samples of all models.
        version: NAME/VERSION, or what a model without a version is called.
    """
    return folder / file_name(model_name(version))


@dataclass(eq=False)
class _Hour:
    """What is kept of one version in one hour; those of rank `limit` and above are not."""

    version: str
    number: int
    folder: Path
    limit: float
    n_seen: int = 0
    n_files: int = 0
    unwritten: list[SampledRow] = field(default_factory=list)
    ranks: list[float] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    written: dict[str, str] = field(default_factory=dict)
    token: str = field(default_factory=lambda: uuid4().hex[:12])

    @property
    def name(self) -> str:
        """Of its files, how they begin."""
        return f"{hour_name(self.number)}-{self.token}"

    @property
    def about(self) -> dict[str, str]:
        """What a file says of itself."""
        kept = {"version": self.version, "limit": repr(self.limit), "seen": str(self.n_seen)}
        return kept | self.refusals.about

    def keep(self, row: SampledRow, most: int) -> None:
        """Keep a row, and where that is too many the lower half of the ranks."""
        self.unwritten.append(row)
        self.ranks.append(row.rank)
        if len(self.ranks) > most:
            self.limit = sorted(self.ranks)[(most + 1) // 2]
            self.ranks = [each for each in self.ranks if each < self.limit]
            self.unwritten = [each for each in self.unwritten if each.rank < self.limit]

    def take(self) -> list[SampledRow]:
        """The rows that are to be written."""
        taken, self.unwritten = self.unwritten, []
        return taken
