"""The server: uvicorn on a socket, which ends when it is asked to, after its last answer."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from assay.errors import InputError
from assay.serving.app import App
from assay.serving.connection import connections_with
from assay.serving.settings import Access

_LINGER_S = 1.0
"""How long idle connections are kept when the server ends: a request may be on its way."""
_BACKLOG = 2048


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free.

    Raises:
        InputError: It cannot: the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise InputError(
            f"The server cannot listen at {host}, port {port}: {error.strerror or error}.",
            mend="name another: --port 0 takes any that is free",
        ) from None


def run(app: App, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        app: What answers.
        listener: Where it listens.

    Raises:
        InputError: The files for TLS cannot be used.
    """
    settings = app.state.settings
    app.state.log.take_over("uvicorn", "uvicorn.error", "assay.serving.traffic")
    config = uvicorn.Config(
        app,
        http=connections_with(settings.limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.limits.connections,
        timeout_keep_alive=max(1, round(settings.limits.idle_s)),
        timeout_graceful_shutdown=max(1, round(settings.grace_s)),
        ssl_certfile=settings.access.certificate,
        ssl_keyfile=settings.access.private_key,
    )
    _load(config, settings.access)
    _Server(config, app).run(sockets=[listener])


def _load(config: uvicorn.Config, access: Access) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"TLS cannot be used: {error}",
            where=f"access.certificate: {access.certificate}, access.private_key: "
            f"{access.private_key}",
            mend="name a certificate and its key, both in PEM",
        ) from None


class _Server(uvicorn.Server):
    """Ends in steps, so that nobody who was let in is turned away."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.end()
        self._app.state.log.write("info", "ending", in_flight=len(self.server_state.tasks))
        await asyncio.sleep(self._app.state.settings.drain_s)
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + _LINGER_S
        while self.server_state.connections and loop.time() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
        self._app.state.log.write("info", "ended")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, which raises the signal anew in the end: here to be ended is no failure."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
