"""A real server under load: models are swapped, slow clients shown out, and it ends in order."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.data.schema import Task
from assay.errors import InputError, NotFoundError
from assay.place import Place
from assay.registry.pointing import version_named
from assay.serving_models import read_settings, serve
from assay.tracking.mlflow_client import DIGEST, client
from tests.tables import table

ROW = {"a": 0.1, "b": 0.2, "c": 0.3, "kind": "red", "whole": 3}
SETTINGS = """
serving:
  poll_s: 0.1
  limits: {headers_s: 1, body_s: 1, headers_kib: 8}
"""
PATIENCE_S = 60


class Clients:
    """Ask without a pause, over connections that are kept; note every answer that is no 200."""

    def __init__(self, port: int) -> None:
        self.versions: list[str] = []
        self.failures: list[str] = []
        self.n = 0
        self._stops = False
        self._threads = [threading.Thread(target=self._ask, args=(port,)) for _ in range(4)]

    def __enter__(self) -> Clients:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stops = True
        for each in self._threads:
            each.join(PATIENCE_S)

    def _ask(self, port: int) -> None:
        body = json.dumps(ROW)
        while not self._stops:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.connect()
            except OSError:
                return  # nobody listens any more: this request was never made
            with closing(connection):
                while not self._stops and connection.sock is not None:
                    self._exchange(connection, body)

    def _exchange(self, connection: http.client.HTTPConnection, body: str) -> None:
        try:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
            connection.close()
            return
        self.n += 1
        if answer.status == 200:
            self.versions.append(json.loads(text)["model"])
        else:
            self.failures.append(text.decode())


@pytest.fixture
def registered(workspace: Path) -> Callable[[int], None]:
    """Two versions of a model and a broken third; gives what moves the stage."""
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200},
                "data": {"split": {"folds": 2}}}  # fmt: skip
    for seed in (0, 1):
        frame = table(Task.BINARY, seed=seed)
        run = assay.train(frame, target="y", learner="linear", settings=settings, checks=[])
        version = assay.register(run, "m")
    asked = client(Place.to_find().uri)
    last = asked.get_model_version("m", str(version.version))
    tags = {**last.tags, DIGEST: "0" * 64}
    asked.create_model_version("m", source=last.source, run_id=last.run_id, tags=tags)
    move = lambda number: asked.set_registered_model_alias("m", "production", str(number))  # noqa: E731
    move(1)
    return move


@contextmanager
def serving(folder: Path, model: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, and the port at which it listens."""
    (folder / "serving.yaml").write_text(SETTINGS)
    command = [sys.executable, "-m", "assay", "serve", model, "--port", "0", "--json"]
    command += ["--settings", str(folder / "serving.yaml")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(os.environ)
        )
    assert process.stdout is not None
    try:
        told = ""
        while not told.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()
            told += line
        yield process, int(json.loads(told)["url"].rpartition(":")[2])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def model_of(port: int) -> dict[str, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/model")
        return json.loads(connection.getresponse().read())


def sent(port: int, *pieces: bytes) -> bytes:
    """What is answered until the server closes the connection; pieces are sent in turn."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        answer = b""
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.slow
def test_no_request_fails_while_models_are_swapped_and_the_server_ends(
    registered: Callable[[int], None], tmp_path: Path
) -> None:
    uri = Place.to_find().uri
    assert (version_named(uri, "m@production"), version_named(uri, "m")) == ("m/1", "m/3")
    for reference in ("m@nothing", "nothing@production", "nothing"):
        with pytest.raises(NotFoundError, match=f"No version is {reference} now"):
            version_named(uri, reference)
    with serving(tmp_path, "m@production") as (process, port):
        with Clients(port) as clients:
            until(lambda: "m/1" in clients.versions)
            registered(2)
            until(lambda: clients.versions[-1] == "m/2")
            registered(3)
            until(lambda: model_of(port)["failed_swap"] is not None)
            told = model_of(port)
            assert "m/3: The model m/3 was changed after it was saved." in told["failed_swap"]
            n = clients.n
            until(lambda: clients.n > n + 50)
            assert clients.versions[-1] == told["version"] == "m/2"
            slow_clients_are_shown_out(port)
            registered(1)
            until(lambda: clients.versions[-1] == "m/1")
            assert model_of(port)["failed_swap"] is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        assert clients.failures == []
        assert set(clients.versions) == {"m/1", "m/2"}
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()[1:]]
    events = [each["event"] for each in log if each["event"] != "request"]
    assert events[:2] == ["model swapped", "model not swapped"]
    assert events[-3:] == ["model swapped", "ending", "ended"]
    assert sum(each["event"] == "request" and each["status"] == 200 for each in log) >= clients.n


def slow_clients_are_shown_out(port: int) -> None:
    """Who sends half a head or half a body, or a head without end."""
    head = b"POST /predict HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\n"
    began = time.monotonic()
    assert sent(port, head) == b""
    assert sent(port, b"") == b""
    late = sent(port, head + b'Content-Length: 100\r\n\r\n{"a":')
    assert late.startswith(b"HTTP/1.1 408 ")
    assert b"The body did not come within 1 s." in late
    assert time.monotonic() - began < 20
    assert b"431 Request Header Fields Too Large" in sent(port, head, b"X: " + b"x" * 200_000)
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    assert sent(port, chunked, b"X: y\r\n" * 20_000).count(b"HTTP/1.1 200") == 0
    assert sent(port, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_what_cannot_be_served_is_told_before_anything_starts(
    tmp_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFoundError, match="There is no model 'nothing'"):
        serve("nothing", port=0)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1, port {port}") as caught:
            serve("nothing", port=port)
    assert "--port 0" in caught.value.mend
    path = tmp_path / "serving.yaml"
    with pytest.raises(NotFoundError, match=r"There is no file .*serving\.yaml"):
        read_settings(path)
    path.write_text("limits: {rows: 3}")
    with pytest.raises(InputError, match="has no block serving"):
        read_settings(path)
    path.write_text("serving: {limits: {row: 3}, poll_s: never}")
    with pytest.raises(InputError, match="has 2 problems") as caught:
        read_settings(path)
    assert "serving.limits.row is not a known key" in caught.value.where
    assert "serving.poll_s is never" in caught.value.where
