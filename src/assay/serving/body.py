"""The body of a request: whole, small enough, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from assay.serving.exchange import ClientGone
from assay.serving.openapi import MEDIA_TYPES
from assay.serving.refusal import Refusal
from assay.serving.settings import Access, Limits

_FORMS = {media_type.encode(): form for form, media_type in MEDIA_TYPES.items()} | {
    b"application/x-parquet": "parquet",
}


async def whole_body(receive: Receive, headers: Mapping[bytes, bytes], limits: Limits) -> bytes:
    """Read a body.

    Raises:
        Refusal: It is too large (413), or comes too slowly (408).
        ClientGone: The client went away.
    """
    most = int(limits.body_mib * 2**20)
    if int(headers.get(b"content-length", b"0")) > most:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_s):
            return await _read(receive, most, limits)
    except TimeoutError:
        raise Refusal(
            408,
            f"The body did not come within {limits.body_s:g} s.",
            "send it faster",
            headers={"Connection": "close"},
        ) from None


async def _read(receive: Receive, most: int, limits: Limits) -> bytes:
    parts: list[bytes] = []
    n = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message.get("body", b""))
        n += len(parts[-1])
        if n > most:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def form_of(headers: Mapping[bytes, bytes], access: Access, *, only: str | None = None) -> str:
    """In which form a body is: 'json', 'arrow' or 'parquet'.

    Pages of other origins cannot send these without asking before, so that the requirement keeps
    them out too.

    Raises:
        Refusal: It is in none that is read here (415).
    """
    written, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    form = _FORMS.get(written.strip(), "")
    read = [each for each in access.forms if only in (None, each)]
    if form not in read:
        media_types = ", ".join(MEDIA_TYPES[each] for each in read)
        raise Refusal(415, "The Content-Type is none that is read here.", f"send {media_types}")
    charset = parameters.replace(b'"', b"").replace(b" ", b"")
    if charset.startswith(b"charset=") and charset not in (b"charset=utf-8", b"charset=utf8"):
        raise Refusal(415, "The body is not in UTF-8.", "send UTF-8")
    if headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        raise Refusal(415, "The body is compressed.", "send it without Content-Encoding")
    return form


def _too_large(limits: Limits) -> Refusal:
    return Refusal(
        413, f"The body is larger than {limits.body_mib:g} MiB.", "send fewer rows at a time"
    )
