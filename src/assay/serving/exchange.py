"""An exchange: one request and its answer; its id, its key, its metrics, its line in the log.

This is the outermost layer of the app: whatever happens inside, one answer goes out, and nothing of
the server's inside with it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.serving.access import Keys
from assay.serving.log import Log
from assay.serving.metrics import Metrics
from assay.serving.refusal import MEDIA_TYPE, Refusal

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_INSIDE = "assay.exchange"


class ClientGone(Exception):  # noqa: N818 - an end, no failure
    """The client went away before it had sent everything: nobody waits for an answer."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request while it is answered.

    Attributes:
        request_id: As the client gave it, or made up.
        headers: Of the request, names in lower case; of several with a name, the last.
        status: That was answered; 0 before.
        facts: More for the log.
    """

    request_id: str
    headers: Mapping[bytes, bytes]
    status: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope) -> Exchange:
        """That of the request at hand."""
        exchange: Exchange = scope[_INSIDE]
        return exchange

    async def answer(self, send: Send, body: bytes, media_type: bytes) -> None:
        """Send an answer that is no refusal."""
        headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def refused(self, refusal: Refusal) -> Response:
        """The answer that a refusal is."""
        self.facts["problem"] = refusal.log
        if refusal.n_problems:
            self.facts["n_problems"] = refusal.n_problems
        body, headers = refusal.body(self.request_id), dict(refusal.headers)
        return Response(body, refusal.status, headers, MEDIA_TYPE)

    def failed(self) -> Response:
        """The answer where what was not to happen has: the log has all of it, by the id."""
        mend = f"ask whoever runs it, and name the request id {self.request_id}"
        return self.refused(Refusal(500, "The server failed.", mend))


class Exchanges:
    """Wraps the app.

    Args:
        app: What answers.
        keys: Who may ask.
        metrics: What is counted.
        log: What is written down.
    """

    def __init__(self, app: ASGIApp, keys: Keys, metrics: Metrics, log: Log) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._log = log
        self.n_under_way = 0
        self.ends = False
        """Whether the server is to end: connections are then closed after their answer."""
        metrics.in_flight.set_function(lambda: self.n_under_way)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        exchange = Exchange(_request_id(headers), headers)
        scope[_INSIDE] = exchange
        own = (b"x-request-id", exchange.request_id.encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"].append(own)
                if self.ends:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        self.n_under_way += 1
        try:
            self._keys.check(scope["path"], headers)
            await self._app(scope, receive, sending)
        except Refusal as refusal:
            await exchange.refused(refusal)(scope, receive, sending)
        except Exception as error:
            self._log.failure("a request failed", error, request_id=exchange.request_id)
            if exchange.status == 0:
                await exchange.failed()(scope, receive, sending)
        finally:
            self.n_under_way -= 1
            self._note(scope, exchange, time.perf_counter() - began)

    def _note(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        path = scope["path"]
        self._metrics.answered(path, exchange.status, seconds)
        if "n_problems" in exchange.facts:
            self._metrics.problems.inc(exchange.facts["n_problems"])
        if self._log.requests:
            self._log.write(
                "info",
                "request",
                request_id=exchange.request_id,
                method=scope["method"],
                path=path[:200],
                status=exchange.status,
                ms=round(seconds * 1000, 3),
                **exchange.facts,
            )


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else os.urandom(12).hex()
