"""JSON bodies, strictly: no key twice, no NaN, nothing deeper than is allowed.

orjson refuses what is no JSON, NaN and numbers that are none in double precision, and bytes that
are no UTF-8. It keeps the last of several values of a key in silence; so the colons are counted. A
body without a backslash has a colon for every pair and those that stand in its texts. If that is
as many as the pairs and texts that were read have, no pair was lost; else it is read again, slowly.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import orjson

from assay.serving.refusal import Refusal

_MEND = "send one JSON document, UTF-8, as RFC 8259 has it"


def strict_json(body: bytes, depth: int) -> Any:
    """The document of a body.

    Args:
        body: What was sent.
        depth: How deep it may be nested.

    Raises:
        Refusal: It is no JSON (400), has a key twice (400), or is nested too deeply (400).
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refused(body, error, depth) from None
    if _is_plain(document, body):
        return document
    pairs, colons, deepest = _counted(document)
    if deepest > depth:
        raise _too_deep(depth)
    if b"\\" in body or body.count(b":") != pairs + colons:
        _refuse_duplicates(body)
    return document


def _is_plain(document: Any, body: bytes) -> bool:
    """Whether it is a flat row or a list of them, with as many colons as pairs: quickly seen.

    A colon in a text, or a pair that was lost, makes more of them.
    """
    if type(document) is not dict or body.count(b"[") > 1:
        return False
    pairs, objects = len(document), 1
    rows = document.get("rows")
    if type(rows) is list:
        if not all(type(row) is dict for row in rows):
            return False
        pairs += sum(map(len, rows))
        objects += len(rows)
    return body.count(b":") == pairs and body.count(b"{") <= objects


def _refused(body: bytes, error: orjson.JSONDecodeError, depth: int) -> Refusal:
    if "depth limit" in error.msg or "recursion" in error.msg:
        return _too_deep(depth)
    if not body:
        return Refusal(400, "The body is empty.", _MEND)
    return Refusal(
        400, f"The body is no JSON: {error.msg}, line {error.lineno} column {error.colno}.", _MEND
    )


def _too_deep(depth: int) -> Refusal:
    return Refusal(
        400, f"The body is nested deeper than {depth} levels.", "send flat rows: {COLUMN: VALUE}"
    )


def _counted(document: Any) -> tuple[int, int, int]:
    """Pairs of all objects, colons in all their texts, and how deep they are nested."""
    pairs = colons = depth = 0
    containers = [document] if isinstance(document, dict | list) else []
    while containers:
        depth += 1
        deeper: list[Any] = []
        for each in containers:
            if isinstance(each, dict):
                pairs += len(each)
                colons += "".join(each).count(":")
            for value in each.values() if isinstance(each, dict) else each:
                kind = type(value)
                if kind is str:
                    colons += value.count(":")
                elif kind is dict or kind is list:
                    deeper.append(value)
        containers = deeper
    return pairs, colons, depth


def _refuse_duplicates(body: bytes) -> None:
    """Read the body again with every pair; it is valid JSON of an allowed depth."""
    json.loads(body, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = [name for name, n in counted.items() if n > 1][:3]
        listed = ", ".join(f"{name[:60]!r}" for name in twice)
        raise Refusal(
            400, f"An object of the body has a key more than once: {listed}.", "send each key once"
        )
    return read
