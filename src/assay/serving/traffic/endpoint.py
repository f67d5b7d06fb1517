"""The endpoint that takes outcomes: POST /feedback."""

from __future__ import annotations

import functools
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assay.errors import TrackingError
from assay.serving.body import form_of, whole_body
from assay.serving.exchange import Exchange
from assay.serving.json_body import strict_json
from assay.serving.openapi import JSON, posted
from assay.serving.own_threads import OwnThreads
from assay.serving.refusal import Refusal
from assay.serving.settings import ServingSettings
from assay.serving.traffic.feedback import MOST_AT_ONCE, Feedback, Taken, outcomes_in

PATH = "/feedback"
_THREADS = 4
"""An outcome may wait a moment for the note of its answer; others go on meanwhile."""


def feedback_route(feedback: Feedback, settings: ServingSettings) -> Route:
    """The path and what answers it.

    Args:
        feedback: Takes outcomes.
        settings: Of the server: its limits hold for outcomes too.
    """
    return Route(PATH, _Endpoint(feedback, settings), methods=["POST"])


def described() -> dict[str, Any]:
    """What the OpenAPI document says of the path."""
    outcome = {
        "type": "object",
        "properties": {
            "request_id": {"type": "string", "description": "The X-Request-ID of the answer."},
            "row": {"type": "integer", "minimum": 0, "default": 0},
            "outcome": {
                "type": ["string", "number", "boolean", "array"],
                "description": "What came true: the class, the number, or the list of labels.",
            },
        },
        "required": ["request_id", "outcome"],
        "additionalProperties": False,
    }
    several = {"type": "array", "items": outcome, "minItems": 1, "maxItems": MOST_AT_ONCE}
    count = {"type": "integer", "minimum": 0}
    text = {"type": "string"}
    untaken = {
        "type": "object",
        "properties": {"request_id": text, "row": count, "reason": text},
        "required": ["request_id", "row", "reason"],
    }
    taken = {
        "type": "object",
        "properties": {
            "taken": {**count, "description": "How many were new."},
            "known": {**count, "description": "How many were here already, the same."},
            "refused": {"type": "array", "items": untaken},
        },
        "required": ["taken", "known", "refused"],
    }
    path = posted("Tell what came true.", {JSON: {"anyOf": [outcome, several]}}, taken)
    refused = path["responses"]["422"]
    refused["description"] = "Some outcomes were refused, each with its reason; or none was read."
    refused["content"][JSON] = {"schema": taken}
    return {"post": path}


class _Endpoint:
    """Answers 200 if every outcome is on the disk, 422 with the reasons if some were refused."""

    def __init__(self, feedback: Feedback, settings: ServingSettings) -> None:
        self._feedback = feedback
        self._settings = settings
        self._threads = OwnThreads("feedback", _THREADS, settings.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        form_of(exchange.headers, self._settings.access, only="json")
        body = await whole_body(receive, exchange.headers, self._settings.limits)
        taken = await self._threads.do(functools.partial(self._taken, body))
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
