"""Runs in MLflow: SQLite in the workspace, or any server, behind the same store.

Only the client is used, never MLflow's global state, so that several runs can be open at once.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import psutil
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import ArrayLike

from assay.errors import NotFoundError
from assay.findings import Finding
from assay.provenance import masked
from assay.tracking.mlflow_client import client, local_model, model_of_run, told
from assay.tracking.mlflow_experiments import (
    begun,
    child_of,
    children_of,
    drop_doubles,
    experiment_ids,
    files_of,
    one_at_a_time,
    runs_of,
)
from assay.tracking.mlflow_models import keep_model
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now
from assay.tracking.store import GONE, RunRecord, finding_key

_ENDINGS = {
    Status.FINISHED: "FINISHED",
    Status.FAILED: "FAILED",
    Status.INTERRUPTED: "KILLED",
}
_STATUSES = {
    "FINISHED": Status.FINISHED,
    "FAILED": Status.FAILED,
    "KILLED": Status.INTERRUPTED,
    "RUNNING": Status.RUNNING,
    "SCHEDULED": Status.RUNNING,
}
_MOST_PARAMS = 100
MOST_METRICS = 1000
"""That MLflow takes in one batch."""
_LONGEST_PARAM = 6000
_PROCESS = "assay.process"
_REASON = "assay.reason"
_FINDINGS = "findings"


class MlflowStore:
    """A store of runs behind an MLflow tracking URI.

    Args:
        uri: `sqlite:///...`, `http://...` or whatever MLflow takes.
        artifacts: Where files go if no server decides that: a folder, or an address.
    """

    def __init__(self, uri: str, artifacts: Path | str | None = None) -> None:
        self.uri = uri
        self.artifacts = artifacts

    def begin(self, experiment: str, name: str, tags: Mapping[str, str]) -> Recorder:
        """Begin a run; a name that is taken gets a number."""
        told_of = {_PROCESS: _this_process(), **tags}
        with told(self.uri):
            run_id = begun(self.uri, experiment, name, told_of, self.artifacts)
        return MlflowRecorder(self.uri, run_id)

    def resume(self, run_id: str) -> Recorder:
        """Go on with a run that has ended, in this process: it is running again."""
        with told(self.uri), _known(run_id, self.uri), one_at_a_time(self.uri):
            _forget_reason(self.uri, run_id)
            client(self.uri).set_tag(run_id, _PROCESS, _this_process())
            client(self.uri).update_run(run_id, status="RUNNING")
        return MlflowRecorder(self.uri, run_id)

    def attach(self, run_id: str) -> Recorder:
        """The recorder of a run that exists."""
        return MlflowRecorder(self.uri, self.get(run_id).run_id)

    def get(self, run_id: str) -> RunRecord:
        """A run by its id."""
        with told(self.uri):
            with _known(run_id, self.uri):
                run = client(self.uri).get_run(run_id)
            return self._record(run)

    def runs(self, experiment: str | None = None) -> list[RunRecord]:
        """Runs that are nobody's child, newest first."""
        with told(self.uri):
            ids = experiment_ids(self.uri, experiment)
            return [self._record(run) for run in runs_of(self.uri, ids)]

    def children(self, run_id: str) -> list[RunRecord]:
        """Runs that were begun inside this one, oldest first."""
        with told(self.uri), _known(run_id, self.uri):
            return [self._record(run) for run in children_of(self.uri, run_id)]

    def files(self, run_id: str) -> list[str]:
        """Paths of all that the run recorded as files, without those of its model."""
        with told(self.uri), _known(run_id, self.uri):
            return sorted(files_of(self.uri, run_id))

    def fetch(self, run_id: str, path: str, into: Path) -> Path:
        """A local copy of a file or folder that the run recorded."""
        if path not in self._listed(run_id, path.rpartition("/")[0]):
            raise NotFoundError(
                f"The run has recorded no {path}.",
                where=f"run {run_id}",
                mend="choose a run that finished, or train again",
            )
        with told(self.uri):
            return Path(client(self.uri).download_artifacts(run_id, path, str(into)))

    def table(self, run_id: str, name: str) -> pa.Table:
        """A table that the run recorded."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.fetch(run_id, f"tables/{name}.parquet", Path(folder))
            return pyarrow.parquet.read_table(path, memory_map=False)

    def findings(self, run_id: str) -> list[Finding]:
        """The findings that the run recorded, in that order."""
        if _FINDINGS not in self._listed(run_id, ""):
            return []
        with tempfile.TemporaryDirectory() as folder:
            fetched = self.fetch(run_id, _FINDINGS, Path(folder))
            texts = [path.read_text() for path in sorted(fetched.glob("*.json"))]
        return [Finding.from_dict(json.loads(text)) for text in texts]

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Every value of a metric with its step, in order."""
        with told(self.uri):
            values = client(self.uri).get_metric_history(run_id, metric)
        in_order = sorted(values, key=lambda each: (each.step, each.timestamp))
        return [(each.step, each.value) for each in in_order]

    def model(self, run_id: str, into: Path) -> tuple[Path, str]:
        """The run's model as a local folder, and the digest its files must have."""
        with told(self.uri):
            uri, digest = model_of_run(self.uri, run_id)
            return local_model(self.uri, uri, into), digest

    def _listed(self, run_id: str, folder: str) -> set[str]:
        """What lies in a folder of the run's artifacts; nothing if there is no such folder."""
        with told(self.uri), _known(run_id, self.uri):
            found = client(self.uri).list_artifacts(run_id, folder or None)
            return {each.path for each in found}

    def _record(self, run: Any) -> RunRecord:
        tags = dict(run.data.tags)
        status, reason = _STATUSES[run.info.status], tags.get(_REASON, "")
        ended = None if status is Status.RUNNING else _moment(run.info.end_time)
        if status is Status.RUNNING and _is_gone(tags.get(_PROCESS, "")):
            status, reason = Status.INTERRUPTED, GONE
        return RunRecord(
            run_id=run.info.run_id,
            name=run.info.run_name,
            experiment=_experiment_name(self.uri, run.info.experiment_id),
            status=status,
            reason=reason,
            created=_moment(run.info.start_time) or "",
            finished=ended,
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            tags={key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        )


class MlflowRecorder:
    """Writes to one MLflow run. Pickles: it holds an address, no connection."""

    def __init__(self, uri: str, run_id: str) -> None:
        self.uri = uri
        self._run_id = run_id

    @property
    def run_id(self) -> str:
        return self._run_id

    def params(self, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        entries = [Param(key, _as_text(value)) for key, value in params.items()]
        with self._writing():
            for block in _blocks(entries, _MOST_PARAMS):
                client(self.uri).log_batch(self.run_id, params=block)

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(each.name, each.value, each.at, each.step) for each in points]
        # The store behind the client: the client copies every metric, checks it a second time, and
        # gives it to whatever model the user's own code has made MLflow's active one.
        store = client(self.uri)._tracking_client.store
        with self._writing(), _old_objects_left_alone():
            for block in _blocks(metrics, MOST_METRICS):
                store.log_batch(self.run_id, metrics=block, params=[], tags=[])

    def tags(self, tags: Mapping[str, str]) -> None:
        with self._writing():
            for key, value in tags.items():
                client(self.uri).set_tag(self.run_id, key, value)

    def finding(self, finding: Finding, key: str = "") -> None:
        name = f"{_FINDINGS}/{key or finding_key()}-{finding.code}.json"
        with told(self.uri):
            text = json.dumps(finding.as_dict(), indent=1)
            client(self.uri).log_text(self.run_id, text, name)

    def table(self, name: str, table: pa.Table) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.parquet"
            pyarrow.parquet.write_table(table, path, compression="zstd")
            self.artifact(path, "tables")

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        content = {"step": step, **asdict(Histogram.of(values))}
        with told(self.uri):
            path = f"histograms/{name}-{step}.json"
            client(self.uri).log_text(self.run_id, json.dumps(content), path)

    def artifact(self, path: Path, folder: str = "") -> None:
        with told(self.uri):
            if path.is_dir():
                below = f"{folder}/{path.name}" if folder else path.name
                client(self.uri).log_artifacts(self.run_id, str(path), below)
            else:
                client(self.uri).log_artifact(self.run_id, str(path), folder or None)

    def model(self, folder: Path, name: str, digest: str) -> None:
        with self._writing():
            keep_model(self.uri, self.run_id, folder, name, digest)

    def child(self, name: str, key: str = "") -> Recorder:
        with self._writing():
            return MlflowRecorder(self.uri, child_of(self.uri, self.run_id, name, key))

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        with self._writing():
            drop_doubles(self.uri, self.run_id)
            if reason:
                client(self.uri).set_tag(self.run_id, _REASON, reason[:5000])
            else:
                _forget_reason(self.uri, self.run_id)
            client(self.uri).set_terminated(self.run_id, _ENDINGS[status], end_time=at)

    def attach(self, run_id: str) -> Self:
        return type(self)(self.uri, run_id)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Nobody else of ours writes to a store in a file meanwhile: SQLite takes one at a time."""
        with told(self.uri), one_at_a_time(self.uri):
            yield


@lru_cache(maxsize=256)
def _experiment_name(uri: str, experiment_id: str) -> str:
    return str(client(uri).get_experiment(experiment_id).name)


@contextmanager
def _known(run_id: str, uri: str) -> Iterator[None]:
    """Says of a run that is not there that it is not there."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise NotFoundError(
            f"There is no run {run_id!r}.", where=masked(uri), mend="see what there is: assay runs"
        ) from None


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Python's garbage collector looks at new objects only meanwhile.

    SQLAlchemy makes so many that it would look through all of the process's, again and again: a
    quarter of the time that metrics cost.
    """
    if gc.get_freeze_count():  # somebody else's
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _forget_reason(uri: str, run_id: str) -> None:
    """Of an end that was none, since the run was resumed."""
    if _REASON in client(uri).get_run(run_id).data.tags:
        client(uri).delete_tag(run_id, _REASON)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_born(os.getpid())}"


def _is_gone(process: str) -> bool:
    host, pid, *born = process.split(":") if ":" in process else (process, "")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _born(int(pid)) != int(born[0]) if born else not psutil.pid_exists(int(pid))


def _born(pid: int) -> int:
    """When the process of this number began, in seconds since 1970; 0 if there is none."""
    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0


def _as_text(value: Any) -> str:
    return str(value)[:_LONGEST_PARAM]


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _blocks(entries: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
