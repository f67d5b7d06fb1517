"""The OpenAPI 3.1 document of a server, made of what its model knows of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from assay.data.schema import Column, Task
from assay.inference.loading import LoadedModel
from assay.serving.settings import ServingSettings

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MEDIA_TYPES = {"json": JSON, "arrow": ARROW, "parquet": PARQUET}
_PROBLEM = "application/problem+json"
_MOST_LEVELS = 200
_REFUSED = {
    "400": "The body is no JSON, has a key twice, or is nested too deeply.",
    "401": "The key is missing or wrong.",
    "404": "There is nothing here.",
    "405": "This is asked for by another method.",
    "408": "The body came too slowly.",
    "413": "The body is too large.",
    "415": "The body has a form that is not read.",
    "422": "The rows do not fit the model, or are too many: every problem of every row.",
    "431": "The head of the request is too large.",
    "500": "The server failed; its log says why, by the request id.",
    "503": "Too many requests are waiting, the answer took too long, or the server ends.",
}


def document(loaded: LoadedModel, settings: ServingSettings) -> dict[str, Any]:
    """The document.

    Args:
        loaded: The model.
        settings: Of the server; where they hide the schema, columns are not told.
    """
    hides = settings.access.hide_schema
    forms = [MEDIA_TYPES[form] for form in settings.access.forms]
    rows = {"type": "object", "properties": {"rows": _rows(settings)}, "required": ["rows"]}
    schemas = {
        "Row": {"type": "object"} if hides else _row(loaded, settings),
        "Rows": {**rows, "additionalProperties": False},
        "Answer": _answer(loaded),
        "Answers": _answers(),
        "Refusal": _refusal(),
    }
    one_or_many = {"anyOf": [_named("Row"), _named("Rows")]}
    told = {"anyOf": [_named("Answer"), _named("Answers")]}
    paths: dict[str, Any] = {
        "/predict": {"post": posted("Predict a row, or several.", {JSON: one_or_many}, told)},
        "/predict/batch": {"post": _batch(forms)},
        "/health": {"get": _got("The process lives.", "application/json")},
        "/ready": {"get": _got("It takes requests.", "application/json")},
        "/metrics": {"get": _got("Counts and times, for Prometheus.", "text/plain")},
    }
    if not hides:
        paths["/schema"] = {"get": _got("This document.", "application/json")}
        paths["/model"] = {"get": _got("Which model answers.", "application/json")}
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "A model of Assay" if hides else f"Predictions of {loaded.schema.target}",
            "version": version("assay-ml") if hides else loaded.name,
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": schemes},
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _row(loaded: LoadedModel, settings: ServingSettings) -> dict[str, Any]:
    about = loaded.about
    policies: Mapping[str, str] = about["policies"]
    properties = {
        column.name: _cell(column, about["seen"][column.name], policies)
        for column in loaded.schema.features
    }
    known: dict[str, Any] = {
        each.name: {} for each in loaded.schema.columns if each.name not in properties
    }
    needed = list(properties) if policies["missing_column"] == "error" else []
    return {
        "type": "object",
        "properties": {**properties, **known},
        "required": needed,
        "additionalProperties": settings.extra_column != "error",
    }


def _cell(column: Column, seen: Mapping[str, Any], policies: Mapping[str, str]) -> dict[str, Any]:
    kind, _, form = column.read_as.partition(" ")
    types = {"numeric": "number", "categorical": "string", "text": "string", "datetime": "string"}
    described: dict[str, Any] = {"type": [types.get(kind, "string")]}
    if form == "truth":
        described["type"] = ["boolean"]
    elif form == "number":
        described["type"] = ["number"]
    if kind == "datetime":
        described["description"] = f"A date, written as {form or 'ISO 8601'}."
        described["examples"] = ["2026-01-31"] if not form else []
        if column.stored == "integer":
            described["type"].append("integer")
    elif kind == "image":
        described = {
            "type": ["string", "array"],
            "contentEncoding": "base64",
            "description": "The file in base64, or its pixels.",
        }
    has_gaps = seen["gaps"] or kind == "text" or policies["unexpected_null"] != "error"
    if has_gaps:
        described["type"].append("null")
    levels = seen.get("levels")
    is_closed = policies["unseen_category"] == "error" and not form
    if levels is not None and len(levels) <= _MOST_LEVELS and not form:
        known = [*levels, *(["", None] if has_gaps else [])]
        described["enum" if is_closed else "examples"] = known
    if "low" in seen and kind == "numeric" and not form:
        described["description"] = f"Seen was {seen['low']:.6g} to {seen['high']:.6g}."
    return described


def _answer(loaded: LoadedModel) -> dict[str, Any]:
    label = {str: "string", bool: "boolean", int: "integer"}
    classes = loaded.schema.classes
    told: dict[str, Any] = {"type": ["number", "null"]}
    if classes:
        told = {"type": label.get(type(classes[0]), "string")}
    if loaded.schema.task is Task.MULTILABEL:
        told = {"type": "array", "items": told}
    properties = {"prediction": told, "model": {"type": "string"}, "warnings": _problems()}
    needed = ["prediction"]
    if classes:
        numbers = {"type": "number", "minimum": 0, "maximum": 1}
        properties["probabilities"] = {"type": "object", "additionalProperties": numbers}
        needed.append("probabilities")
    return {"type": "object", "properties": properties, "required": needed}


def _answers() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": _named("Answer")},
            "model": {"type": "string"},
            "warnings": _problems(),
            "n_warnings": {"type": "integer"},
        },
        "required": ["predictions"],
    }


def _refusal() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "mend": {"type": "string"},
            "request_id": {"type": "string"},
            "n_problems": {"type": "integer"},
            "problems": _problems(),
        },
        "required": ["title", "status", "mend", "request_id", "n_problems", "problems"],
    }


def _problems() -> dict[str, Any]:
    text = {"type": ["string", "null"]}
    properties = {"row": {"type": ["integer", "null"]}, "column": text, "value": text}
    said = {"what": {"type": "string"}, "mend": {"type": "string"}}
    return {"type": "array", "items": {"type": "object", "properties": {**properties, **said}}}


def _rows(settings: ServingSettings) -> dict[str, Any]:
    most = settings.limits.rows
    return {"type": "array", "items": _named("Row"), "minItems": 1, "maxItems": most}


def _batch(forms: list[str]) -> dict[str, Any]:
    tables: dict[str, Any] = {form: {} for form in forms if form != JSON}
    asked = {JSON: _named("Rows"), **tables} if JSON in forms else tables
    described = posted("Predict a table.", asked, _named("Answers"))
    described["responses"]["200"]["content"] |= tables
    return described


def posted(summary: str, asked: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a path that takes a body.

    Args:
        summary: What it does.
        asked: Schemas of the body by media type; empty where there is none.
        told: Schema of the answer.
    """
    described = _got(summary, JSON, told)
    content = {form: {"schema": schema} if schema else {} for form, schema in asked.items()}
    return {**described, "requestBody": {"required": True, "content": content}}


def _got(summary: str, form: str, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    content = {form: {"schema": told} if told is not None else {}}
    refused = {
        status: {"description": text, "content": {_PROBLEM: {"schema": _named("Refusal")}}}
        for status, text in _REFUSED.items()
    }
    said = {"200": {"description": summary, "content": content}, **refused}
    header = {
        "name": "X-Request-ID",
        "in": "header",
        "required": False,
        "description": "Of the request: echoed, and in the log; one is made up where absent.",
        "schema": {"type": "string"},
    }
    return {"summary": summary, "parameters": [header], "responses": said}


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
