"""Routes: who is told of a run, that is its store and the mirrors it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.tracking.shipper import Target
from assay.tracking.spool import About
from assay.tracking.store import Store


@dataclass(frozen=True)
class Routes:
    """Finds the targets of a run; pickles if its store does.

    Attributes:
        store: The store of runs.
    """

    store: Store

    def __call__(self, about: About) -> Sequence[Target]:
        """The store first, then the mirrors."""
        return [Target("store", lambda: self.store.attach(about.run_id))]
