"""Access: who may ask. Keys come from the environment, and are compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

from assay.errors import InputError
from assay.serving.refusal import Refusal
from assay.serving.settings import Access

OPEN = ("/health", "/ready")
"""What whoever starts and stops servers asks without a key; it tells nothing of the model."""
_SHORTEST = 16


class Keys:
    """The keys that clients may have.

    Args:
        settings: Which variable of the environment has them.

    Raises:
        InputError: A key is too short to be one.
    """

    def __init__(self, settings: Access) -> None:
        written = os.environ.get(settings.key_variable, "")
        keys = [key.strip() for key in written.split(",") if key.strip()]
        if any(len(key) < _SHORTEST for key in keys):
            raise InputError(
                f"A key in {settings.key_variable} is shorter than {_SHORTEST} characters.",
                mend=f"export {settings.key_variable}=$(openssl rand -hex 32)",
            )
        self._digests = [_digest(key.encode()) for key in keys]

    @property
    def are_needed(self) -> bool:
        return bool(self._digests)

    def check(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Let a request pass, or not.

        Raises:
            Refusal: It has no key, or a wrong one (401).
        """
        if not self._digests or path in OPEN:
            return
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            given = headers.get(b"x-api-key", b"")
        digest = _digest(given.strip())
        # all of them, so that the time does not tell which one it was
        if not sum(hmac.compare_digest(digest, each) for each in self._digests):
            raise Refusal(
                401,
                "The key is missing or wrong.",
                "send the header Authorization: Bearer KEY, or X-API-Key: KEY",
                headers={"WWW-Authenticate": "Bearer"},
            )


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
