"""The app: a model behind paths, as an ASGI application that any ASGI server runs."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.inference.strictness import RowsUnlikeTraining
from assay.serving.access import Keys
from assay.serving.endpoints import routes as own_routes
from assay.serving.exchange import ClientGone, Exchange, Exchanges
from assay.serving.log import Log
from assay.serving.metrics import Metrics
from assay.serving.observer import Observer
from assay.serving.observing import Observing
from assay.serving.prediction import Prediction
from assay.serving.refusal import Refusal
from assay.serving.router import OneModel, Router, Slot
from assay.serving.settings import ServingSettings
from assay.serving.state import ServerState

_MENDS = {404: "GET /schema tells which paths there are", 405: "ask by the method that Allow names"}
_Watch = Callable[[ServerState], Coroutine[Any, Any, None]]


class App:
    """The application, and what whoever runs it has to know.

    Args:
        slots: The models; the first is the one that the server was asked for.
        settings: How it behaves.
        router: Chooses among the models; the first answers everything if None.
        observers: Are told of what was answered.
        routes: More paths, for instance one that takes outcomes.
        paths: What the OpenAPI document says of these.
        watches: Go on beside the requests until the server ends.
        log: Where it writes; stderr if None.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        settings: ServingSettings,
        *,
        router: Router | None = None,
        observers: Sequence[Observer] = (),
        routes: Sequence[BaseRoute] = (),
        paths: Mapping[str, Any] = {},
        watches: Sequence[_Watch] = (),
        log: Log | None = None,
    ) -> None:
        # each answer tells of its own rows
        warnings.filterwarnings("ignore", category=RowsUnlikeTraining)
        self._watches = watches
        self._lasts_s = settings.drain_s + settings.grace_s
        self._ends_at = 0.0
        metrics = Metrics(hides=settings.access.hide_schema)
        log = log or Log(requests=settings.log_requests)
        self.state = ServerState(
            settings=settings,
            slots=slots,
            router=router or OneModel(slots[0]),
            prediction=Prediction(settings, lambda: self._exchanges.n_under_way),
            observing=Observing(observers, log, metrics.dropped.inc),
            metrics=metrics,
            log=log,
            paths=paths,
        )
        for slot in slots:
            metrics.served(slot.model.version)
        inner = Starlette(
            routes=[*own_routes(self.state), *routes],
            exception_handlers=_HANDLERS,
            lifespan=self._lifespan,
        )
        inner.router.redirect_slashes = False  # to an address that the client made up
        self._exchanges = Exchanges(inner, Keys(settings.access), metrics, log)
        self._outer: ASGIApp = self._exchanges
        if settings.access.origins:
            self._outer = CORSMiddleware(
                self._exchanges,
                allow_origins=settings.access.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
                expose_headers=["X-Request-ID"],
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._outer(scope, receive, send)

    def end(self) -> None:
        """The server is about to end: /ready says so, and connections close after their answer."""
        self.state.ends = self._exchanges.ends = True
        self._ends_at = time.monotonic() + self._lasts_s

    @property
    def _patience_s(self) -> float:
        """What is left of the time to end; all of it where the server of someone else ends."""
        return max(1.0, self._ends_at - time.monotonic()) if self.state.ends else self._lasts_s

    async def _watched(self, watch: _Watch) -> None:
        """Go on beside the requests; what fails there is written down, and no request does."""
        try:
            await watch(self.state)
        except Exception as error:
            self.state.log.failure("a watch ended", error)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._watched(watch)) for watch in self._watches
        ]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.state.prediction.close()
        self.state.observing.close(self._patience_s)


async def _refused(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself, in our form."""
    assert isinstance(error, HTTPException)
    mend = _MENDS.get(error.status_code, "look at the request")
    headers = dict(error.headers or {})
    refusal = Refusal(error.status_code, f"{error.detail}.", mend, headers=headers)
    return Exchange.of(request.scope).refused(refusal)


async def _gone(request: Request, _: Exception) -> Response:
    """Nobody reads it; 499 is what others write into their logs for that."""
    Exchange.of(request.scope).facts["problem"] = "The client went away."
    return Response(status_code=499)


async def _failed(request: Request, _: Exception) -> Response:
    """Starlette raises the error again, so that the exchange writes it down."""
    return Exchange.of(request.scope).failed()


async def _answered(request: Request, error: Exception) -> Response:
    """A refusal of ours."""
    assert isinstance(error, Refusal)
    return Exchange.of(request.scope).refused(error)


_HANDLERS: dict[Any, Any] = {
    Refusal: _answered,
    HTTPException: _refused,
    ClientGone: _gone,
    Exception: _failed,
}
