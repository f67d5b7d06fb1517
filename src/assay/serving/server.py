"""The server: uvicorn on a socket, which ends when it is asked to, after its last answer."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from assay.errors import InputError
from assay.serving.app import App
from assay.serving.connection import connections_with
from assay.serving.settings import Access

_LINGER_S = 1.0
"""How long idle connections are kept when the server ends: a request may be on its way."""
_CLOSING_S = 3.0
"""How long what is left may take after that: answers that observers were told of are written."""
_OURS = "predicts", "observes", "assay-traffic", "asyncio"
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


def refuse_unusable_tls(access: Access) -> None:
    """Look at the files for TLS, if there are any.

    Raises:
        InputError: They cannot be used.
    """
    if access.certificate is None:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(access.certificate, access.private_key, _refuse_encrypted)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise InputError(
            f"TLS cannot be used: {error}",
            where=f"access.certificate: {access.certificate}, access.private_key: "
            f"{access.private_key}",
            mend="name a certificate and its key, both in PEM",
        ) from None


def _refuse_encrypted() -> str:
    """Called for the password of a key, which would else be asked for at the terminal."""
    raise InputError(
        "TLS cannot be used: the private key is encrypted, and there is nobody to ask.",
        where="serving.access.private_key",
        mend="write it without a password: openssl pkey -in KEY -out PLAIN",
    )


def made(app: App) -> Server:
    """The server of an app, ready to run.

    Raises:
        InputError: The files for TLS cannot be used.
    """
    settings = app.state.settings
    refuse_unusable_tls(settings.access)
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
    config.load()
    return Server(config, app)


class Server(uvicorn.Server):
    """Ends in steps, so that nobody who was let in is turned away; and in time, whatever hangs."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app
        self._deadline: threading.Timer | None = None

    def serve_at(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT, and at most as long thereafter as `grace_s` says.

        The process ends if something does not by then: a prediction that goes on, an observer.
        """
        try:
            self.run(sockets=[listener])
            self._app.state.prediction.wait()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        settings = self._app.state.settings
        self._app.end()
        seconds = settings.drain_s + _LINGER_S + settings.grace_s + _CLOSING_S
        self._deadline = threading.Timer(seconds, self._leave)
        self._deadline.daemon = True
        self._deadline.start()
        self._app.state.log.write("info", "ending", in_flight=len(self.server_state.tasks))
        await asyncio.sleep(settings.drain_s)
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + _LINGER_S
        while self.server_state.connections and loop.time() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
        self._app.state.log.write("info", "ended")

    def _leave(self) -> None:
        """Python would wait for its threads, for ever."""
        at_work = [each.name for each in threading.enumerate() if each.name.startswith(_OURS)]
        self._app.state.log.write("warning", "ended before all was done", at_work=at_work)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(0)

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
