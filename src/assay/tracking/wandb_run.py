"""One run of Weights & Biases, written as our recorders are; lives in the mirror's own process."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import ArrayLike

from assay.errors import TrackingError
from assay.findings import Finding
from assay.tracking.mirror import Opening
from assay.tracking.pictures import opened, picture_columns
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now
from assay.tracking.store import unique_name

STEP = "assay/step"
"""The axis of all metrics: W&B's own steps only ever rise, ours start again for each metric."""
MOST_SHOWN_ROWS = 10_000
"""Of a table; W&B would cut off the rest, so a longer one is kept as a file."""
_OURS = ("assay.", "mlflow.")
_WHY = "assay.why"


class WandbRecorder:
    """Writes to one W&B run; children are told apart by the beginning of their metrics' names."""

    def __init__(self, run: Any, opening: Opening) -> None:
        self._run, self._opening = run, opening
        self._root, self._prefix = self, ""
        self._children: dict[tuple[str, str], WandbRecorder] = {}
        self._findings: dict[str, Finding] = {}
        run.define_metric(STEP, hidden=True)
        run.define_metric("*", step_metric=STEP)

    @property
    def run_id(self) -> str:
        return f"{self._opening.run_id}/{self._prefix}".rstrip("/")

    def params(self, params: Mapping[str, Any]) -> None:
        told = {f"{self._prefix}{name}": _plain(value) for name, value in params.items()}
        self._run.config.update(told, allow_val_change=True)

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        for together in _rows(points):
            values = {f"{self._prefix}{each.name}": each.value for each in together}
            self._log(values, together[0].step, together[0].at)

    def tags(self, tags: Mapping[str, str]) -> None:
        self.params({f"tags.{name}": value for name, value in tags.items()})
        if self is self._root:
            self._label(tags)

    def finding(self, finding: Finding, key: str = "") -> None:
        self._findings[key or f"{len(self._findings)}"] = finding

    def table(self, name: str, table: pa.Table) -> None:
        if table.num_rows <= MOST_SHOWN_ROWS:
            self._log({f"tables/{self._prefix}{name}": _shown(table)})
            return
        path = self._place(f"tables/{name}.parquet")
        pyarrow.parquet.write_table(table, path, compression="zstd")
        self._keep(path, f"table-{name}", "table", {"rows": table.num_rows})

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        import wandb

        made = Histogram.of(values)
        shown = wandb.Histogram(np_histogram=(np.asarray(made.counts), np.asarray(made.edges)))
        self._log({f"{self._prefix}{name}": shown}, step)

    def artifact(self, path: Path, folder: str = "") -> None:
        copy = self._place(f"{folder}/{path.name}" if folder else path.name)
        _copy(path, copy)
        self._keep(copy, f"file-{folder}-{path.name}" if folder else f"file-{path.name}", "file")

    def model(self, folder: Path, name: str, digest: str) -> None:
        copy = self._place(f"models/{name}")
        _copy(folder, copy)
        self._keep(copy, f"model-{name}", "model", {"digest": digest})

    def child(self, name: str, key: str = "") -> Recorder:
        there = self._children.get((name, key)) if key else None
        if there is not None:
            return there
        child = WandbRecorder.__new__(WandbRecorder)
        child._run, child._opening, child._root = self._run, self._opening, self._root
        taken = {each._prefix for each in self._children.values()}
        own = unique_name(name, {each.removeprefix(self._prefix).rstrip("/") for each in taken})
        child._prefix = f"{self._prefix}{own}/"
        child._children, child._findings = {}, {}
        self._children[name, key or own] = child
        return child

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        if self._findings:
            self._log({f"{self._prefix}findings": _as_shown(self._findings.values())})
        summary = {"status": status.value, "reason": reason, "finished": at or now()}
        self._run.summary.update(
            {f"{self._prefix}{name}": value for name, value in summary.items() if value}
        )
        if self is self._root:
            self._run.finish(exit_code=0 if status is Status.FINISHED else 1)
            _written_out()

    def attach(self, run_id: str) -> Self:
        raise NotImplementedError(f"a mirror is not attached to: {run_id}")

    def _label(self, tags: Mapping[str, str]) -> None:
        """The user's own words, tags of the form `WORD: true`, are tags in W&B as well."""
        words = dict.fromkeys(self._run.tags or ())
        for name, value in tags.items():
            if value == "true" and not name.startswith(_OURS):
                words[name] = None
            else:
                words.pop(name, None)
        if tuple(words) != tuple(self._run.tags or ()):
            self._run.tags = tuple(words)
        if _WHY in tags:
            self._run.notes = tags[_WHY]

    def _log(self, values: Mapping[str, Any], step: int = 0, at: int | None = None) -> None:
        """Log a line of the history, at its moment."""
        moment = (at if at is not None else now()) / 1000
        self._run.log({**values, STEP: step, "_timestamp": moment})

    def _place(self, name: str) -> Path:
        """Where a file that is kept lies for good: W&B reads it when it is sent."""
        path = self._opening.folder / "files" / self._prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _keep(
        self, path: Path, name: str, kind: str, about: Mapping[str, Any] | None = None
    ) -> None:
        import wandb

        own = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{self.run_id}-{name}")[:_LONGEST]
        artifact = wandb.Artifact(own, type=kind, metadata=dict(about or {}))
        if path.is_dir():
            artifact.add_dir(str(path), policy="immutable", skip_cache=True)
        else:
            artifact.add_file(str(path), policy="immutable", skip_cache=True)
        self._run.log_artifact(artifact)


_LONGEST = 128


def _written_out() -> None:
    """Wait until W&B's service has ended: what it was told last is on the disk only then.

    Raises:
        TrackingError: It ended otherwise than well.
    """
    import wandb

    try:
        wandb.teardown()
    except SystemExit as error:
        raise TrackingError(
            f"its service ended with {error.code}", mend="see debug-internal.log among its logs"
        ) from None


def _rows(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points that belong in one line of the history: of one step and moment, each name once."""
    for _, same in groupby(points, key=lambda each: (each.step, each.at)):
        together: dict[str, Point] = {}
        for point in same:
            if point.name in together:
                yield list(together.values())
                together = {}
            together[point.name] = point
        yield list(together.values())


def _shown(table: pa.Table) -> Any:
    import wandb

    pictures = set(picture_columns(table))

    def cell(name: str, value: Any) -> Any:
        if name not in pictures:
            return _plain(value)
        image = opened(value)
        return None if image is None else wandb.Image(image)

    names: list[Any] = table.column_names
    rows = [[cell(name, row[name]) for name in names] for row in table.to_pylist()]
    return wandb.Table(columns=names, data=rows, allow_mixed_types=True)


def _as_shown(findings: Iterable[Finding]) -> Any:
    import wandb

    records = [each.as_dict() for each in findings]
    names: list[Any] = list(records[0])
    rows = [[_text(record[name]) for name in names] for record in records]
    return wandb.Table(columns=names, data=rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _plain(value: Any) -> Any:
    """What JSON can say; the rest as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)


def _copy(path: Path, copy: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    else:
        shutil.copy2(path, copy)
