"""Routes: who is told of a run, that is its store and the mirrors it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assay.tracking.mirror import Mirror, Opening
from assay.tracking.shipper import Target
from assay.tracking.spool import About
from assay.tracking.store import Store


@dataclass(frozen=True)
class Routes:
    """Finds the targets of a run; pickles if its store does.

    Attributes:
        store: The store of runs.
        folder: Where mirrors keep files, a folder for each, with one for each run.
        mirrors: Who else is told.
    """

    store: Store
    folder: Path
    mirrors: tuple[Mirror, ...] = ()

    def __call__(self, about: About) -> Sequence[Target]:
        """The store first, then the mirrors."""
        told = [Target("store", partial(self.store.attach, about.run_id))]
        for each in self.mirrors:
            opening = Opening(
                run_id=about.run_id,
                name=about.name,
                experiment=about.experiment,
                tags=about.tags,
                created=about.created,
                folder=self.folder / each.name / about.run_id,
            )
            told.append(Target(each.name, partial(each.open, opening), each.resumes))
        return told

    def __reduce__(self) -> tuple[object, ...]:
        """In another process only the store is told: a mirror has one writer."""
        return Routes, (self.store, self.folder)
