"""Assignment: which model a key gets, by a hash of the key and of the contest's salt.

There is no state: every server, and the same one after a restart, gives a key the same model. The
salt belongs to the contest, so that the keys of one contest are dealt out anew in the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from assay.serving.router import Asked

_PLACES = 2.0**64


def place(unit: str, salt: str) -> float:
    """Where a unit lies between 0 and 1: evenly spread over units, the same for ever.

    >>> round(place("customer 17", "a"), 4), round(place("customer 17", "b"), 4)
    (0.8212, 0.8573)
    """
    # the length parts the two: no salt and unit together read like another salt and unit
    text = f"{len(salt)}:{salt}{unit}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / _PLACES


def assigned(unit: str, salt: str, shares: Mapping[str, float]) -> str | None:
    """The challenger that a unit gets; None for the champion.

    Args:
        unit: What is assigned as a whole.
        salt: Of the contest.
        shares: Of each challenger, of the whole; the champion has what is left.
    """
    at, upto = place(unit, salt), 0.0
    for version, share in shares.items():
        upto += share
        if at < upto:
            return version
    return None


def unit_of(asked: Asked, key: str | None) -> str:
    """What is assigned as a whole: everything with the same key, else the request alone.

    A request without the key, or with rows of several keys, is a unit of its own. Keys are known by
    their hashes: nobody's name is kept, and nothing long.

    Args:
        asked: The request.
        key: 'header:NAME' or 'field:NAME'; None for requests one by one.
    """
    kind, _, name = (key or "").partition(":")
    if kind == "header":
        value = asked.headers.get(name.lower().encode(), b"").decode(errors="replace")
        return _key(value) if value else f"request {asked.request_id}"
    if kind == "field":
        values = {_told(row.get(name)) for row in asked.rows}
        only = values.pop() if len(values) == 1 else None
        return _key(only) if only is not None else f"request {asked.request_id}"
    return f"request {asked.request_id}"


def _key(value: str) -> str:
    digest = blake2b(value.encode(errors="surrogatepass"), digest_size=12)
    return f"key {digest.hexdigest()}"


def _told(value: object) -> str | None:
    """A key as text: 17 and '17' are the same customer."""
    return None if value is None or value == "" else str(value)
