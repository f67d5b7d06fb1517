"""The recorder: the one thing a run writes through, whatever store is behind it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from assay.findings import Finding

MOST_BINS = 64
"""Bins of a histogram."""


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Point:
    """A metric at a step, with the moment it was recorded.

    Attributes:
        name: Of the metric.
        value: Its value.
        step: A boosting round, an epoch.
        at: Milliseconds since 1970, UTC.
    """

    name: str
    value: float
    step: int
    at: int


@dataclass(frozen=True)
class Histogram:
    """The distribution of some values.

    Attributes:
        counts: Values in each bin, shape (n,).
        edges: Of the bins, shape (n + 1,), rising.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...]

    @classmethod
    def of(cls, values: ArrayLike | Histogram) -> Histogram:
        """Of the values that are finite; what is a histogram stays what it is.

        >>> Histogram.of([1.0, 2.0, float("nan")]).counts
        (1, 1)
        """
        if isinstance(values, Histogram):
            return values
        array = np.asarray(values, dtype=np.float64).ravel()
        finite = array[np.isfinite(array)]
        bins = min(MOST_BINS, max(1, finite.size))
        counts, edges = np.histogram(finite, bins=bins)
        return cls(tuple(counts.tolist()), tuple(edges.tolist()))


class Recorder(Protocol):
    """Takes down what happens in a run. Pickles, so that a worker can write to the same run.

    The recorder of a store writes at once. It may be told the same twice, by somebody who does not
    know whether the first time arrived: then the run holds it once. Points are the same by name,
    value, step and moment, findings and children by their key, all else by name.
    """

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

    def points(self, points: Sequence[Point]) -> None:
        """Metrics that were recorded earlier, with their moments."""
        ...

    def tags(self, tags: Mapping[str, str]) -> None:
        """Short texts to find the run by; a later value replaces an earlier one."""
        ...

    def finding(self, finding: Finding, key: str = "") -> None:
        """One finding of a check; a key sets it apart from the others, and rises with them."""
        ...

    def table(self, name: str, table: pa.Table) -> None:
        """A table, kept as Parquet under this name."""
        ...

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        """The distribution of some values at a step, as counts and bin edges."""
        ...

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, or a folder with all that is in it, kept below this folder of the run."""
        ...

    def model(self, folder: Path, name: str, digest: str) -> None:
        """The folder of a model, and the digest that its files must have."""
        ...

    def child(self, name: str, key: str = "") -> Recorder:
        """Begin a run inside this one (a fold, a seed, a trial) and return its recorder.

        Args:
            name: What to call it.
            key: What no other child has; if there is one of this key, its recorder is returned.
        """
        ...

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        """End the run.

        Args:
            status: How it ended.
            reason: Why it failed or was interrupted.
            at: When, in milliseconds since 1970, UTC; now if None.
        """
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

    def points(self, points: Sequence[Point]) -> None: ...

    def tags(self, tags: Mapping[str, str]) -> None: ...

    def finding(self, finding: Finding, key: str = "") -> None: ...

    def table(self, name: str, table: pa.Table) -> None: ...

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None: ...

    def artifact(self, path: Path, folder: str = "") -> None: ...

    def model(self, folder: Path, name: str, digest: str) -> None: ...

    def child(self, name: str, key: str = "") -> Recorder:  # noqa: ARG002
        return self

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None: ...

    def attach(self, run_id: str) -> Self:  # noqa: ARG002
        return self


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


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
