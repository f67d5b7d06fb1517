"""The recorder: the one thing a run writes through, whatever store is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

import pyarrow as pa
from numpy.typing import ArrayLike

from assay.findings import Finding


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Recorder(Protocol):
    """Takes down what happens in a run. Pickles, so that a worker can write to the same run."""

    @property
    def run_id(self) -> str:
        """The run's id in the store; empty if nothing is recorded."""
        ...

    def params(self, params: Mapping[str, Any]) -> None:
        """Settings of the run, by dotted name."""
        ...

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step (a boosting round, an epoch)."""
        ...

    def series(self, name: str, values: Sequence[float]) -> None:
        """A metric at the steps 1, 2, ..., written at once."""
        ...

    def tags(self, tags: Mapping[str, str]) -> None:
        """Short texts to find the run by; a later value replaces an earlier one."""
        ...

    def finding(self, finding: Finding) -> None:
        """One finding of a check."""
        ...

    def table(self, name: str, table: pa.Table) -> None:
        """A table, kept as Parquet under this name."""
        ...

    def histogram(self, name: str, values: ArrayLike, step: int = 0) -> None:
        """The distribution of some values at a step, as counts and bin edges."""
        ...

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, or a folder with all that is in it, kept below this folder of the run."""
        ...

    def child(self, name: str) -> Recorder:
        """Begin a run inside this one (a fold, a seed, a trial) and return its recorder."""
        ...

    def finish(self, status: Status, reason: str = "") -> None:
        """End the run; the reason says why it failed or was interrupted."""
        ...

    def attach(self, run_id: str) -> Self:
        """A recorder on a run that exists, for example in another process."""
        ...


class Silence:
    """The recorder that keeps nothing: for ranks above zero, dry runs and bare fits."""

    run_id = ""

    def params(self, params: Mapping[str, Any]) -> None: ...

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def series(self, name: str, values: Sequence[float]) -> None: ...

    def tags(self, tags: Mapping[str, str]) -> None: ...

    def finding(self, finding: Finding) -> None: ...

    def table(self, name: str, table: pa.Table) -> None: ...

    def histogram(self, name: str, values: ArrayLike, step: int = 0) -> None: ...

    def artifact(self, path: Path, folder: str = "") -> None: ...

    def child(self, name: str) -> Recorder:  # noqa: ARG002
        return self

    def finish(self, status: Status, reason: str = "") -> None: ...

    def attach(self, run_id: str) -> Self:  # noqa: ARG002
        return self


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name, as stores want them.

    >>> flattened({"model": {"learner": "linear", "options": {"C": 1.0}}})
    {'model.learner': 'linear', 'model.options.C': 1.0}
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{name}.")
        else:
            flat[name] = (
                list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            )
    return flat
