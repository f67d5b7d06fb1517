"""The log book: which runs there are, and how they ended."""

from __future__ import annotations

from assay.place import Place
from assay.tracking.store import RunRecord, Store


def runs(experiment: str | None = None, *, store: Store | None = None) -> list[RunRecord]:
    """All runs, newest first, also those that failed or were interrupted."""
    return Place.to_find(store).store.runs(experiment)
