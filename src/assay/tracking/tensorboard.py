"""TensorBoard as a mirror: event files in the workspace, each child a run of its own beside it.

TensorBoard keeps numbers in single precision, and has no place for files and models.
"""

from __future__ import annotations

import json
import shutil
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from assay.findings import Finding
from assay.tracking.mirror import Opening
from assay.tracking.pictures import opened, picture, picture_columns
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now
from assay.tracking.store import unique_name

MOST_PICTURES = 25
"""Of a column of a table that are shown."""
MOST_LINES = 200
"""Of a table that are shown as text."""


@dataclass(frozen=True)
class TensorboardMirror:
    """Writes event files; a run that was left half told is written anew."""

    @property
    def name(self) -> str:
        return "tensorboard"

    @property
    def resumes(self) -> bool:
        return False

    def open(self, opening: Opening) -> Recorder:
        """The recorder of a run.

        Raises:
            OSError: The files cannot be written.
        """
        if opening.folder.exists():
            shutil.rmtree(opening.folder)
        opening.folder.mkdir(parents=True, mode=0o700)
        recorder = TensorboardRecorder(opening.folder, opening.run_id)
        recorder.tags(opening.tags)
        return recorder


class TensorboardRecorder:
    """Writes one event file; what is recorded is in it when the call returns."""

    def __init__(self, folder: Path, run_id: str) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._run_id = folder, run_id
        self._file = (folder / f"events.out.tfevents.{int(time.time())}.assay").open("ab")
        weakref.finalize(self, self._file.close)
        self._writer = RecordWriter(self._file)
        self._children: dict[tuple[str, str], TensorboardRecorder] = {}
        self._has_params = False
        self._write(now(), 0, file_version="brain.Event:2")

    @property
    def run_id(self) -> str:
        return self._run_id

    def params(self, params: Mapping[str, Any]) -> None:
        if not self._has_params:  # TensorBoard compares runs by the first that it is told
            self._has_params = True
            values = _as_values(params)
            self._session("session_start_info", hparams=values, start_time_secs=_s(now()))
        self._text("params", _as_markdown(["name", "value"], [*params.items()]))

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        for each in points:
            value = {"tag": each.name, "simple_value": each.value}
            self._write(each.at, each.step, value=value, flush=False)
        self._file.flush()

    def tags(self, tags: Mapping[str, str]) -> None:
        if tags:
            self._text("tags", _as_markdown(["tag", "value"], [*tags.items()]))

    def finding(self, finding: Finding, key: str = "") -> None:
        text = f"**{finding.code} {finding.severity}** {finding.title}\n\n{finding.mend}"
        evidence = json.dumps(dict(finding.evidence), default=str)
        self._text(f"findings/{key or finding.code}", f"{text}\n\n    {evidence}")

    def table(self, name: str, table: pa.Table) -> None:
        pictures = picture_columns(table)
        shown = table.slice(0, MOST_LINES).drop_columns(pictures)
        rows = [list(row.values()) for row in shown.to_pylist()]
        left = table.num_rows - len(rows)
        below = f"\n\n{left} more rows are in the run's own store." if left > 0 else ""
        self._text(f"tables/{name}", _as_markdown(shown.column_names, rows) + below)
        for column in pictures:
            for number, value in enumerate(table[column].slice(0, MOST_PICTURES).to_pylist()):
                self._picture(f"{name}/{column}/{number}", value)

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        made = Histogram.of(values)
        counts, edges = np.asarray(made.counts, float), np.asarray(made.edges, float)
        centres = (edges[1:] + edges[:-1]) / 2
        histogram = {
            "min": edges[0],
            "max": edges[-1],
            "num": counts.sum(),
            "sum": counts @ centres,
            "sum_squares": counts @ centres**2,
            # The first bucket has no lower edge of its own: an empty one gives it one.
            "bucket_limit": edges,
            "bucket": [0.0, *counts],
        }
        self._write(now(), step, value={"tag": name, "histo": histogram})

    def artifact(self, path: Path, folder: str = "") -> None: ...

    def model(self, folder: Path, name: str, digest: str) -> None:  # noqa: ARG002
        self._text("model", f"{name}, sha256 {digest}")

    def child(self, name: str, key: str = "") -> Recorder:
        there = self._children.get((name, key)) if key else None
        if there is not None:
            return there
        own = unique_name(name, {each._folder.name for each in self._children.values()})
        child = TensorboardRecorder(self._folder / own, f"{self._run_id}/{own}")
        self._children[name, key or own] = child
        return child

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS

        if self._file.closed:
            return
        moment = at if at is not None else now()
        ending = STATUS_SUCCESS if status is Status.FINISHED else STATUS_FAILURE
        self._session("session_end_info", status=ending, end_time_secs=_s(moment))
        self._text("status", f"{status}: {reason}" if reason else f"{status}", moment)
        for child in self._children.values():
            child._file.close()
        self._file.close()

    def attach(self, run_id: str) -> Self:
        raise NotImplementedError(f"a mirror is not attached to: {run_id}")

    def _session(self, name: str, **content: Any) -> None:
        """Tell the page that compares runs by their parameters."""
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        told = HParamsPluginData(version=0, **{name: content}).SerializeToString()
        plugin = {"plugin_name": "hparams", "content": told}
        about = {"metadata": {"plugin_data": plugin}, "tensor": _nothing()}
        self._write(now(), 0, value={"tag": f"_hparams_/{name}", **about})

    def _text(self, tag: str, text: str, at: int | None = None) -> None:
        from tensorboard.compat.proto.types_pb2 import DT_STRING

        value = {
            "tag": tag,
            "metadata": {"plugin_data": {"plugin_name": "text"}},
            "tensor": {"dtype": DT_STRING, "string_val": [text.encode()], "tensor_shape": {}},
        }
        self._write(at if at is not None else now(), 0, value=value)

    def _picture(self, tag: str, value: Any) -> None:
        image = opened(value)
        if image is not None:
            width, height = image.size
            told = {"width": width, "height": height, "encoded_image_string": picture(value)}
            self._write(now(), 0, value={"tag": tag, "image": told})

    def _write(
        self,
        at: int,
        step: int,
        *,
        value: Mapping[str, Any] | None = None,
        file_version: str | None = None,
        flush: bool = True,
    ) -> None:
        """Write one event at its own moment."""
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=at / 1000, step=step)
        if file_version is not None:
            event.file_version = file_version
        if value is not None:
            event.summary.value.add(**value)
        self._writer.write(event.SerializeToString())
        if flush:
            self._file.flush()


def _as_markdown(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _as_values(params: Mapping[str, Any]) -> dict[str, Any]:
    """As the values of protocol buffers that say what they are."""
    made: dict[str, Any] = {}
    for name, value in params.items():
        kinds = {bool: "bool_value", int: "number_value", float: "number_value"}
        kind = kinds.get(type(value), "string_value")
        made[name] = {kind: str(value) if kind == "string_value" else value}
    return made


def _nothing() -> dict[str, Any]:
    """The tensor of a summary that is all in its metadata."""
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT

    return {"dtype": DT_FLOAT, "float_val": [0.0], "tensor_shape": {}}


def _s(milliseconds: int) -> float:
    return milliseconds / 1000
