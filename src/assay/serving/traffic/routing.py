"""Traffic: the router that divides requests, and the observer that keeps what came of them.

They are one, because what is kept of an answer is what the router decided about it. A shadow
predicts where observers are told, which is after the answer was sent.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from assay.errors import InputError
from assay.serving.router import Asked, Slot
from assay.serving.rows import Answer, Row, Table
from assay.serving.served_model import ServedModel
from assay.serving.traffic.assignment import unit_of
from assay.serving.traffic.calls import WatchedModel
from assay.serving.traffic.contest import Contest, contest_of
from assay.serving.traffic.keeper import Keeper
from assay.serving.traffic.settings import TrafficSettings
from assay.serving.traffic.store import Given

_MOST_EXPECTED = 20_000
"""Requests between their assignment and their answer; of more at a time the oldest is not kept."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lineup:
    """The models that are served now, and the contest that they make.

    Attributes:
        served: As they are in the slots.
        contest: What they make; None where the champion stands alone, or they cannot compete.
        models: By version, with their calls counted.
        shadows: Those that answer nobody, by version.
    """

    served: tuple[ServedModel, ...]
    contest: Contest | None
    models: Mapping[str, ServedModel]
    shadows: Mapping[str, WatchedModel]


@dataclass(frozen=True)
class _Expected:
    """What was decided about a request whose answer has not been seen yet."""

    contest: Contest
    shadows: Mapping[str, WatchedModel]
    unit: str
    assigned: str
    n: int = 1
    """Requests of this id that are under way at once."""


class Traffic:
    """A `Router` and an `Observer`.

    Args:
        champion: The slot of the model in use.
        challengers: Slots with their shares of the traffic.
        shadows: Slots of models that answer nobody.
        settings: How traffic is divided and judged.
        keeper: Writes down what was answered; closed with this.

    Raises:
        InputError: The models cannot compete.
    """

    def __init__(
        self,
        champion: Slot,
        challengers: Sequence[tuple[Slot, float]],
        shadows: Sequence[Slot],
        settings: TrafficSettings,
        keeper: Keeper,
    ) -> None:
        self._shares = [share for _, share in challengers]
        self._slots = (champion, *(slot for slot, _ in challengers), *shadows)
        self._settings = settings
        self.keeper = keeper
        self._expected: OrderedDict[str, _Expected] = OrderedDict()
        self._swapping, self._expecting = Lock(), Lock()
        self._lineup = self._lined_up(tuple(slot.model for slot in self._slots))

    @property
    def contest(self) -> Contest | None:
        """The contest that is going on, if there is one."""
        return self._lineup.contest

    def choose(self, asked: Asked) -> ServedModel:
        """The model for this request: the same for the same key, as long as the contest goes on."""
        lineup = self._lineup
        contest = lineup.contest
        if contest is None:
            return lineup.served[0]
        unit = unit_of(asked, contest.key)
        assigned = contest.assigned(unit)
        self._expect(asked.request_id, _Expected(contest, lineup.shadows, unit, assigned))
        is_stopped = self.keeper.is_stopped(contest.id, assigned)
        return lineup.models[contest.champion if is_stopped else assigned]

    def refused(self, request_id: str) -> None:
        """No answer will come of a request: nothing waits for it."""
        with self._expecting:
            known = self._expected.pop(request_id, None)
        if known is not None and known.n > 1:
            self.keeper.repeat(request_id)

    def swap(self, slot: Slot, model: ServedModel) -> None:
        """Put another version into a slot, and enter the contest that is to be; may block.

        Until it is entered the old one goes on, with the models that it has. Models that cannot
        compete leave the champion alone: no request fails for that.

        Raises:
            TrackingError: The contest cannot be noted now.
        """
        with self._swapping:
            served = tuple(model if each is slot else each.model for each in self._slots)
            try:
                lineup = self._lined_up(served)
            except InputError as error:
                _log.error("the champion answers alone: %s", error)
                lineup = Lineup(served, None, {}, {})
            slot.model, self._lineup = model, lineup

    def observe(
        self, request_id: str, version: str, rows: Sequence[Row], predictions: Sequence[Answer]
    ) -> None:
        """Keep the answers, and those of the shadows, as far as the champion answered."""
        expected = self._expected.get(request_id)
        if expected is None:
            return
        if expected.n > 1:  # whose answer this is cannot be told, nor whose outcome will come
            self.keeper.repeat(request_id)
            self._expected.pop(request_id, None)
            return
        now = time.time()
        given = self._given(request_id, version, expected, rows, predictions, now)
        if version == expected.contest.champion == expected.assigned:
            for shadow, model in expected.shadows.items():
                if not self.keeper.is_stopped(expected.contest.id, shadow):
                    answers = _tried(model, rows)
                    given += self._given(request_id, shadow, expected, rows, answers, now)
        self.keeper.add(given)
        with self._expecting:
            last = self._expected.pop(request_id, expected)
        if last.n > expected.n:  # another one came meanwhile
            self.keeper.repeat(request_id)

    def is_expected(self, request_id: str) -> bool:
        """Whether a request was assigned and its answer has not been kept yet."""
        return request_id in self._expected

    def close(self) -> None:
        """Write down what waits, and end."""
        self.keeper.close()

    def _expect(self, request_id: str, expected: _Expected) -> None:
        with self._expecting:
            known = self._expected.get(request_id)
            self._expected[request_id] = replace(expected, n=known.n + 1) if known else expected
            while len(self._expected) > _MOST_EXPECTED:  # observers may be told of less
                self._expected.popitem(last=False)

    def _given(
        self,
        request_id: str,
        version: str,
        expected: _Expected,
        rows: Sequence[Row],
        answers: Sequence[Answer],
        now: float,
    ) -> list[Given]:
        keeps = self._settings.keep_rows and version == expected.assigned
        return [
            Given(
                request_id,
                place,
                version,
                expected.contest.id,
                expected.unit,
                expected.assigned,
                answer,
                row if keeps else None,
                now,
            )
            for place, (row, answer) in enumerate(zip(rows, answers, strict=False))
        ]

    def _lined_up(self, served: tuple[ServedModel, ...]) -> Lineup:
        champion, *others = served
        n = len(self._shares)
        challengers = list(zip(others[:n], self._shares, strict=True))
        contest = contest_of(champion, challengers, others[n:], self._settings)
        if not contest.others and not self._settings.feedback:
            return Lineup(served, None, {}, {})
        self.keeper.enter(contest)
        models = {
            each.version: WatchedModel.of(
                each,
                self.keeper.calls_of(contest, each.version),
                champion if each.version in contest.shares else None,
            )
            for each in served
        }
        shadows = {version: models[version] for version in contest.shadows}
        return Lineup(served, contest, models, shadows)


def _tried(shadow: ServedModel, rows: Sequence[Row]) -> list[Answer]:
    """What a shadow says; nothing where it fails."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    try:
        return shadow.predict(Table(columns, len(rows), is_clean=False))
    except Exception:  # whatever it is, it is the shadow's own and was counted
        _log.exception("a shadow failed")
        return []
