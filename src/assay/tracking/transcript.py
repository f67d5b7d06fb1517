"""The transcript: what a fit in another process records, to be replayed where it is waited for.

So a store sees one writer, and the same records in the same order for any number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from numpy.typing import ArrayLike

from assay.findings import Finding
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now


class Transcript:
    """A recorder that writes everything down; it pickles, and replays onto another recorder."""

    run_id = ""

    def __init__(self) -> None:
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    @property
    def is_empty(self) -> bool:
        return not self._calls

    def params(self, params: Mapping[str, Any]) -> None:
        self._calls.append(("params", (dict(params),)))

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        self._calls.append(("points", (list(points),)))

    def tags(self, tags: Mapping[str, str]) -> None:
        self._calls.append(("tags", (dict(tags),)))

    def finding(self, finding: Finding, key: str = "") -> None:
        self._calls.append(("finding", (finding, key)))

    def table(self, name: str, table: pa.Table) -> None:
        self._calls.append(("table", (name, table)))

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        self._calls.append(("histogram", (name, Histogram.of(values), step)))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Files keep their path: they must still be there when the transcript is replayed."""
        self._calls.append(("artifact", (path, folder)))

    def model(self, folder: Path, name: str, digest: str) -> None:
        """As for files: the folder must still be there when the transcript is replayed."""
        self._calls.append(("model", (folder, name, digest)))

    def child(self, name: str, key: str = "") -> Recorder:
        written = Transcript()
        self._calls.append(("child", (name, key, written)))
        return written

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        self._calls.append(("finish", (status, reason, at if at is not None else now())))

    def attach(self, run_id: str) -> Self:  # noqa: ARG002
        return self

    def replay(self, onto: Recorder) -> None:
        """Do all that was written down, in order."""
        for name, arguments in self._calls:
            if name == "child":
                *named, written = arguments
                written.replay(onto.child(*named))
            else:
                getattr(onto, name)(*arguments)
