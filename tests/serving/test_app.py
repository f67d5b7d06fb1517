"""The app beside its predictions: who may ask, ids, limits, what is hidden, metrics, the log."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.errors import InputError
from assay.inference.loading import LoadedModel
from assay.serving.log import Log
from tests.serving.models import app_with

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def keyed(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("ASSAY_API_KEY", f"{KEY}, another-key-of-the-team")
    with TestClient(app_with(loaded)) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": "bearer another-key-of-the-team"},
        {"X-API-Key": KEY},
    ],
)
def test_a_key_opens(headers: dict[str, str], keyed: TestClient, row: Any) -> None:
    assert keyed.post("/predict", json=row, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": KEY[:-1]}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": "é"}],
)
def test_without_a_key_only_health_is_told(
    headers: dict[str, str], keyed: TestClient, row: Any
) -> None:
    headers = {name: value.encode() for name, value in headers.items()}  # type: ignore[misc]
    for path in ("/schema", "/model", "/metrics", "/nothing"):
        assert keyed.get(path, headers=headers).status_code == 401
    said = keyed.post("/predict", json=row, headers=headers)
    assert said.status_code == 401
    assert said.headers["www-authenticate"] == "Bearer"
    assert said.json()["title"] == "The key is missing or wrong."
    assert keyed.get("/health").json() == {"status": "alive"}
    assert keyed.get("/ready").json() == {"status": "ready"}


def test_a_key_that_can_be_guessed_is_refused(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_KEY", "secret")
    with pytest.raises(InputError, match="SERVICE_KEY is shorter than 16") as caught:
        app_with(loaded, access={"key_variable": "SERVICE_KEY"})
    assert "openssl rand" in caught.value.mend
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("abc-1", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ('x"', False)],
)
def test_request_ids_are_echoed_if_they_are_ids(
    given: str, is_kept: bool, loaded: LoadedModel, row: Any
) -> None:
    with TestClient(app_with(loaded)) as client:
        said = client.post("/predict", json=row, headers={"X-Request-ID": given})
    assert (said.headers["x-request-id"] == given) == is_kept
    assert len(said.headers["x-request-id"]) >= 5


def test_a_hidden_schema_is_told_nowhere(loaded: LoadedModel, row: Any) -> None:
    with TestClient(app_with(loaded, access={"hide_schema": True})) as client:
        assert client.get("/schema").status_code == client.get("/model").status_code == 404
        assert set(client.post("/predict", json=row).json()) == {"prediction", "probabilities"}
        said = client.post("/predict", json={"a": "x", "whol": 1, "kind": "mauve"}).text
        assert "is a text, not a number" in said
        for name in ("whole", "when", "flag", "red", "model/1"):
            assert name not in said
        assert "a column is missing" in said
        metrics = client.get("/metrics").text
    assert "model/1" not in metrics
    label = hashlib.sha256(b"model/1").hexdigest()[:12]
    for line in (
        f'assay_rows_total{{version="{label}"}} 1.0',
        f'assay_model{{version="{label}"}} 1.0',
    ):
        assert line in metrics


def test_pages_of_others_may_not_ask_unless_they_are_named(loaded: LoadedModel, row: Any) -> None:
    page = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    with TestClient(app_with(loaded)) as client:
        assert client.options("/predict", headers=page).status_code == 405
        said = client.post("/predict", json=row, headers=page)
        assert "access-control-allow-origin" not in said.headers
    with TestClient(app_with(loaded, access={"origins": ["https://app.example"]})) as client:
        said = client.options("/predict", headers=page)
        assert said.headers["access-control-allow-origin"] == "https://app.example"
        other = client.options("/predict", headers=page | {"Origin": "https://bad.example"})
        assert "access-control-allow-origin" not in other.headers


def test_what_is_not_there_and_other_methods_are_told_in_one_form(loaded: LoadedModel) -> None:
    with TestClient(app_with(loaded)) as client:
        missing, other = client.get("/nothing"), client.get("/predict")
        assert client.post("/predict/", follow_redirects=False).status_code == 404
    assert (missing.status_code, other.status_code) == (404, 405)
    assert other.headers["allow"] == "POST"
    for each in (missing, other):
        assert each.headers["content-type"] == "application/problem+json"
        assert each.json()["request_id"] == each.headers["x-request-id"]


def test_the_log_has_every_request_and_no_value_of_it(loaded: LoadedModel, row: Any) -> None:
    out = io.BytesIO()
    with TestClient(app_with(loaded, log=Log(out))) as client:
        client.post("/predict", json=row, headers={"X-Request-ID": "one"})
        client.post("/predict", json=row | {"kind": 77777}, headers={"X-Request-ID": "two"})
        client.post("/predict", json=row | {"kind": "mauve", "a": 1e9})
        client.post("/predict", json=row | {"when": "0000-88-77777"})
        metrics = client.get("/metrics").text
    first, second, third, *_ = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (first["request_id"], first["status"], first["n_rows"]) == ("one", 200, 1)
    assert first["version"] == "model/1"
    assert (second["request_id"], second["status"], second["n_problems"]) == ("two", 422, 1)
    assert third["n_warnings"] == 2
    assert "assay_warnings_total 2.0" in metrics
    assert b"77777" not in out.getvalue()
    assert 'assay_requests_total{path="/predict",status="200"} 2.0' in metrics
    assert 'assay_requests_total{path="/predict",status="422"} 2.0' in metrics
    assert 'assay_rows_total{version="model/1"} 2.0' in metrics
    assert 'assay_model{version="model/1"} 1.0' in metrics


class Remembering:
    """An observer that fails once, and remembers the rest."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()
        self.is_closed = False

    def observe(
        self, request_id: str, version: str, rows: Sequence[Any], predictions: Sequence[Any]
    ) -> None:
        self.threads.add(threading.current_thread().name)
        if request_id == "bad":
            raise RuntimeError("out of luck")
        self.seen.append((request_id, version, list(rows), list(predictions)))

    def close(self) -> None:
        self.is_closed = True


def test_observers_are_told_of_what_was_answered_and_hurt_nobody(
    loaded: LoadedModel, row: Any
) -> None:
    observer, out = Remembering(), io.BytesIO()
    app = app_with(loaded, observers=(observer,), log=Log(out, requests=False))
    with TestClient(app) as client:
        for name in ("bad", "good"):
            headers = {"X-Request-ID": name}
            said = client.post("/predict", json=row, headers=headers)
            assert said.status_code == 200
        client.post("/predict", json={"a": "x"})
    [(request_id, version, rows, predictions)] = observer.seen
    assert (request_id, version, rows) == ("good", "model/1", [row])
    assert predictions[0]["prediction"] == said.json()["prediction"]
    assert observer.is_closed
    assert observer.threads == {"observes"}
    assert b"out of luck" in out.getvalue()


def test_what_fails_inside_is_told_by_its_id_alone(loaded: LoadedModel, row: Any) -> None:
    """A router of somebody else that breaks, as any part of ours might."""

    class Broken:
        def choose(self, asked: Any) -> Any:
            raise KeyError("a secret of the server")

    out = io.BytesIO()
    app = app_with(loaded, log=Log(out, requests=False))
    app.state.router = Broken()
    with TestClient(app, raise_server_exceptions=False) as client:
        said = client.post("/predict", json=row, headers={"X-Request-ID": "q1"})
        assert client.get("/health").status_code == 200
    assert said.status_code == 500
    assert said.json()["title"] == "The server failed."
    assert "q1" in said.json()["mend"]
    assert "secret" not in said.text
    assert "Traceback" in out.getvalue().decode()
    assert "a secret of the server" in out.getvalue().decode()


def test_the_schema_describes_the_model(loaded: LoadedModel) -> None:
    with TestClient(app_with(loaded)) as client:
        told = client.get("/schema").json()
        model = client.get("/model").json()
    assert told["openapi"] == "3.1.0"
    row = told["components"]["schemas"]["Row"]
    assert row["required"] == ["a", "b", "c", "kind", "whole", "when", "flag"]
    assert row["properties"]["a"]["type"] == ["number", "null"]
    assert row["properties"]["kind"]["examples"] == ["blue", "green", "red", "", None]
    assert row["properties"]["flag"]["type"] == ["boolean", "null"]
    assert row["additionalProperties"] is False
    assert (model["version"], model["classes"], model["threshold"]) == (
        "model/1", ["no", "yes"], 0.4,
    )  # fmt: skip


def test_who_is_too_slow_is_not_told_and_nobody_waits(
    loaded: LoadedModel, row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Remembering):
        def observe(self, *told: Any) -> None:
            goes_on.wait(30)
            super().observe(*told)

    goes_on, observer = threading.Event(), Slow()
    monkeypatch.setattr("assay.serving.observing._MOST_ROWS", 50)
    with TestClient(app_with(loaded, observers=(observer,))) as client:
        for _ in range(10):
            assert client.post("/predict", json={"rows": [row] * 20}).status_code == 200
        metrics = client.get("/metrics").text
        goes_on.set()
    n = len(observer.seen)
    assert 2 <= n <= 3
    assert f"assay_observations_dropped_total {10 - n}.0" in metrics


def test_a_watch_that_fails_is_written_down(loaded: LoadedModel) -> None:
    from assay.serving.app import App

    async def failing(_: Any) -> None:
        raise RuntimeError("out of luck")

    out = io.BytesIO()
    known = app_with(loaded).state
    app = App(known.slots, known.settings, watches=[failing], log=Log(out, requests=False))
    with TestClient(app) as client:
        assert client.get("/health").status_code == 200
    assert b"out of luck" in out.getvalue()


def test_files_for_tls_that_cannot_be_used_are_told(loaded: LoadedModel, tmp_path: Any) -> None:
    from assay.serving import server

    access = {"certificate": str(tmp_path / "none.pem"), "private_key": str(tmp_path / "k.pem")}
    app = app_with(loaded, access=access)
    with pytest.raises(InputError, match="TLS cannot be used") as caught:
        server.made(app)
    assert "none.pem" in caught.value.where
