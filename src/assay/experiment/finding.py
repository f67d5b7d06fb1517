"""Finding the data that a run was trained on: by what is in it, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from assay.data import snapshot
from assay.data.fingerprint import fingerprint
from assay.data.sources import from_frame, located, shown
from assay.data.sources.address import DELTA
from assay.data.sources.versions import read_versioned
from assay.errors import AssayError, DataError
from assay.experiment.asking import IN_MEMORY
from assay.experiment.recipe import Recipe
from assay.experiment.variables import substituted
from assay.workspace import Workspace

MEND = (
    "give the table as it was: assay reproduce RUN --data FILE\n"
    "or in Python: assay.reproduce(run, data=frame)"
)


class Known(Protocol):
    """A run as far as it was recorded, also one that did not finish."""

    @property
    def reference(self) -> str:
        """EXPERIMENT/RUN."""
        ...

    @property
    def recipe(self) -> Recipe:
        """What was asked for."""
        ...

    @property
    def text(self) -> str:
        """The experiment file as it was read."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the whole table."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What it depended on."""
        ...

    @property
    def learner(self) -> Path | None:
        """The unfitted estimator in a file, if it was handed over as an object."""
        ...

    def unlike(self, table: pa.Table) -> str:
        """In what a table is not the one that it was trained on."""
        ...


@dataclass(frozen=True)
class Found:
    """The table that a run was trained on.

    Attributes:
        table: The whole table, with settled types.
        where: What to call it.
        how: Where it was found, in words.
        version: Which version of the source it is, as far as anybody keeps versions of it.
    """

    table: pa.Table
    where: str
    how: str
    version: Mapping[str, Any] = field(default_factory=dict)


def find_data(known: Known, workspace: Workspace, data: Any = None, *, mend: str = MEND) -> Found:
    """The data of a run: what is given, else the source that was recorded, else a snapshot.

    Args:
        known: The run.
        workspace: Where snapshots are.
        data: A source or a table in memory; None to look for it.
        mend: How to give it where it is nowhere.

    Raises:
        DataError: It is nowhere; the message says in what that which is there differs.
    """
    if data is not None:
        return _given(known, data)
    refused = []
    for source in _sources(known):
        settings = known.recipe.settings["data"]
        try:
            table, version = read_versioned(
                source, query=settings.get("query"), sheet=settings.get("sheet")
            )
        except AssayError as error:
            refused.append(error.what)
            continue
        if fingerprint(table) == known.fingerprint:
            return Found(table, shown(source), f"{shown(source)}, unchanged", version)
        refused.append(f"{shown(source)} has changed: {known.unlike(table)}")
    kept = snapshot.find(workspace, known.fingerprint)
    if kept is not None:
        before = f" ({refused[0].rstrip('.')})" if refused else ""
        return Found(snapshot.read(kept), shown(kept), f"the snapshot in the workspace{before}")
    raise DataError(
        f"The data of {known.reference} is not to be found: there is no snapshot of it"
        + (", and its source is not what it was." if refused else "."),
        where="\n".join([*dict.fromkeys(refused), f"fingerprint {known.fingerprint[:12]}"]),
        mend=mend,
    )


def _given(known: Known, data: Any) -> Found:
    """The table that was given, if it is the one."""
    if isinstance(data, str | Path):
        settings = known.recipe.settings["data"]
        source = located(str(data), Path.cwd())
        is_database = isinstance(source, str) and not source.startswith("delta://")
        query = settings.get("query") if is_database else None
        sheet = settings.get("sheet") if str(source).lower().endswith(".xlsx") else None
        (table, version), where = read_versioned(source, query=query, sheet=sheet), shown(source)
    else:
        table, version, where = from_frame(data), {}, "the data frame"
    if fingerprint(table) != known.fingerprint:
        raise DataError(
            f"{where} is not the table that {known.reference} was trained on.",
            where=known.unlike(table),
            mend="give that table, with its rows and columns in their order",
        )
    return Found(table, where, f"{where}, as given", version)


def _sources(known: Known) -> Iterator[str | Path]:
    """Where the source may be: beside the experiment file, or from the current folder.

    A Delta table is asked for the version that was read.
    """
    written: str = known.recipe.settings["data"]["source"]
    source, missing = substituted(written)
    if source == IN_MEMORY or missing:
        return
    version = known.provenance.get("data version", {}).get("delta version")
    found = DELTA.fullmatch(source)
    if version is not None and found is not None and not found["version"]:
        source = f"{source}@{version}"
    folders = [Path(known.recipe.folder), Path.cwd()]
    yield from dict.fromkeys(located(source, folder) for folder in folders)
