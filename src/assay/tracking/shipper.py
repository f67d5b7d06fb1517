"""The shipper: tells the store and the mirrors what is in the spool, each in a thread of its own.

A store that fails is tried again, for as long as the process lives; what is left then is sent by a
later one. While the run goes on it takes a tenth of a core at most, so that training hardly feels
it; what is left at the end is sent at full speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from assay.errors import NotFoundError, RefusedError
from assay.monitor import Announce, Step, silent
from assay.tracking.recorder import Recorder
from assay.tracking.records import Record, batches, decoded, replay
from assay.tracking.spool import Spool

MOST_POINTS = 1000
"""Metrics that are sent at once; MLflow takes no more."""

_POLL_S = 1.0
_GLANCE_S = 0.25
_SHARE = 0.1
_LONGEST_REST_S = 5.0
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_LONGEST_CALL_S = 600.0
_SHORT_CALL_S = 3.0
_MOST_REFUSED = 100


@dataclass(frozen=True)
class Target:
    """Who is told.

    Attributes:
        name: What to call it.
        open: Gives the recorder of the run.
        resumes: Whether it can be told the rest where somebody else stopped; if not, all again.
    """

    name: str
    open: Callable[[], Recorder]
    resumes: bool = True


@dataclass(frozen=True)
class Unsent:
    """What has not arrived.

    Attributes:
        target: Where.
        reason: What it said last; '' if it was only too slow.
        size: Bytes of the log.
    """

    target: str
    reason: str
    size: int


class Shipper:
    """Sends one spool to its targets.

    Args:
        spool: What is sent.
        targets: Who is told.
        announce: Told when the end is waited for.
    """

    def __init__(
        self, spool: Spool, targets: Sequence[Target], announce: Announce = silent
    ) -> None:
        self._spool = spool
        self._announce = announce
        self._couriers = [_Courier(spool, target) for target in targets]

    def start(self) -> None:
        """Send from now on, beside whatever else is done."""
        for each in self._couriers:
            each.start()

    def drain(self, patience_s: float) -> list[Unsent]:
        """Send all that there is, and stop; returns what was not sent.

        Args:
            patience_s: How long to try a target that fails; 0 also where nobody shall wait for one
                that takes its time.
        """
        for each in self._couriers:
            each.hurry()
        started = time.monotonic()
        while waited_for := [each for each in self._couriers if each.is_worth_waiting(patience_s)]:
            waited_for[0].join(_GLANCE_S)
            if time.monotonic() - started > _POLL_S:
                self._announce(Step("Sending what was recorded"))
        self.stop()
        return [unsent for each in self._couriers if (unsent := each.unsent)]

    def stop(self) -> bool:
        """Send no more; returns whether all threads have ended, or one is still being answered."""
        for each in self._couriers:
            each.stop()
        for each in self._couriers:
            if each.ident is not None:
                each.join(_POLL_S)
        return not any(each.is_alive() for each in self._couriers)


class _Courier(threading.Thread):
    """Tells one target."""

    def __init__(self, spool: Spool, target: Target) -> None:
        super().__init__(name=f"assay-{target.name}", daemon=True)
        self._spool = spool
        self._target = target
        self._recorders: dict[str, Recorder] = {}
        self.sent = spool.sent(target.name) if target.resumes else 0
        self._moved = time.monotonic()
        self._reason = ""
        self._wait_s = _FIRST_WAIT_S
        self._n_refused = 0
        self._woken = threading.Event()
        self._hurries = self._stops = False

    def hurry(self) -> None:
        """Rest no more, and end when all is sent."""
        self._hurries, self._moved = True, time.monotonic()
        self._wait_s = _FIRST_WAIT_S
        self._woken.set()

    def stop(self) -> None:
        """End now, or after what is being sent."""
        self._stops = True
        self._woken.set()

    def is_worth_waiting(self, patience_s: float) -> bool:
        """Whether it is at work, and has not failed for longer than that."""
        waited = time.monotonic() - self._moved
        longest_call_s = _LONGEST_CALL_S if patience_s else _SHORT_CALL_S
        return self.is_alive() and waited <= (patience_s if self._reason else longest_call_s)

    @property
    def unsent(self) -> Unsent | None:
        """What has not arrived; None if all has."""
        size = self._spool.log.size - self.sent
        return Unsent(self._target.name, self._reason, size) if size else None

    def run(self) -> None:
        while not self._stops:
            block = self._spool.log.read(self.sent)
            if not block and self._hurries:
                break
            try:
                self._send(block)
            except Exception as error:  # whatever it is, the run goes on and it is tried again
                self._failed(error)
            else:
                self._rest(_POLL_S)
        _let_go(self._recorders.get(""))

    def _send(self, block: bytes) -> None:
        start, end = self.sent, self.sent + len(block)
        found = list(batches(list(decoded(block, start)), MOST_POINTS))
        if len(found) > 1 and end < self._spool.log.size:
            end = found.pop()[0].start  # there is more of it
        for batch in found:
            if self._stops:
                return
            began = time.thread_time()
            self._deliver(batch)
            self._got_on(batch[-1].end)
            busy = time.thread_time() - began
            self._rest(min(busy * (1 / _SHARE - 1), _LONGEST_REST_S))
        self._got_on(end)

    def _deliver(self, batch: list[Record]) -> None:
        """Send a batch; what is refused for good is set aside, one record at a time."""
        try:
            replay(batch, self._recorder(batch[0]), self._spool.folder)
        except (RefusedError, NotFoundError) as error:
            if len(batch) > 1 and self._n_refused < _MOST_REFUSED:
                for each in batch:
                    self._deliver([each])
                return
            for each in batch:
                self._spool.set_aside(self._target.name, each, error.what)
            self._n_refused += len(batch)

    def _recorder(self, record: Record) -> Recorder:
        """The recorder to tell; a record of a birth opens that of a run inside the run."""
        if "" not in self._recorders:
            self._recorders[""] = self._target.open()
        if record.method == "child":
            key = record.arguments[1]
            parent = self._known(record.child)
            self._recorders[key] = parent.child(*record.arguments)
            return parent
        return self._known(record.child)

    def _known(self, child: str) -> Recorder:
        if child not in self._recorders:  # born in what was sent before
            for each in self._spool.records():
                if each.method == "child" and each.arguments[1] == child:
                    self._recorders[child] = self._known(each.child).child(*each.arguments)
                    return self._recorders[child]
            raise NotFoundError(
                f"There is no run {child!r} inside the run.", mend="look at what was set aside"
            )
        return self._recorders[child]

    def _got_on(self, end: int) -> None:
        self._moved, self._reason, self._wait_s = time.monotonic(), "", _FIRST_WAIT_S
        if end != self.sent and self._target.resumes:
            self._spool.mark_sent(self._target.name, end)
        self.sent = end

    def _failed(self, error: Exception) -> None:
        self._reason = getattr(error, "what", "") or f"{type(error).__name__}: {error}"
        if not self._target.resumes:
            _let_go(self._recorders.get(""))
            self._recorders.clear()
            self.sent = 0
        self._woken.clear()
        if not self._stops:
            self._woken.wait(self._wait_s)
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)

    def _rest(self, seconds: float) -> None:
        """Wait, unless there is a hurry; what was written until now is on the disk then."""
        if not self._hurries:
            self._spool.log.sync()
            self._woken.wait(seconds)


def _let_go(recorder: Recorder | None) -> None:
    """Close what a recorder holds open, if it holds something."""
    close = getattr(recorder, "close", None)
    if close is not None:
        with suppress(Exception):
            close()
