"""The endpoints: what is answered under each path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assay.serving.answering import answer_to
from assay.serving.body import form_of, whole_body
from assay.serving.exchange import Exchange
from assay.serving.openapi import JSON, MEDIA_TYPES
from assay.serving.refusal import Refusal
from assay.serving.router import Slot
from assay.serving.state import ServerState

_JSON = JSON.encode()
_Answer = Callable[[ServerState, Exchange, Receive, Send], Awaitable[None]]


def routes(state: ServerState) -> list[Route]:
    """The paths and what answers them."""
    posted = {"/predict": _predict, "/predict/batch": _predict_batch}
    got = {
        "/health": _health,
        "/ready": _ready,
        "/metrics": _metrics,
        "/schema": _schema,
        "/model": _model,
    }
    return [
        Route(path, _Endpoint(state, answer), methods=[method])
        for method, paths in (("POST", posted), ("GET", got))
        for path, answer in paths.items()
    ]


class _Endpoint:
    """Answers requests to one path, without what Starlette makes for handlers that are functions.

    Args:
        state: Of the server.
        answer: What it does.
    """

    def __init__(self, state: ServerState, answer: _Answer) -> None:
        self._state = state
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(self._state, Exchange.of(scope), receive, send)


async def _predict(state: ServerState, exchange: Exchange, receive: Receive, send: Send) -> None:
    """One row, or several: {"rows": [...]}."""
    form = form_of(exchange.headers, state.settings.access, only="json")
    body = await whole_body(receive, exchange.headers, state.settings.limits)
    told = await answer_to(state, exchange, body, form, takes_one=True)
    await exchange.answer(send, told, _JSON)


async def _predict_batch(
    state: ServerState, exchange: Exchange, receive: Receive, send: Send
) -> None:
    """A table, as JSON, Arrow or Parquet; the answer has the same form."""
    form = form_of(exchange.headers, state.settings.access)
    body = await whole_body(receive, exchange.headers, state.settings.limits)
    told = await answer_to(state, exchange, body, form, takes_one=False)
    await exchange.answer(send, told, MEDIA_TYPES[form].encode())


async def _health(_: ServerState, exchange: Exchange, __: Receive, send: Send) -> None:
    await exchange.answer(send, b'{"status":"alive"}', _JSON)


async def _ready(state: ServerState, exchange: Exchange, _: Receive, send: Send) -> None:
    """Whether it takes requests: not when it is about to end."""
    if state.ends:
        raise Refusal(503, "The server ends.", "ask another one")
    await exchange.answer(send, b'{"status":"ready"}', _JSON)


async def _metrics(state: ServerState, exchange: Exchange, _: Receive, send: Send) -> None:
    text = state.metrics.text()
    await exchange.answer(send, text, b"text/plain; version=0.0.4; charset=utf-8")


async def _schema(state: ServerState, exchange: Exchange, _: Receive, send: Send) -> None:
    _refuse_if_hidden(state)
    own = state.slots[0].model.schema
    told = {**own, "paths": {**own["paths"], **state.paths}}
    await exchange.answer(send, orjson.dumps(told), _JSON)


async def _model(state: ServerState, exchange: Exchange, _: Receive, send: Send) -> None:
    """Which models answer, and what became of the last swap."""
    _refuse_if_hidden(state)
    first, *others = [_described(slot) for slot in state.slots]
    await exchange.answer(send, orjson.dumps({**first, "others": others}), _JSON)


def _described(slot: Slot) -> dict[str, Any]:
    served = slot.model
    return {
        "reference": served.reference,
        "version": served.version,
        "digest": served.digest,
        "task": served.loaded.schema.task.value,
        "target": served.loaded.schema.target,
        "classes": list(served.loaded.classes),
        "threshold": served.loaded.threshold,
        "compiled": served.predictor.is_compiled,
        "not_compiled_because": served.predictor.reason or None,
        "loaded_s_ago": round(time.time() - served.loaded_at, 3),
        "failed_swap": slot.failure,
    }


def _refuse_if_hidden(state: ServerState) -> None:
    if state.settings.access.hide_schema:
        raise Refusal(404, "There is nothing here.", "ask whoever runs the server")
