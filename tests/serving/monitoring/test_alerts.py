"""Alerts: told once, signed, tried again, encrypted to others; a dead webhook stops nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.errors import InputError
from assay.inference.reference import FEATURE, LOSS, SCORE
from assay.serving.monitoring import alerts
from assay.serving.monitoring.alarms import Alarm

ALARM = Alarm(
    name="age", role=FEATURE, kind="numeric", what="values", began=480_000, raised=480_002,
    last=480_005, is_open=True, window_h=6, n=300, p=1e-9, size=0.6, before=38.0, after=44.0,
    level=None,
)  # fmt: skip


class Receiver:
    """A webhook on this machine."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=hidden"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def test_a_message_arrives_and_is_signed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(alerts.SECRET_VARIABLE, "between us")
    delivery = alerts.send(receiver.url, {"alarms": [ALARM.as_dict()]}, 1)
    assert (delivery.arrived, delivery.tries, delivery.to) == (True, 1, "127.0.0.1")
    [(headers, body)] = receiver.heard
    [told] = json.loads(body)["alarms"]
    assert told["said"] == "'age' is typically 44.0, in training 38.0."
    assert told["began"] == "2024-10-04T00:00:00+00:00"
    assert headers["Content-Type"] == "application/json"
    signed = f"{headers['X-Assay-Timestamp']}.".encode() + body
    expected = hmac.new(b"between us", signed, hashlib.sha256).hexdigest()
    assert headers["X-Assay-Signature"] == f"sha256={expected}"


def test_without_a_secret_nothing_is_signed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(alerts.SECRET_VARIABLE, raising=False)
    alerts.send(receiver.url, {}, 0)
    assert "X-Assay-Signature" not in receiver.heard[0][0]


def test_it_is_tried_again_where_that_may_help(receiver: Receiver) -> None:
    waits: list[float] = []
    receiver.answers = [503, 429]
    assert alerts.send(receiver.url, {}, 1, waits.append) == alerts.Delivery("127.0.0.1", 1, 3, "")
    assert waits == [1.0, 4.0]
    receiver.answers = [500, 500, 500]
    assert alerts.send(receiver.url, {}, 1, waits.append).failure == "it answers 500"
    receiver.answers = [404]
    assert alerts.send(receiver.url, {}, 1, waits.append).tries == 1


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    delivery = alerts.send(receiver.url, {}, 1)
    assert (delivery.failure, len(receiver.heard)) == ("it answers 302", 1)


def test_nobody_there_is_an_answer_and_no_error(receiver: Receiver) -> None:
    url = "http://127.0.0.1:9/hook"
    delivery = alerts.send(url, {}, 2, lambda _: None)
    assert (delivery.tries, delivery.arrived) == (3, False)
    assert "refused" in delivery.failure


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.example.com/x", "would be told unencrypted: http to hooks.example.com"),
        ("http://127.0.0.1.example.com/x", "unencrypted"),
        ("ftp://127.0.0.1/x", "no address"),
        ("hooks.example.com", "no address"),
        ("https://", "no address"),
        ("https://ann:hidden@hooks.example.com/", "holds a name or a password"),
        ("https://host:port/", "no address"),
    ],
)
def test_addresses_that_alarms_must_not_go_to_are_refused(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        alerts.check_webhook(url)
    assert refused.value.where == "--webhook"
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x",
        "http://localhost:8080/",
        "http://[::1]:1/",
        "http://127.0.0.2/",
    ],
)
def test_others_are_not(url: str) -> None:
    alerts.check_webhook(url)


def test_an_alarm_is_told_once_however_long_it_lasts(tmp_path: Path) -> None:
    other = replace(ALARM, name="income")
    closed = replace(ALARM, name="closed", is_open=False)
    assert alerts.news("m/1", [ALARM, closed], tmp_path) == [ALARM]
    alerts.remember("m/1", [ALARM, closed], [], tmp_path)
    assert alerts.news("m/1", [ALARM], tmp_path) == [ALARM], "it did not arrive"
    alerts.remember("m/1", [ALARM], [ALARM], tmp_path)
    assert alerts.news("m/1", [ALARM, other], tmp_path) == [other]
    assert alerts.news("m/2", [ALARM], tmp_path) == [ALARM], "another version is another matter"
    for day in range(60):  # its beginning is forgotten in time, as samples are
        ongoing = replace(ALARM, raised=480_002 + 24 * max(0, day - 30), last=480_005 + 24 * day)
        assert alerts.news("m/1", [ongoing], tmp_path) == []
        alerts.remember("m/1", [ongoing], [], tmp_path)
    again = replace(ALARM, raised=490_000, last=490_001)
    assert alerts.news("m/1", [again], tmp_path) == [again]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "'age' is typically 44.0, in training 38.0."),
        ({"kind": "text"}, "'age' is typically 44.0 characters long, in training 38.0."),
        ({"after": 38.0}, "'age' is spread otherwise about the same middle, 38.0."),
        ({"what": "missing", "before": 0.0, "after": 0.25},
         "'age' is missing in 25\u202f% of rows, in training in 0\u202f%."),
        ({"level": "red", "before": 0.5, "after": 0.25},
         "'age' is 'red' in 25\u202f% of rows, in training in 50\u202f%."),
        ({"role": LOSS, "name": "log loss"},
         "The log loss is typically 44.0, in training 38.0: predictions are worse."),
        ({"role": SCORE, "name": "predicted value"},
         "Predicted value is typically 44.0, in training 38.0."),
    ],
)  # fmt: skip
def test_an_alarm_says_what_changed(changed: dict[str, Any], said: str) -> None:
    assert replace(ALARM, **changed).said == said


def test_notes_that_cannot_be_read_tell_once_too_often_rather_than_not(tmp_path: Path) -> None:
    (tmp_path / alerts.TOLD_FILE).write_text("{broken")
    assert alerts.news("m/1", [ALARM], tmp_path) == [ALARM]
