"""A real MLflow server that fails in every way a server can: all arrives once, nothing waits."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from assay.errors import TrackingError
from assay.tracking import shipper as shipping
from assay.tracking.leftovers import send_left
from assay.tracking.mlflow import MlflowStore
from assay.tracking.mlflow_client import client
from assay.tracking.mlflow_experiments import child_of, drop_doubles
from assay.tracking.recorder import Status
from assay.tracking.routes import Routes
from tests.servers import Mood, Proxy, Server, mlflow_server
from tests.tracking.story import (
    Telling,
    assert_told,
    begun,
    children_of,
    tell_children,
    tell_opening,
)

pytestmark = pytest.mark.slow
STEPS = range(300)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_POLL_S", "_FIRST_WAIT_S", "_GLANCE_S", "_LONGEST_WAIT_S", "_LONGEST_REST_S"):
        monkeypatch.setattr(shipping, name, 0.02)
    monkeypatch.setattr(shipping, "MOST_POINTS", 100)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")


@pytest.fixture(scope="module")
def server(template_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here."""
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder, template_database) as started:
        yield started


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.port) as standing:
        yield standing
    for run in MlflowStore(server.uri).runs():  # the server is shared, its content is not
        for each in client(server.uri).search_logged_models(["1"]):
            client(server.uri).delete_logged_model(each.model_id)
        client(server.uri).delete_run(run.run_id)


@pytest.mark.parametrize("mood", [500, 503, 429, "late", "cut", "hang"])
def test_everything_arrives_once_whatever_the_server_answers(
    proxy: Proxy, mood: Mood, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    store, told = MlflowStore(proxy.uri), Telling()
    recorder = begun(store, tmp_path / "spool", told)
    chance, numbers = random.Random(0), count()
    proxy.mood = lambda method, path: mood if chance.random() < 0.4 else None
    if mood == "hang":  # it is waited for each time
        proxy.mood = lambda method, path: None if next(numbers) % 8 else mood
    tell_opening(recorder, tmp_path / "files")
    for step in STEPS:
        recorder.metrics({"loss": 1 / (step + 1), "accuracy": step / 7}, step)
        if step == 150:
            proxy.await_failures(1)
            tell_children(recorder, range(20))
    recorder.finish(Status.FINISHED)
    proxy.mood = lambda method, path: None
    assert told.told == []
    assert proxy.n_failed >= 3
    assert_told(store, recorder.run_id, STEPS, tmp_path)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_server_that_takes_no_connections_for_a_while(proxy: Proxy, tmp_path: Path) -> None:
    store, told = MlflowStore(proxy.uri), Telling()
    recorder = begun(store, tmp_path / "spool", told)
    proxy.refuse()
    tell_opening(recorder, tmp_path / "files")
    for step in STEPS:
        recorder.metrics({"loss": 1 / (step + 1), "accuracy": step / 7}, step)
    tell_children(recorder, range(20))
    proxy.listen()
    recorder.finish(Status.FINISHED)
    assert told.told == []
    assert_told(store, recorder.run_id, STEPS, tmp_path)


def test_a_server_that_is_killed_and_started_again(
    server: Server, proxy: Proxy, tmp_path: Path
) -> None:
    store, told = MlflowStore(proxy.uri), Telling()
    recorder = begun(store, tmp_path / "spool", told)
    tell_opening(recorder, tmp_path / "files")
    for step in STEPS:
        recorder.metrics({"loss": 1 / (step + 1), "accuracy": step / 7}, step)
        if step == 100:
            server.stop(signal.SIGKILL)
    tell_children(recorder, range(20))
    server.start()
    recorder.finish(Status.FINISHED)
    assert told.told == []
    assert_told(store, recorder.run_id, STEPS, tmp_path)


def test_a_server_that_stays_away_is_told_later(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.tracking.spooled.PATIENCE_S", 0.1)
    store, told, below = MlflowStore(proxy.uri), Telling(), tmp_path / "spool"
    recorder = begun(store, below, told)
    proxy.refuse()
    tell_opening(recorder, tmp_path / "files")
    tell_children(recorder, range(20))
    for step in STEPS:
        recorder.metrics({"loss": 1 / (step + 1), "accuracy": step / 7}, step)
    recorder._spool.append("finish", "", Status.FINISHED, "")
    recorder._session.close(0.1)
    [text] = told.told
    assert "has not reached the store of runs yet: " in text
    proxy.listen()
    sent = send_left(below, lambda about: Routes(store, below), patience_s=60)
    assert (len(sent.runs), sent.unsent, sent.notices) == (1, (), ())
    assert_told(store, recorder.run_id, STEPS, tmp_path)


def test_children_that_were_begun_twice_are_one(proxy: Proxy) -> None:
    """Also where the second is seen only when the first has been used."""
    store = MlflowStore(proxy.uri)
    recorder = store.begin("income", "boosting", {})
    used = recorder.child("fold-1", "a")
    used.metrics({"loss": 1.0})
    asked = client(proxy.uri)
    experiment = asked.get_run(recorder.run_id).info.experiment_id
    tags = {"mlflow.parentRunId": recorder.run_id, "assay.key": "a"}
    asked.create_run(experiment, run_name="fold-1", tags=tags)
    assert child_of(proxy.uri, recorder.run_id, "fold-1", "a") == used.run_id
    assert [each.info.run_id for each in children_of(store, recorder.run_id)] == [used.run_id]

    used.finish(Status.FINISHED)
    asked.create_run(experiment, run_name="fold-1", tags=tags)
    drop_doubles(proxy.uri, recorder.run_id)
    assert [each.info.run_id for each in children_of(store, recorder.run_id)] == [used.run_id]
    recorder.finish(Status.FINISHED)


def test_a_run_that_was_begun_twice_is_one(proxy: Proxy) -> None:
    """The client asks again where it does not know whether it was heard."""
    store, once = MlflowStore(proxy.uri), iter(["late"])
    proxy.mood = lambda method, path: next(once, None) if path.endswith("runs/create") else None
    run_id = store.begin("income", "boosting", {}).run_id
    assert proxy.n_failed == 1
    assert [each.run_id for each in store.runs("income")] == [run_id]
    assert store.get(run_id).name == "boosting"


def test_a_verb_does_not_wait_for_a_server_that_fails(proxy: Proxy) -> None:
    store = MlflowStore(proxy.uri)
    assert store.runs("income") == []
    proxy.mood = lambda method, path: 503
    with pytest.raises(TrackingError, match="The store of runs refused") as caught:
        store.runs("income")
    assert "look whether it runs" in caught.value.mend
    assert proxy.n_failed <= 4
