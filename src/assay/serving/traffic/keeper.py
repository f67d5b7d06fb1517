"""The keeper: writes down what was answered, off the hot path, and stops whoever passes a limit.

Answers wait in memory for a fifth of a second at most, and no more of them than there is room for;
what finds no room is counted. A thread of its own writes them, reads what outcomes have come, and
learns what other servers of the same contest have stopped.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag
from threading import Lock, Thread

from assay.errors import TrackingError
from assay.serving.traffic.calls import Calls, too_much
from assay.serving.traffic.comparison import Sums
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.settings import TrafficSettings
from assay.serving.traffic.store import Event, Given, TrafficStore

_PAUSE_S = 0.2
_LOOKS_EVERY = 5
"""Pauses after which it is seen what other servers did."""
_ENDS_WITHIN_S = 1.0
_ROOM = 100_000
_FORGETS_EVERY_S = 3600.0
_log = logging.getLogger(__name__)


class Keeper:
    """Keeps answers and stops challengers; to be closed.

    Args:
        store: Where to.
        settings: With the limits.
        tell: Told of each event once it is written down; what it raises is logged.
    """

    def __init__(
        self,
        store: TrafficStore,
        settings: TrafficSettings,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self.store = store
        self.dropped = 0
        self._settings = settings
        self._tell = tell
        self._waiting: deque[Sequence[Given]] = deque()
        self._n_waiting = 0
        self._repeated: deque[str] = deque()
        self._events: deque[Event] = deque()
        self._untold: deque[Event] = deque()
        self._stopped: frozenset[tuple[str, str]] = frozenset()
        self._calls: dict[tuple[str, str], Calls] = {}
        self._judged: dict[str, _Judged] = {}
        self._counted: set[str] = set()
        self._writing = Lock()
        self._knowing = Lock()
        self._ends = Flag()
        self._forgot = 0.0
        self._thread = Thread(target=self._run, name="assay-traffic", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def add(self, given: Sequence[Given]) -> None:
        """Take note of all answers to a request; waits for nothing."""
        with self._knowing:
            if self._n_waiting + len(given) > _ROOM:
                self.dropped += len(given)
                return
            self._n_waiting += len(given)
        self._waiting.append(given)

    def repeat(self, request_id: str) -> None:
        """Take note that several requests had an id at once; waits for nothing."""
        self._repeated.append(request_id)

    def enter(self, contest: Contest) -> None:
        """Know a contest: note it if it is new, and who was stopped in it.

        Waits for the store: not to be called where requests are answered.

        Raises:
            TrackingError: The store cannot be written.
        """
        if self.store.begin(contest):
            now = time.time()
            for version, kind, said in _beginnings(contest):
                self._events.append(Event(now, contest.id, version, kind, said))
        self._learn(contest.id)
        self._judged.setdefault(contest.id, _Judged(contest))
        with self._writing:
            self._counted.add(contest.id)

    def calls_of(self, contest: Contest, version: str) -> Calls:
        """The counts of a version."""
        key = (contest.id, version)
        if key not in self._calls:
            self._calls[key] = Calls(self._settings.guards.slow_ms)
        return self._calls[key]

    def is_stopped(self, contest: str, version: str) -> bool:
        return (contest, version) in self._stopped

    def stop(self, contest: str, version: str, why: str) -> None:
        """Give a challenger no more traffic, from now on and for ever; waits for nothing."""
        with self._knowing:
            if self.is_stopped(contest, version):
                return
            self._stopped |= {(contest, version)}
        self._events.append(Event(time.time(), contest, version, "stopped", why))
        _log.warning("%s is stopped: %s", version, why)

    def flush(self) -> None:
        """Write down all that waits.

        Raises:
            TrackingError: The store cannot be written; what waits goes on waiting.
        """
        with self._writing:
            given, repeated = list(self._waiting), list(self._repeated)
            calls = {key: each.unwritten() for key, each in list(self._calls.items())}
            if given or repeated or any(map(any, calls.values())):
                self.store.keep(given, calls, repeated)
                for waited, written in ((self._waiting, given), (self._repeated, repeated)):
                    for _ in written:
                        waited.popleft()
                with self._knowing:
                    self._n_waiting -= sum(map(len, given))
                for key, counts in calls.items():
                    self._calls[key].written(counts)
                self._counted |= {key[0] for key, counts in calls.items() if any(counts)}
            while self._events:
                self.store.tell(self._events[0])
                self._untold.append(self._events.popleft())

    def close(self) -> None:
        """Write what waits, and end; who is slow to be told of an event is not waited for."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(_ENDS_WITHIN_S)
        self.flush()
        if self._thread.is_alive():
            _log.error("the keeper of answers did not end in time")
        else:
            self._pass_on()

    def judge_calls(self) -> None:
        """Stop everyone who fails or is slow too often, by the calls of all servers."""
        with self._writing:
            counted, self._counted = self._counted, set()
        for identity in counted:
            counts = self.store.calls(identity)
            for version in self._judged[identity].contest.others:
                why = too_much(self._settings.guards, counts.get(version, (0, 0, 0)))
                if why:  # of who is stopped already `stop` takes no note
                    self.stop(identity, version, why)

    def judge(self) -> None:
        """Stop every challenger whose outcomes show that it is worse than it may be.

        A shadow that is worse harms nobody.
        """
        for judged in list(self._judged.values()):
            for version in judged.contest.shares:
                if not self.is_stopped(judged.contest.id, version):
                    why = judged.why(self.store, version, self._settings.guards.worse_by)
                    if why:
                        self.stop(judged.contest.id, version, why)

    def _run(self) -> None:
        pauses = 0
        while not self._ends.wait(_PAUSE_S):
            pauses += 1
            try:
                self.flush()
                self.judge_calls()
                self._pass_on()
                if pauses % _LOOKS_EVERY == 0:
                    for contest in list(self._judged):
                        self._learn(contest)
                    self.judge()
                if time.monotonic() - self._forgot > _FORGETS_EVERY_S or not self._forgot:
                    self._forgot = time.monotonic()
                    self.store.forget(self._settings.keep_days)
            except TrackingError as error:
                _log.error("answers cannot be kept: %s", error)
            except Exception:  # the next pause may go better, and nobody else would write
                _log.exception("the keeper of answers failed")

    def _learn(self, contest: str) -> None:
        found = {(contest, e.version) for e in self.store.events(contest) if e.kind == "stopped"}
        with self._knowing:
            self._stopped |= found

    def _pass_on(self) -> None:
        """Tell of events that were written; who is told may be slow, and nothing waits for it."""
        while self._untold:
            event = self._untold.popleft()
            try:
                if self._tell is not None:
                    self._tell(event)
            except Exception:
                _log.exception("an event could not be passed on")


class _Judged:
    """A contest and the sums of its outcomes so far."""

    def __init__(self, contest: Contest) -> None:
        self.contest = contest
        self._sums: dict[str, tuple[int, Sums]] = {}

    def why(self, store: TrafficStore, version: str, worse_by: float) -> str:
        """Why a version is to be stopped; empty if it is not."""
        after, sums = self._sums.get(version, (0, Sums()))
        found = store.losses(self.contest, version, after)
        if not len(found.numbers):
            return ""
        design, measure = self.contest.design(version), self.contest.measure
        sums = design.of_units(found.loss, found.is_other, sums).last
        self._sums[version] = (int(found.numbers[-1]), sums)
        limit = worse_by / abs(measure.difference(1.0))
        if not design.is_above(sums, limit):
            return ""
        n = design.n_guesses(sums)
        beyond = f" by more than {worse_by:g}" if worse_by else ""
        return f"worse than {self.contest.champion} in {measure.name}{beyond}, after {n:,} units"


def _beginnings(contest: Contest) -> Iterable[tuple[str, str, str]]:
    yield contest.champion, "began", f"champion, {contest.champion_share:.4g} of the traffic"
    for version, share in contest.shares.items():
        yield version, "began", f"challenger of {contest.champion}, {share:.4g} of the traffic"
    for version in contest.shadows:
        yield version, "began", f"shadow of {contest.champion}, answers nobody"
