"""Claims: who moves versions on a server says so first, for a server can neither lock nor compare.

Everybody writes a claim, and only then looks for claims of others. So of two at least one sees the
other and steps back; nobody moves anything while another's claim stands. A claim that stands too
long is that of somebody who was killed: what he did is told in the log for him.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from shlex import quote

from assay.errors import ConflictError
from assay.registry.audit import Move, from_tags, next_number
from assay.registry.changes import Standing, is_done

CLAIM = "assay.claim."
"""How the tags of a registered model begin that are claims."""
HOLDS_S = 10
"""How long after it was written a claim may still be acted on."""
ABANDONED_S = 30
"""How long others watch it stand before they take its owner for dead."""
_PATIENCE_S = 120
_LONGEST_PAUSE_S = 1.0


class Watch:
    """What one who wants to move something has seen of the claims of others."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first_seen: dict[str, float] = {}
        self._until = time.monotonic() + _PATIENCE_S
        self._pause_s = 0.02

    def open(self, tags: Mapping[str, str], own: str = "") -> set[str]:
        """Ids of the claims that others may still act on."""
        now = time.monotonic()
        seen = {each: self._first_seen.get(each, now) for each in claimed(tags) if each != own}
        self._first_seen = seen
        return {each for each, at in seen.items() if now - at < ABANDONED_S}

    def pause(self) -> None:
        """Wait, each time about twice as long and never as long as another who waits too.

        Raises:
            ConflictError: It has lasted too long.
        """
        if time.monotonic() > self._until:
            raise ConflictError(
                f"Others have been moving versions of {self._name} for {_PATIENCE_S} s.",
                mend=f"look at what they did, and try again: assay models {quote(self._name)}",
            )
        time.sleep(self._pause_s * random.uniform(0.5, 1.5))
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


def claimed(tags: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of all claims among tags, also of those not yet whole, with their tags."""
    found: dict[str, list[str]] = {}
    for key in tags:
        match = re.fullmatch(rf"{re.escape(CLAIM)}\d+\.(\w+)\.\d+of\d+", key)
        if match:
            found.setdefault(match[1], []).append(key)
    return found


def left_behind(now: Standing, own: str = "") -> tuple[list[Move], list[str]]:
    """What those who were killed have done, and which tags of theirs can go.

    Args:
        now: How things stand, when nobody else can act on a claim.
        own: Id of one's own claim.

    Returns:
        The entries that are missing in the log, numbered, and the keys of their claims.
    """
    known = {each.id for each in now.log}
    number = next_number(now.log)
    keys = [key for each, of in claimed(now.model_tags).items() if each != own for key in of]
    missing = [
        each
        for each in from_tags(now.model_tags, CLAIM)
        if each.id not in {own, *known} and is_done(each, now)
    ]
    return [replace(each, number=number + i) for i, each in enumerate(missing)], keys
