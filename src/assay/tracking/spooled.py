"""The recorder that people hold: it writes to the spool, and the shipper tells the rest."""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
from numpy.typing import ArrayLike

from assay.findings import Finding
from assay.monitor import Announce, AssayWarning, Step, silent
from assay.provenance import masked
from assay.tracking.recorded import Recorded
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now
from assay.tracking.shipper import Shipper, Target, Unsent
from assay.tracking.spool import About, Spool
from assay.tracking.store import finding_key

PATIENCE_S = 10.0
"""How long the end of a run waits for a store that fails."""

_NOTHING = Recorded()

Routes = Callable[[About], Sequence[Target]]
"""Who is told of a run; pickles, where recorders shall."""


class Session:
    """A process's part in a run: its spool and its shipper, begun when something is recorded.

    Args:
        below: Where spools are.
        about: Which run.
        routes: Who is told.
        announce: Told of the end that is waited for, and of what goes wrong; who is silent, as in
            another process, is warned.
    """

    def __init__(
        self, below: Path, about: About, routes: Routes, announce: Announce = silent
    ) -> None:
        self.below = below
        self.about = about
        self.routes = routes
        self._announce = announce
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._open: tuple[Spool, Shipper] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is a part of its own in the same run, which does not end it."""
        return Session, (self.below, replace(self.about, begins=False), self.routes)

    @property
    def spool(self) -> Spool:
        """The spool; begun now if it was not."""
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._opening:
            if self._open is None:
                spool = Spool.begin(self.below, self.about, self._tell)
                shipper = Shipper(spool, self.routes(self.about), self._announce)
                self._open = (spool, shipper)
                shipper.start()
                atexit.register(self.close)
            return self._open[0]

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Send what there is; what cannot be sent now stays for a later process."""
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._opening:
            if self._open is None:
                return
            (spool, shipper), self._open = self._open, None
        atexit.unregister(self.close)
        unsent, notices = ship(spool, shipper, patience_s)
        for each in (*notices, *(in_words(each, spool.about) for each in unsent)):
            self._tell(each)

    def end(self) -> None:
        """Send what there is of a run that has ended; what still comes does not begin it anew."""
        self.about = replace(self.about, begins=False)
        self.close()

    def _leave_to_parent(self) -> None:
        """In a process that was forked: the spool is the parent's, and so is the run's end."""
        self._pid, self._opening, self._open = os.getpid(), threading.Lock(), None
        self.about = replace(self.about, begins=False)

    def _tell(self, text: str) -> None:
        if self._announce is silent:
            warnings.warn(AssayWarning(text), stacklevel=2)
        else:
            self._announce(Step(text, lasting=True))


def ship(
    spool: Spool, shipper: Shipper, patience_s: float
) -> tuple[tuple[Unsent, ...], tuple[str, ...]]:
    """Send all of a spool and let go of it; returns what was not sent, and what is to be said.

    Args:
        spool: What is sent.
        shipper: Who sends it.
        patience_s: How long to try a store that fails.
    """
    spool.log.sync()
    unsent = shipper.drain(patience_s)
    notices = spool.refusals()
    if spool.log.lost:
        notices.append(f"{spool.log.lost:,} records are lost: disk and memory were full.")
    if unsent and spool.log.held:
        notices.append(f"{spool.log.held:,} bytes of records are lost: the disk is full.")
    if shipper.stop():
        spool.close(keep=bool(unsent))
    return tuple(unsent), tuple(notices)


def in_words(unsent: Unsent, about: About) -> str:
    """What to say of what has not arrived."""
    why = f": {unsent.reason}" if unsent.reason else ""
    where = "the store of runs" if unsent.target == "store" else unsent.target
    return (
        f"{about.experiment}/{about.name} has not reached {where} yet{why}\n"
        "What is missing is kept here, and sent by the next command that can, or by: assay sync"
    )


class SpooledRecorder:
    """Writes down what happens in a run, or in one inside it, on this disk.

    Args:
        session: This process's part in the run.
        lineage: Name and key of the runs inside the run, from the outermost to this one.
        known: What is recorded already, and is not recorded again.
    """

    def __init__(
        self,
        session: Session,
        lineage: tuple[tuple[str, str], ...] = (),
        known: Recorded = _NOTHING,
    ) -> None:
        self._session = session
        self._lineage = lineage
        self._known = known
        self._child = lineage[-1][1] if lineage else ""
        self._born_in: Spool | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return SpooledRecorder, (self._session, self._lineage, self._known)

    @property
    def run_id(self) -> str:
        return self._session.about.run_id

    @property
    def name(self) -> str:
        """The name of the run."""
        return self._lineage[-1][0] if self._lineage else self._session.about.name

    @property
    def _spool(self) -> Spool:
        spool = self._session.spool
        if self._lineage and self._born_in is not spool:
            self._born_in = spool
            parent = ""
            for name, key in self._lineage:
                spool.append("child", parent, name, key)
                parent = key
        return spool

    def params(self, params: Mapping[str, Any]) -> None:
        told = {key: masked(str(each)) for key, each in params.items()}
        self._spool.append("params", self._child, told)

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        known = self._known.steps
        values = {
            name: float(value) for name, value in metrics.items() if step not in known.get(name, ())
        }
        if values or not metrics:
            self._spool.append("metrics", self._child, step, values)

    def series(self, name: str, values: Sequence[float]) -> None:
        if name in self._known.steps:
            at = now()
            self.points([Point(name, float(each), i, at) for i, each in enumerate(values, 1)])
        else:
            self._spool.append("series", self._child, name, [float(value) for value in values])

    def points(self, points: Sequence[Point]) -> None:
        new = self._known.new(points)
        if new or not points:
            self._spool.append("points", self._child, new)

    def tags(self, tags: Mapping[str, str]) -> None:
        told = {key: masked(each) for key, each in tags.items()}
        self._spool.append("tags", self._child, told)

    def finding(self, finding: Finding, key: str = "") -> None:
        told = _masked(finding.as_dict())
        if self._known.has(told):
            return
        self._spool.append("finding", self._child, told, key or finding_key())

    def table(self, name: str, table: pa.Table) -> None:
        self._spool.append("table", self._child, name, self._spool.keep_table(name, table))

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        found = Histogram.of(values)
        self._spool.append("histogram", self._child, name, step, found.counts, found.edges)

    def artifact(self, path: Path, folder: str = "") -> None:
        self._spool.append("artifact", self._child, self._spool.keep(path), folder)

    def model(self, folder: Path, name: str, digest: str) -> None:
        self._spool.append("model", self._child, self._spool.keep(folder), name, digest)

    def child(self, name: str, key: str = "") -> Recorder:
        key = key or uuid4().hex[:12]
        spool = self._spool
        spool.append("child", self._child, name, key)
        known = self._known.children.get(key, _NOTHING)
        child = SpooledRecorder(self._session, (*self._lineage, (name, key)), known)
        child._born_in = spool
        return child

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:  # noqa: ARG002
        if not self._lineage:
            self._spool.record_grown()
        self._spool.append("finish", self._child, status, masked(reason))
        if not self._lineage:
            self._session.end()

    def growing(self, name: str) -> Path:
        """A file to write to until the run ends, however it ends; it is recorded then."""
        return self._spool.growing(name)

    def attach(self, run_id: str) -> Self:
        about = replace(self._session.about, run_id=run_id, begins=False)
        return type(self)(Session(self._session.below, about, self._session.routes))

    def close(self) -> None:
        """Send what there is without ending the run."""
        self._session.close()


def _masked(value: Any) -> Any:
    """What a finding says, its texts without secrets."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list | tuple) else value
