"""What a store of runs is; `tests/contracts/stores.py` holds every store to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import pyarrow as pa

from assay.findings import Finding
from assay.tracking.recorder import Recorder, Status

GONE = "its process is gone"
"""Why a run was interrupted whose process was killed."""


@dataclass(frozen=True)
class RunRecord:
    """A run as the store has it.

    Attributes:
        run_id: Its id.
        name: Its name, the only one of its kind in the experiment.
        experiment: The experiment it belongs to.
        status: How it stands.
        reason: Why it failed or was interrupted; else empty.
        created: When it began, ISO 8601, UTC.
        finished: When it ended; None while it runs.
        params: Settings by dotted name, as text.
        metrics: The last value of each metric.
        tags: Short texts.
    """

    run_id: str
    name: str
    experiment: str
    status: Status
    reason: str
    created: str
    finished: str | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def reference(self) -> str:
        """What no run of another experiment is called: EXPERIMENT/RUN."""
        return f"{self.experiment}/{self.name}"

    @property
    def duration_s(self) -> float | None:
        """How long it took; None while nobody knows when it ended."""
        if self.finished is None:
            return None
        ended, began = datetime.fromisoformat(self.finished), datetime.fromisoformat(self.created)
        return (ended - began).total_seconds()


class Store(Protocol):
    """Keeps runs: begins them, finds them again, gives back what they recorded."""

    def begin(self, experiment: str, name: str, tags: Mapping[str, str]) -> Recorder:
        """Begin a run; a name that is taken gets a number, as in 'boosting-2'."""
        ...

    def resume(self, run_id: str) -> Recorder:
        """Go on with a run that has ended, in this process: it is running again.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def attach(self, run_id: str) -> Recorder:
        """The recorder of a run that exists.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def get(self, run_id: str) -> RunRecord:
        """A run by its id.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def runs(self, experiment: str | None = None) -> list[RunRecord]:
        """Runs that are nobody's child, newest first."""
        ...

    def children(self, run_id: str) -> list[RunRecord]:
        """Runs that were begun inside this one, oldest first."""
        ...

    def files(self, run_id: str) -> list[str]:
        """Paths of all that the run recorded as files, without those of its model."""
        ...

    def fetch(self, run_id: str, path: str, into: Path) -> Path:
        """A local copy of a file or folder that the run recorded, below the folder `into`.

        Raises:
            NotFoundError: The run recorded no such thing.
        """
        ...

    def table(self, run_id: str, name: str) -> pa.Table:
        """A table that the run recorded.

        Raises:
            NotFoundError: The run recorded no such table.
        """
        ...

    def findings(self, run_id: str) -> list[Finding]:
        """The findings that the run recorded, in that order."""
        ...

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Every value of a metric with its step, in the order of steps, then of moments."""
        ...

    def model(self, run_id: str, into: Path) -> tuple[Path, str]:
        """The run's model as a local folder, below `into` if it has to be copied, and its digest.

        Raises:
            NotFoundError: The run has no model.
        """
        ...


def finding_key() -> str:
    """A key for a finding that has none: by the moment, since others may record in the same run."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{token_hex(3)}"


def unique_name(name: str, taken: set[str]) -> str:
    """The name, or the name with the first number that is free.

    >>> unique_name("boosting", {"boosting", "boosting-2"})
    'boosting-3'
    """
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
