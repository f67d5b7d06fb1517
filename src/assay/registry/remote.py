"""Moving a version on a server, whose every call is a transaction of its own."""

from __future__ import annotations

from assay.registry.audit import Move
from assay.registry.changes import Change


def apply(tracking_uri: str, change: Change) -> Move:
    """Placeholder."""
    raise NotImplementedError
