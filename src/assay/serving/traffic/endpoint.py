"""The endpoint that takes outcomes: POST /feedback."""

from __future__ import annotations

import asyncio

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assay.errors import TrackingError
from assay.serving.body import form_of, whole_body
from assay.serving.exchange import Exchange
from assay.serving.json_body import strict_json
from assay.serving.openapi import JSON
from assay.serving.refusal import Refusal
from assay.serving.settings import ServingSettings
from assay.serving.traffic.feedback import Feedback, Taken, outcomes_in

PATH = "/feedback"


def feedback_route(feedback: Feedback, settings: ServingSettings) -> Route:
    """The path and what answers it.

    Args:
        feedback: Takes outcomes.
        settings: Of the server: its limits hold for outcomes too.
    """
    return Route(PATH, _Endpoint(feedback, settings), methods=["POST"])


class _Endpoint:
    """Answers 200 if every outcome is on the disk, 422 with the reasons if some were refused."""

    def __init__(self, feedback: Feedback, settings: ServingSettings) -> None:
        self._feedback = feedback
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        form_of(exchange.headers, self._settings.access, only="json")
        body = await whole_body(receive, exchange.headers, self._settings.limits)
        taken = await asyncio.to_thread(self._taken, body)
        exchange.facts |= {"n_taken": taken.taken, "n_known": taken.known}
        status = 422 if taken.refused else 200
        answer = Response(orjson.dumps(taken.as_dict()), status, media_type=JSON)
        await answer(scope, receive, send)

    def _taken(self, body: bytes) -> Taken:
        outcomes = outcomes_in(strict_json(body, self._settings.limits.depth))
        try:
            return self._feedback.take(outcomes)
        except TrackingError:
            what, mend = "Outcomes cannot be kept at the moment.", "send the same again later"
            raise Refusal(503, what, mend) from None
