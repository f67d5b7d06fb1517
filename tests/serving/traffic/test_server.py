"""Models that share the traffic of a real app: keys stick, shadows watch, bad challengers stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from starlette.testclient import TestClient

import assay
from assay import traffic as verb
from assay.data.schema import Task
from assay.errors import DataError, InputError, NotFoundError
from assay.inference.compiled import RowPredictor
from assay.inference.loading import LoadedModel
from assay.place import Place
from assay.serving.app import App
from assay.serving.router import Asked, Slot
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings
from assay.serving.swapping import Swapper
from assay.serving.traffic import store
from assay.serving.traffic.opening import share_traffic
from assay.serving.traffic.routing import Traffic
from assay.serving.traffic.settings import GuardRails, TrafficSettings
from assay.serving.traffic.standing import Standing
from assay.serving.traffic.store import Event
from assay.serving.traffic.tags import TAG, tagger
from assay.serving_models import ModelSource, Rivals, app_of
from assay.tracking.mlflow_client import client
from assay.workspace import Workspace
from tests.serving.models import _predictor as compiled
from tests.tables import table

FRAME = table(Task.BINARY, 200, seed=5)
OUTCOMES = FRAME["y"].tolist()
ROWS = json.loads(FRAME.drop(columns="y").to_json(orient="records"))
BY_USER = TrafficSettings(key="header:X-User")


Serving = Callable[..., AbstractContextManager[tuple[TestClient, App]]]


@pytest.fixture
def serving(rivals: dict[str, LoadedModel]) -> Serving:
    """What opens the app of m/1 with challengers and shadows, as `assay serve` makes it."""

    @contextmanager
    def opened(
        settings: TrafficSettings,
        challengers: Mapping[str, float] = {},
        shadows: Sequence[str] = (),
    ) -> Iterator[tuple[TestClient, App]]:
        whole = ServingSettings(traffic=settings, log_requests=False)
        slots = [slot_of(rivals[name], whole) for name in ("m/1", *challengers, *shadows)]
        shares = list(challengers.values())
        shared = share_traffic(Workspace.find(), "m", slots, shares, whole)
        app = App(
            slots,
            whole,
            router=shared.traffic,
            observers=[shared.traffic],
            routes=[shared.route],
            paths=shared.paths,
        )
        with TestClient(app) as asking:
            yield asking, app

    return opened


def slot_of(loaded: LoadedModel, settings: ServingSettings) -> Slot:
    predictor = compiled(loaded)
    return Slot(ServedModel.ready(loaded, settings, reference=loaded.name, predictor=predictor))


@contextmanager
def registered(settings: TrafficSettings, *challengers: str) -> Iterator[tuple[TestClient, App]]:
    whole = ServingSettings(traffic=settings, log_requests=False)
    app = app_of(ModelSource.of("m@production"), whole, Rivals.of(challengers, ()))
    with TestClient(app) as asking:
        yield asking, app


def traffic_of(app: App) -> Traffic:
    router = app.state.router
    assert isinstance(router, Traffic)
    return router


def ask(asking: TestClient, number: int, user: str) -> dict[str, Any]:
    headers = {"X-User": user, "X-Request-ID": f"r{number}"}
    answer = asking.post("/predict", json=ROWS[number % len(ROWS)], headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def tell(asking: TestClient, *outcomes: tuple[str, Any]) -> Any:
    body = [{"request_id": name, "outcome": outcome} for name, outcome in outcomes]
    return asking.post("/feedback", json=body)


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def stopped(found: Standing) -> list[str]:
    return [f"{each.version}: {each.said}" for each in found.events if each.kind == "stopped"]


class Failing:
    """A predictor that is out of order."""

    is_compiled = True
    reason = ""

    def predict_rows(self, rows: Any) -> Any:
        raise RuntimeError("out of order")


def broken(slot: Slot) -> ServedModel:
    return replace(slot.model, predictor=cast(RowPredictor, Failing()))


@pytest.mark.usefixtures("models")
def test_keys_stick_shares_are_kept_and_all_is_recorded() -> None:
    with registered(BY_USER, "m@staging=0.3") as (asking, _):
        first = {user: ask(asking, user, f"u{user}")["model"] for user in range(150)}
        again = {user: ask(asking, 1000 + user, f"u{user}")["model"] for user in range(150)}
        told = tell(asking, *((f"r{n}", OUTCOMES[n]) for n in range(150)))
        assert (told.status_code, told.json()) == (200, {"taken": 150, "known": 0, "refused": []})
        assert tell(asking, ("r3", OUTCOMES[3])).json()["known"] == 1, "it may be sent again"
        refused = tell(asking, ("r4", OUTCOMES[4]), ("nobody", "yes"))
        assert refused.status_code == 422
        assert refused.json()["known"] == 1
        assert refused.json()["refused"][0]["request_id"] == "nobody"
    assert first == again
    n_other = sum(version == "m/2" for version in first.values())
    assert abs(n_other - 45) < 4 * (150 * 0.3 * 0.7) ** 0.5

    found = verb.traffic("m@production")
    champion, challenger = found.traffic
    assert (champion.units + challenger.units, challenger.units) == (150, n_other)
    assert champion.requests + challenger.requests == 300
    assert champion.outcomes + challenger.outcomes == 150
    assert (found.duels[0].n, found.mismatch) == ((150 - n_other, n_other), 1.0)
    for name, value in zip(("m/1", "m/2"), found.duels[0].values or (), strict=True):
        said = predicted(name)
        right = [OUTCOMES[user] == said[user] for user, own in first.items() if own == name]
        assert value == pytest.approx(sum(right) / len(right))
    tags = {
        number: client(Place.to_find().uri).get_model_version("m", number).tags[TAG]
        for number in "12"
    }
    assert tags["1"] == f"began: champion, 0.7 of the traffic (contest {found.contest.id})"
    assert tags["2"].startswith("began: challenger of m/1, 0.3 of the traffic")
    tell_store = tagger(Place.to_find().uri)
    tell_store(Event(0.0, "c", "m/2", "stopped", "it was slow"))
    assert client(Place.to_find().uri).get_model_version("m", "2").tags[TAG] == (
        "stopped: it was slow (contest c)"
    )
    tell_store(Event(0.0, "c", "a folder", "stopped", "it has no tags"))


def predicted(name: str) -> list[Any]:
    """What a registered version says of all rows."""
    rows = FRAME.drop(columns="y")
    return list(assay.predict(name, rows)["prediction"])


def test_a_shadow_is_compared_on_the_rows_of_the_champion_and_answers_nobody(
    serving: Serving,
    rivals: dict[str, LoadedModel],
) -> None:
    with serving(TrafficSettings(), shadows=("m/2",)) as (asking, app):
        assert {ask(asking, n, "")["model"] for n in range(40)} == {"m/1"}
        rows = {"rows": ROWS[:50]}
        headers = {"X-Request-ID": "many"}
        assert asking.post("/predict/batch", json=rows, headers=headers).status_code == 200
        until(lambda: not traffic_of(app).is_expected("many"))
        outcomes = [{"request_id": "many", "row": n, "outcome": OUTCOMES[n]} for n in range(50)]
        assert asking.post("/feedback", json=outcomes).json()["taken"] == 50
    found = verb.traffic("m")
    assert [each.rows for each in found.traffic] == [90, 90]
    duel = found.duels[0]
    assert (duel.is_shadow, duel.n) == (True, (50, 50))
    said = rivals["m/2"].predict(FRAME.drop(columns="y"))[:50]
    assert duel.values is not None
    assert duel.values[1] == pytest.approx((said == OUTCOMES[:50]).mean())


def test_a_challenger_that_fails_is_answered_for_and_stopped_for_good(
    serving: Serving,
) -> None:
    settings = TrafficSettings(key="header:X-User", guards=GuardRails(failed=0.01))
    with serving(settings, challengers={"m/2": 0.5}) as (asking, app):
        traffic_of(app).swap(app.state.slots[1], broken(app.state.slots[1]))
        contest = traffic_of(app).contest
        assert contest is not None
        models = [ask(asking, n, f"u{n}")["model"] for n in range(30)]  # every one is answered
        assert models.count("m/2") >= 2
        until(lambda: traffic_of(app).keeper.is_stopped(contest.id, "m/2"))
        assert {ask(asking, 50 + n, f"u{n}")["model"] for n in range(20)} == {"m/1"}
    [why] = stopped(verb.traffic("m"))
    assert why.startswith("m/2: ")
    assert "calls failed; the limit is 0.01" in why
    with serving(settings, challengers={"m/2": 0.5}) as (asking, _):
        assert {ask(asking, 100 + n, f"u{n}")["model"] for n in range(20)} == {"m/1"}


def test_what_one_server_stops_the_others_stop_too(serving: Serving) -> None:
    two = {"m/2": 0.5}
    with serving(BY_USER, two) as (_, one), serving(BY_USER, two) as (asking, other):
        contest = traffic_of(one).contest
        assert contest is not None
        assert contest == traffic_of(other).contest
        assert {ask(asking, n, f"u{n}")["model"] for n in range(20)} == {"m/1", "m/2"}
        traffic_of(one).keeper.stop(contest.id, "m/2", "somebody said so")
        until(lambda: traffic_of(other).keeper.is_stopped(contest.id, "m/2"))
        assert {ask(asking, 100 + n, f"u{n}")["model"] for n in range(20)} == {"m/1"}


def test_a_challenger_that_is_worse_is_stopped(
    serving: Serving,
) -> None:
    with serving(TrafficSettings(), challengers={"m/2": 0.5}) as (asking, app):
        predicted: dict[str, str] = {}
        for n in range(400):
            answer = ask(asking, n, "")
            is_right = answer["model"] == "m/1"  # in this world the champion always is
            said = answer["prediction"]
            predicted[f"r{n}"] = said if is_right else {"yes": "no", "no": "yes"}[said]
        assert tell(asking, *predicted.items()).json()["taken"] == 400
        contest = traffic_of(app).contest
        assert contest is not None
        until(lambda: traffic_of(app).keeper.is_stopped(contest.id, "m/2"))
        assert {ask(asking, 1000 + n, "")["model"] for n in range(20)} == {"m/1"}
    found = verb.traffic("m")
    assert stopped(found) == ["m/2: worse than m/1 in accuracy, after 400 units"]
    assert found.duels[0].better == "champion"
    # what came after is dealt out to the champion alone, and counts nowhere
    assert sum(found.duels[0].n) == 400
    assert found.mismatch is not None
    assert found.mismatch > 0.01


def test_a_model_that_moves_makes_another_contest_and_no_request_fails(
    serving: Serving,
    rivals: dict[str, LoadedModel],
) -> None:
    with serving(BY_USER, challengers={"m/2": 0.5}) as (asking, app):
        before = traffic_of(app).contest
        [ask(asking, n, f"u{n}") for n in range(10)]
        first, second = app.state.slots
        traffic_of(app).swap(first, second.model)  # the challenger is promoted
        assert {ask(asking, 100 + n, f"u{n}")["model"] for n in range(20)} == {"m/2"}
        assert traffic_of(app).contest is None, "nobody is left to challenge it"
        traffic_of(app).swap(second, slot_of(rivals["n/1"], app.state.settings).model)
        assert {ask(asking, 200 + n, f"u{n}")["model"] for n in range(20)} == {"m/2"}
        assert traffic_of(app).contest is None, "that one reads other columns"
    assert before is not None
    assert verb.traffic("m").contest == before


def test_models_that_cannot_compete_are_refused_at_the_start(
    serving: Serving,
) -> None:
    unlike = serving(TrafficSettings(), shadows=("n/1",))
    with pytest.raises(InputError, match="n/1 does not read the same columns as m/1") as caught:
        unlike.__enter__()
    assert "assay compare" in caught.value.mend


def test_answered_rows_with_outcomes_become_a_new_test_set(
    serving: Serving, workspace: Path, tmp_path: Path
) -> None:
    learnt = tmp_path / "learnt.parquet"
    table(Task.BINARY).assign(part="a").to_parquet(learnt)
    assert workspace.is_dir()
    with serving(TrafficSettings(feedback=True, keep_rows=True)) as (asking, app):
        [ask(asking, n, "") for n in range(120)]
        until(lambda: not any(traffic_of(app).is_expected(f"r{n}") for n in range(120)))
        told = tell(asking, *((f"r{n}", OUTCOMES[n]) for n in range(100)))
        assert told.json()["taken"] == 100
    made = verb.refresh_test("m@production", learnt, tmp_path / "new.parquet")
    assert (made.n_test, made.n_train, made.column) == (100, 240, "assay_part")
    written = pd.read_parquet(made.path)
    new = written[written["assay_part"] == "test"]
    shared = [name for name in FRAME.columns if name in written]
    pd.testing.assert_frame_equal(
        new[shared].reset_index(drop=True), FRAME[shared][:100], check_dtype=False
    )
    settings = {
        "name": "m", "training": {"seeds": 1}, "evaluation": {"resamples": 200},
        "data": {"split": {"by": "column", "column": "assay_part"}, "roles": {"ignore": "part"}},
    }  # fmt: skip
    run = assay.train(written, target="y", learner="linear", settings=settings)
    assert run.evaluation.n == 240
    judged = assay.evaluate(run, on="test")
    assert judged.test is not None
    assert (judged.test.evaluation.n, judged.test.looks) == (100, 1), (
        "nobody has looked at these before"
    )


def test_rows_that_were_looked_at_keep_their_looks_and_training_rows_are_left_out(
    serving: Serving, workspace: Path, tmp_path: Path
) -> None:
    n = range(240)
    unread = {
        "study": [f"s{each % 7}" for each in n], "ident": [f"n {each}" for each in n],
        "note": [f"seen {each % 11} times" for each in n], "place": [each % 13 for each in n],
        "by": [f"who {each % 5}" for each in n], "code": [f"c{each % 17}" for each in n],
    }  # fmt: skip
    frame = table(Task.BINARY).assign(**unread)
    settings: dict[str, Any] = {
        "name": "m", "training": {"seeds": 1}, "evaluation": {"resamples": 200},
        "data": {"roles": {"ignore": list(unread)}},
    }  # fmt: skip
    run = assay.train(frame, target="y", learner="linear", settings=settings)
    for _ in range(2):
        assert assay.evaluate(run, on="test").test is not None
    [sealed] = (workspace / "vault").glob("*.parquet")
    rows = pd.read_parquet(sealed)["__assay_row__"].tolist()
    beside = tmp_path / "beside.parquet"
    frame.drop(index=rows).to_parquet(beside)
    sent = rows + frame.drop(index=rows).index[:10].tolist()
    read = json.loads(table(Task.BINARY).drop(columns="y").to_json(orient="records"))
    with serving(TrafficSettings(keep_rows=True), challengers={"m/2": 0.5}) as (asking, app):
        body = [
            {"request_id": asking.post("/predict", json=read[each]).headers["x-request-id"],
             "outcome": frame["y"][each]}
            for each in sent
        ]  # fmt: skip
        until(lambda: not any(traffic_of(app).is_expected(each["request_id"]) for each in body))
        assert asking.post("/feedback", json=body).json()["taken"] == len(sent)
    made = verb.refresh_test("m", beside, tmp_path / "new.parquet")
    assert (made.n_test, made.n_left_out) == (len(rows), 10)
    assert made.looks == 3, "two before, and the contest has judged two models by these rows"
    assert verb.refresh_test("m", beside, tmp_path / "new.parquet").looks == 3, "noted once"
    settings["data"]["split"] = {"by": "column", "column": "part"}
    fresh = assay.train(pd.read_parquet(made.path), target="y", learner="linear", settings=settings)
    judged = assay.evaluate(fresh, on="test").test
    assert judged is not None
    assert judged.looks == 4
    pd.concat([frame, frame]).to_parquet(beside)
    natural = verb.refresh_test("m", beside, tmp_path / "new.parquet")
    assert (natural.n_test, natural.n_left_out, natural.n_alike) == (len(sent), 0, len(sent))
    frame.to_parquet(beside)
    with pytest.raises(DataError, match=f"All {len(sent)} rows that were answered are rows of"):
        verb.refresh_test("m", beside, tmp_path / "new.parquet")


def test_a_locked_file_holds_up_no_request_and_the_contest_goes_on(
    serving: Serving, rivals: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PATIENCE_S", 0.5)
    with serving(BY_USER, challengers={"m/2": 0.5}) as (asking, app):
        first, path = app.state.slots[0], traffic_of(app).keeper.store.path
        moved = replace(first.model, version="m/4")
        newest = Swapper(first, lambda: "m/4", lambda _: moved)
        with closing(sqlite3.connect(path, isolation_level=None)) as locked:
            locked.execute("BEGIN IMMEDIATE")
            asyncio.run(newest.look(app.state))
            began = time.monotonic()
            assert {ask(asking, n, f"u{n}")["model"] for n in range(20)} == {"m/1", "m/2"}
            assert time.monotonic() - began < 0.4
            assert "cannot be kept" in (first.failure or "")
            locked.execute("ROLLBACK")
        asyncio.run(newest.look(app.state))
        assert {ask(asking, 50 + n, f"u{n}")["model"] for n in range(20)} == {"m/4", "m/2"}
        assert first.failure is None


def test_an_id_of_several_requests_takes_no_outcome(serving: Serving) -> None:
    with serving(TrafficSettings(), challengers={"m/2": 0.5}) as (asking, app):
        for _ in range(3):
            ask(asking, 1, "")
        until(lambda: not traffic_of(app).is_expected("r1"))
        told = tell(asking, ("r1", OUTCOMES[1]))
        assert told.status_code == 422
        assert told.json()["refused"][0]["reason"].startswith("several requests had this id")
        router = traffic_of(app)
        for _ in range(2):  # both are under way
            router.choose(Asked("r2", {}, ROWS[:1]))
        router.observe("r2", "m/1", ROWS[:1], [{"prediction": "yes"}])
        router.observe("r2", "m/2", ROWS[:1], [{"prediction": "no"}])
        [refused] = tell(asking, ("r2", "yes")).json()["refused"]
        assert refused["reason"].startswith("several requests had this id")
    assert sum(verb.traffic("m").duels[0].n) == 0


def test_nothing_waits_for_the_answer_of_a_refused_request(serving: Serving) -> None:
    with serving(TrafficSettings(feedback=True)) as (asking, app):
        headers = {"X-Request-ID": "bad"}
        assert asking.post("/predict", json={"odd": 1}, headers=headers).status_code == 422
        assert not traffic_of(app).is_expected("bad")
        began = time.monotonic()
        assert tell(asking, ("bad", "yes")).status_code == 422
        assert time.monotonic() - began < 0.5
        document = asking.get("/schema").json()
        assert "outcome" in str(document["paths"]["/feedback"]["post"]["requestBody"])


@pytest.mark.parametrize(("challengers", "shadows"), [({"m/1": 0.5}, ()), ({"m/2": 0.5}, ("m/2",))])
def test_a_model_that_is_asked_for_twice_is_refused(
    serving: Serving, challengers: dict[str, float], shadows: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match=r"m/[12] is asked for twice: as") as caught:
        serving(TrafficSettings(), challengers, shadows).__enter__()
    assert "name another version" in caught.value.mend


@pytest.mark.usefixtures("models")
def test_a_stage_that_names_the_champion_too_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client(Place.to_find().uri).set_registered_model_alias("m", "staging", "1")
    with registered(BY_USER, "m@staging=0.3") as (asking, app):
        assert ask(asking, 1, "u")["model"] == "m/1"
        assert traffic_of(app).contest is None
    assert "m@production and m@staging are the same version now, m/1" in caplog.text


def test_rows_that_were_not_kept_are_no_test_set(serving: Serving, tmp_path: Path) -> None:
    learnt = tmp_path / "learnt.parquet"
    table(Task.BINARY).to_parquet(learnt)
    with serving(TrafficSettings(feedback=True)) as (asking, app):
        ask(asking, 1, "")
        until(lambda: not traffic_of(app).is_expected("r1"))
        tell(asking, ("r1", OUTCOMES[1]))
    with pytest.raises(NotFoundError, match="No row was kept") as caught:
        verb.refresh_test("m", learnt, tmp_path / "new.parquet")
    assert "keep_rows: true" in caught.value.mend
    with pytest.raises(InputError, match=r"cannot be written to new\.txt"):
        verb.refresh_test("m", learnt, tmp_path / "new.txt")
    with pytest.raises(InputError, match="would be written over"):
        verb.refresh_test("m", learnt, learnt)


def test_outcomes_are_taken_where_nobody_challenges(
    serving: Serving,
) -> None:
    with serving(TrafficSettings(feedback=True)) as (asking, app):
        assert ask(asking, 1, "")["model"] == "m/1"
        until(lambda: not traffic_of(app).is_expected("r1"))
        assert tell(asking, ("r1", OUTCOMES[1])).json()["taken"] == 1
        body = json.dumps({"request_id": "r1", "outcome": "yes", "row": "first"})
        odd = asking.post("/feedback", content=body, headers={"Content-Type": "application/json"})
        assert odd.status_code == 422
        assert odd.json()["problems"][0]["column"] == "row"
        assert asking.post("/feedback", content=b"{").status_code in (400, 415)
    assert verb.traffic("m").traffic[0].outcomes == 1


def test_what_needs_a_key_needs_it_for_outcomes_too(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_API_KEY", "k" * 20)
    with serving(TrafficSettings(feedback=True)) as (asking, _):
        assert asking.post("/feedback", json={}).status_code == 401


def test_choosing_takes_no_time_and_little_room(serving: Serving) -> None:
    with serving(BY_USER, challengers={"m/2": 0.3}) as (_, app):
        router, began = traffic_of(app), time.process_time()
        for n in range(5000):
            router.choose(Asked(f"r{n}", {b"x-user": str(n).encode()}, ROWS[:1]))
        assert (time.process_time() - began) / 5000 < 100e-6
        assert sum(router.is_expected(f"r{n}") for n in range(5000)) == 5000
        for n in range(30_000):  # of requests that fail nothing is ever observed
            router.choose(Asked(f"s{n}", {}, ROWS[:1]))
        assert not router.is_expected("r0")
        assert router.is_expected("s29999")


def _post(url: str, body: Any, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    with urlopen(Request(url, json.dumps(body).encode(), sent), timeout=20) as answer:
        return json.loads(answer.read())


@contextmanager
def process() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "assay", "serve", "m@production", "--port", "0", "--json"]
    command += ["--challenger", "m@staging=0.3", "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    ) as server:
        try:
            assert server.stdout is not None
            lines = ""
            while not lines.rstrip().endswith("}"):
                lines += next(server.stdout)
            yield json.loads(lines)["url"], server
        finally:
            server.kill()


def test_a_killed_server_goes_on_with_every_outcome_it_acknowledged(models: Path) -> None:
    assert models.is_dir()
    with process() as (url, server):
        given = {
            n: _post(f"{url}/predict", ROWS[n], **{"X-Request-ID": f"k{n}"})["model"]
            for n in range(30)
        }
        outcomes = [{"request_id": f"k{n}", "outcome": OUTCOMES[n]} for n in range(20)]
        assert _post(f"{url}/feedback", outcomes)["taken"] == 20
        server.send_signal(signal.SIGKILL)
        server.wait()
    with process() as (url, _):
        assert _post(f"{url}/feedback", outcomes)["known"] == 20
        again = {
            n: _post(f"{url}/predict", ROWS[n], **{"X-Request-ID": f"k{n}"})["model"]
            for n in range(30)
        }
    assert again == given, "who is given what needs no memory"
    assert sum(verb.traffic("m").duels[0].n) == 20
