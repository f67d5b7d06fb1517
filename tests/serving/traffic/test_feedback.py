"""Feedback: outcomes come late and twice, are joined with answers, counted once, and never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.data.schema import Task
from assay.errors import NotFoundError, TrackingError
from assay.serving.monitoring.outcomes import outcomes_of
from assay.serving.refusal import Refusal
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.feedback import Feedback, Outcome, outcomes_in
from assay.serving.traffic.keeper import Keeper
from assay.serving.traffic.measures import Measure
from assay.serving.traffic.settings import GuardRails, TrafficSettings
from assay.serving.traffic.standing import standing
from assay.serving.traffic.store import Event, Given, TrafficStore

SHARED = Contest(
    "m/1", {"m/2": 0.25}, ("m/3",), None, "", "y", Task.BINARY, ("no", "yes"), Measure("accuracy")
)


@pytest.fixture
def store(tmp_path: Path) -> TrafficStore:
    store = TrafficStore(tmp_path / "traffic" / "m.db")
    store.prepare()
    assert store.begin(SHARED)
    assert not store.begin(SHARED), "the same contest goes on"
    return store


def feedback(store: TrafficStore) -> Feedback:
    return Feedback(store, lambda: None, lambda _: False)


def answer(label: str) -> dict[str, Any]:
    return {"prediction": label, "probabilities": {"no": 0.5, "yes": 0.5}}


def given(
    request_id: str, labels: Mapping[str, str], *, rows: int = 1, unit: str = "", to: str = "m/1",
    at: float = 1000.0,
) -> list[Given]:  # fmt: skip
    unit = unit or f"request {request_id}"
    return [
        Given(request_id, row, version, SHARED.id, unit, to, answer(label), None, at)
        for row in range(rows)
        for version, label in labels.items()
    ]


def losses(store: TrafficStore, version: str) -> list[tuple[float, float, bool]]:
    found = store.losses(SHARED, version)
    lines = zip(found.loss, found.beside, found.is_other, strict=True)
    return [(float(a), float(b), bool(c)) for a, b, c in lines]


def test_an_outcome_is_taken_once_however_often_it_comes(store: TrafficStore) -> None:
    store.keep([given("a", {"m/1": "yes"}), given("b", {"m/2": "no"}, to="m/2")], {})
    take = feedback(store).take
    assert take([Outcome("a", 0, "no")]).as_dict() == {"taken": 1, "known": 0, "refused": []}
    again = take([Outcome("a", 0, "no"), Outcome("b", 0, "no")])
    assert (again.taken, again.known, again.refused) == (1, 1, [])
    refused = take([
        Outcome("a", 0, "yes"), Outcome("a", 1, "yes"), Outcome("c", 0, "yes"),
        Outcome("b", 0, "maybe"),
    ]).refused  # fmt: skip
    assert [(each.request_id, each.row, each.reason) for each in refused] == [
        ("a", 0, "another outcome was taken before"),
        ("a", 1, "no answer of this id and row is known here"),
        ("c", 0, "no answer of this id and row is known here"),
        ("b", 0, "it cannot be the outcome of a binary row"),
    ]
    [first, second] = losses(store, "m/2")
    assert (first[0], first[2]) == (1.0, False)
    assert (second[0], second[2]) == (0.0, True)
    assert store.known_outcomes(SHARED.id) == {"m/1": 1, "m/2": 1}


def test_a_unit_counts_once_with_the_mean_of_what_came_together(store: TrafficStore) -> None:
    store.keep(
        [
            given("a", {"m/1": "yes", "m/3": "no"}, rows=3, unit="key ann"),
            given("b", {"m/1": "yes", "m/3": "no"}, unit="key ann"),
            given("c", {"m/1": "yes", "m/3": "no"}, rows=2),
        ],
        {},
    )
    take = feedback(store).take
    assert take([Outcome("a", 0, "yes"), Outcome("a", 2, "no")]).taken == 2
    assert take([Outcome("a", 1, "no"), Outcome("b", 0, "no")]).taken == 2, "kept, not counted"
    assert losses(store, "m/3") == [(0.5, 0.5, True)]
    assert take([Outcome("c", 0, "yes"), Outcome("c", 1, "yes")]).taken == 2
    assert losses(store, "m/3")[1:] == [(0.0, 1.0, True)] * 2, "of a shadow every row is a pair"
    assert [each[0] for each in losses(store, "m/2")] == [0.5, 0.0], "of shared traffic a request"


def test_what_comes_of_a_stopped_challenger_counts_nowhere(store: TrafficStore) -> None:
    store.keep(
        [
            given("a", {"m/1": "yes"}, at=10.0),
            given("b", {"m/2": "yes"}, to="m/2", at=11.0),
            given("c", {"m/1": "yes"}, to="m/2", at=30.0),  # the champion answered for it
            given("d", {"m/1": "yes"}, at=31.0),
        ],
        {("m", "m/2"): (1, 0, 0)},
    )
    store.tell(Event(20.0, SHARED.id, "m/2", "stopped", "it was slow"))
    feedback(store).take([Outcome(each, 0, "no") for each in "abcd"])
    assert [each[2] for each in losses(store, "m/2")] == [False, True]
    assert store.units(SHARED.id, 20.0) == {"m/1": 1, "m/2": 1}
    found = standing(store, "m")
    assert found.duels[0].stopped == "it was slow"
    assert found.duels[0].n == (1, 1)


def test_of_a_request_id_that_comes_twice_the_first_stays(store: TrafficStore) -> None:
    store.keep([given("a", {"m/1": "yes"})], {})
    store.keep([given("a", {"m/2": "no"}, to="m/2", rows=2)], {})
    assert store.answered(SHARED.id) == {"m/1": (1, 1)}


def test_an_id_of_several_requests_has_no_outcome_here_or_in_monitoring(
    store: TrafficStore,
) -> None:
    store.keep([given("a", {"m/1": "yes"}), given("b", {"m/1": "yes"})], {})
    assert feedback(store).take([Outcome("a", 0, "yes"), Outcome("b", 0, "yes")]).taken == 2
    store.keep([given("a", {"m/2": "no"}, to="m/2")], {})
    [refused] = feedback(store).take([Outcome("a", 0, "no"), Outcome("b", 0, "yes")]).refused
    assert (refused.request_id, refused.reason[:33]) == ("a", "several requests had this id, so ")
    assert set(outcomes_of(store.path, 0) or ()) == {("b", 0)}


def test_calls_are_judged_by_those_of_all_servers_together(store: TrafficStore) -> None:
    limits = TrafficSettings(guards=GuardRails(failed=0.01))
    keepers = [Keeper(store, limits) for _ in range(2)]
    for keeper in keepers:
        keeper.enter(SHARED)
        keeper.calls_of(SHARED, "m/2").failed()
        keeper.flush()
        keeper.judge_calls()
    assert [each.is_stopped(SHARED.id, "m/2") for each in keepers] == [False, True]
    keepers[1].flush()
    [stopped] = [each.said for each in store.events(SHARED.id) if each.kind == "stopped"]
    assert stopped == "2 of 2 calls failed; the limit is 0.01"


def test_answers_without_an_outcome_are_forgotten_in_time(store: TrafficStore) -> None:
    now = time.time()
    old, young = now - 91 * 86400, now - 89 * 86400
    store.keep(
        [given(k, {"m/1": "yes"}, at=at) for k, at in (("a", old), ("b", old), ("c", young))], {}
    )
    feedback(store).take([Outcome("a", 0, "yes")])
    assert store.forget(90) == 1
    told = feedback(store).take([Outcome(each, 0, "yes") for each in "abc"])
    assert (told.known, told.taken, [each.request_id for each in told.refused]) == (1, 1, ["b"])


def test_an_outcome_may_be_faster_than_the_note_of_its_answer(store: TrafficStore) -> None:
    waits = [True, True, False]

    def is_expected(_: str) -> bool:
        return waits.pop(0)

    def flush() -> None:
        store.keep([given("a", {"m/1": "yes"})], {})

    assert Feedback(store, flush, is_expected).take([Outcome("a", 0, "yes")]).taken == 1


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"row": 0, "outcome": "x"}, (0, "request_id", "is no text")),
        ({"request_id": "", "outcome": "x"}, (0, "request_id", "is no text")),
        (
            {"request_id": "a", "row": -1, "outcome": "x"},
            (0, "row", "is no whole number from 0 on"),
        ),
        (
            {"request_id": "a", "row": True, "outcome": 1},
            (0, "row", "is no whole number from 0 on"),
        ),
        ({"request_id": "a", "row": 0}, (0, "outcome", "is missing")),
        ({"request_id": "a", "outcome": None}, (0, "outcome", "is missing")),
        ({"request_id": "a", "outcome": 1, "rows": 2}, (0, "rows", "is not known here")),
        ([{"request_id": "a", "outcome": 1}, 7], (1, None, "is no object")),
    ],
)
def test_a_body_that_holds_something_else_is_refused(
    document: Any, problem: tuple[Any, ...]
) -> None:
    with pytest.raises(Refusal, match="something else than outcomes") as caught:
        outcomes_in(document)
    assert caught.value.status == 422
    assert [(each.row, each.column, each.what) for each in caught.value.problems] == [problem]
    assert '"request_id"' in caught.value.mend


def test_a_body_holds_at_least_one_outcome() -> None:
    with pytest.raises(Refusal, match="There are 0 outcomes") as caught:
        outcomes_in([])
    assert caught.value.status == 422
    with pytest.raises(Refusal, match="There are 10,001 outcomes") as caught:
        outcomes_in([{"request_id": "a", "outcome": 1}] * 10_001)
    assert caught.value.status == 413
    assert outcomes_in({"request_id": "a", "outcome": 1}) == [Outcome("a", 0, 1)]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_text("this is no database, and long enough to be taken for one of them" * 20)
    with pytest.raises(TrackingError, match="cannot be kept or read") as caught:
        TrafficStore(path).prepare()
    assert caught.value.where == str(path)


def test_there_is_no_standing_of_nothing(store: TrafficStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No traffic of n was shared here") as caught:
        standing(TrafficStore(tmp_path / "n.db"), "n")
    assert "--challenger n@staging=0.1" in caught.value.mend
    with pytest.raises(NotFoundError, match="m has no contest 'x'") as caught:
        standing(store, "m", "x")
    assert SHARED.id in caught.value.where


_WRITER = """
import sys
from pathlib import Path
from assay.serving.traffic.feedback import Feedback, Outcome
from assay.serving.traffic.store import TrafficStore
take = Feedback(TrafficStore(Path(sys.argv[1])), lambda: None, lambda _: False).take
for n in range(100_000):
    assert take([Outcome(str(n), 0, "yes")]).taken == 1
    print(n, flush=True)
"""


def test_a_kill_loses_no_outcome_that_was_acknowledged(store: TrafficStore) -> None:
    store.keep([given(str(n), {"m/1": "yes"}) for n in range(1000)], {})
    command = [sys.executable, "-c", _WRITER, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as writer:
        assert writer.stdout is not None
        acknowledged = [next(writer.stdout) for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += list(writer.stdout)
    told = feedback(store).take([Outcome(str(n), 0, "yes") for n in range(len(acknowledged))])
    assert told.known == len(acknowledged) >= 20
    assert len(losses(store, "m/2")) in (told.known, told.known + 1), "counted with it, or neither"


def test_a_standing_is_plain_to_any_parser(store: TrafficStore) -> None:
    store.keep([given("a", {"m/1": "yes", "m/3": "no"})], {(SHARED.id, "m/1"): (3, 1, 2)})
    feedback(store).take([Outcome("a", 0, "yes")])
    document = json.loads(json.dumps(standing(store, "m").as_dict()))
    assert document["traffic"][0]["calls"] == [3, 1, 2]
    assert document["traffic"][0]["coverage"] == 1.0
    challenger, shadow = document["duels"]
    assert challenger["difference"] is None
    assert challenger["n"] == [1, 0]
    assert shadow["difference"]["value"] == -1.0, "of the only pair the shadow was wrong"
    assert shadow["better"] is None
    assert shadow["history"]["n"] == [1.0]
