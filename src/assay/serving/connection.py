"""Connections: uvicorn's, with an end for those who send slowly, or a head without end.

uvicorn closes connections that idle between two requests. It waits for ever for a head or a body
that was begun, and keeps a head of any size; here both have a limit, also the lines after a body.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from assay.serving.settings import Limits

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: 81\r\n\r\n"
    b'{"title":"The head of the request is too large.","status":431,"mend":"send less"}'
)
_OVERHEAD = 8
"""Bytes for each byte of a body that chunks may need."""


def connections_with(limits: Limits) -> type[HttpToolsProtocol]:
    """The class of connections that keep these limits."""
    return type("LimitedConnection", (_Connection,), {"limits": limits})


class _Connection(HttpToolsProtocol):
    limits: Limits
    _timer: asyncio.TimerHandle | None = None
    _is_reading = False
    """Whether a message was begun that is not whole yet."""
    _in_head = False
    _n_fed = 0
    _n_body = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._give(self.limits.headers_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._give(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._n_fed += len(data)
        super().data_received(data)
        if self._is_reading:
            overhead = self._n_fed - self._n_body - _OVERHEAD * self._n_body
            if overhead > self.limits.headers_kib * 1024 and not self.transport.is_closing():
                if self._in_head:
                    self.transport.write(_TOO_LARGE)
                self.transport.close()
            elif self._timer is None:
                self._give(self.limits.headers_s if self._in_head else self._body_s)
        elif self._timer is not None:
            self._give(None)

    def on_message_begin(self) -> None:
        self._is_reading = self._in_head = True
        self._n_fed = self._n_body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._give(None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._n_body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_reading = False
        super().on_message_complete()

    @property
    def _body_s(self) -> float:
        """A little longer than the app waits, which answers 408."""
        return self.limits.body_s + 5

    def _give(self, seconds: float | None) -> None:
        """From now on the client has so much time; as much as it wants if None."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._late) if seconds is not None else None

    def _late(self) -> None:
        self._timer = None
        self.transport.close()
