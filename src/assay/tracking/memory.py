"""Runs in memory: the store for tests and for looking without keeping anything."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from assay.errors import NotFoundError
from assay.findings import Finding
from assay.tracking.recorder import Recorder, Status
from assay.tracking.store import RunRecord, unique_name


@dataclass
class _Kept:
    run_id: str
    name: str
    experiment: str
    parent: str | None
    created: str
    tags: dict[str, str]
    status: Status = Status.RUNNING
    reason: str = ""
    finished: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)


class MemoryStore:
    """Keeps runs as long as it lives; files in a temporary folder of its own."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="assay-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def begin(self, experiment: str, name: str, tags: Mapping[str, str]) -> Recorder:
        """Begin a run; a name that is taken gets a number."""
        taken = {each.name for each in self.runs(experiment)}
        return self._begun(experiment, unique_name(name, taken), None, tags)

    def attach(self, run_id: str) -> Recorder:
        """The recorder of a run that exists."""
        return MemoryRecorder(self, self._run(run_id).run_id)

    def get(self, run_id: str) -> RunRecord:
        """A run by its id."""
        run = self._run(run_id)
        return RunRecord(
            run_id=run.run_id,
            name=run.name,
            experiment=run.experiment,
            status=run.status,
            reason=run.reason,
            created=run.created,
            finished=run.finished,
            params=dict(run.params),
            metrics={name: values[-1][1] for name, values in run.history.items()},
            tags=dict(run.tags),
        )

    def runs(self, experiment: str | None = None) -> list[RunRecord]:
        """Runs that are nobody's child, newest first."""
        own = [each for each in self._kept.values() if each.parent is None]
        wanted = [each for each in own if experiment in (None, each.experiment)]
        return [self.get(each.run_id) for each in reversed(wanted)]

    def children(self, run_id: str) -> list[RunRecord]:
        """Runs that were begun inside this one, oldest first."""
        own = self._run(run_id).run_id
        return [self.get(each.run_id) for each in self._kept.values() if each.parent == own]

    def files(self, run_id: str) -> list[str]:
        """Paths of all that the run recorded as files, without those of its model."""
        folder = self.folder(run_id)
        paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in paths if path.parts[0] != "models")

    def fetch(self, run_id: str, path: str, into: Path) -> Path:
        """A local copy of a file or folder that the run recorded."""
        source = self.folder(run_id) / path
        if not source.exists():
            raise NotFoundError(
                f"The run has recorded no {path}.",
                where=f"run {run_id}",
                mend="choose a run that finished, or train again",
            )
        copy = into / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        return Path((shutil.copytree if source.is_dir() else shutil.copy2)(source, copy))

    def table(self, run_id: str, name: str) -> pa.Table:
        """A table that the run recorded."""
        try:
            return self._run(run_id).tables[name]
        except KeyError:
            raise NotFoundError(
                f"The run has recorded no table {name}.",
                where=f"run {run_id}",
                mend="choose a run that finished, or train again",
            ) from None

    def findings(self, run_id: str) -> list[Finding]:
        """The findings that the run recorded, in that order."""
        return list(self._run(run_id).findings)

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Every value of a metric with its step, in order."""
        return sorted(self._run(run_id).history.get(metric, []))

    def log_model(self, run_id: str, folder: Path, name: str, digest: str) -> str:
        """Keep a model folder with the run and its digest."""
        copy = self.folder(run_id) / "models" / name
        shutil.copytree(folder, copy)
        self._run(run_id).tags["assay.digest"] = digest
        return copy.as_uri()

    def model(self, run_id: str, into: Path) -> tuple[Path, str]:  # noqa: ARG002
        """The run's model as a local folder, and its digest."""
        models = sorted((self.folder(run_id) / "models").glob("*"))
        if not models:
            raise NotFoundError(
                f"The run {run_id} has no model.", mend="name a run that finished: assay runs"
            )
        return models[-1], self._run(run_id).tags["assay.digest"]

    def folder(self, run_id: str) -> Path:
        """Where the files of a run are."""
        folder = self._folder / self._run(run_id).run_id
        folder.mkdir(exist_ok=True)
        return folder

    def _run(self, run_id: str) -> _Kept:
        if run_id not in self._kept:
            raise NotFoundError(
                f"There is no run {run_id!r}.", where="memory", mend="see what there is: assay runs"
            )
        return self._kept[run_id]

    def _begun(
        self, experiment: str, name: str, parent: str | None, tags: Mapping[str, str]
    ) -> MemoryRecorder:
        run_id, now = uuid4().hex, _now()
        self._kept[run_id] = _Kept(run_id, name, experiment, parent, now, dict(tags))
        return MemoryRecorder(self, run_id)


class MemoryRecorder:
    """Writes to one run in memory."""

    def __init__(self, store: MemoryStore, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def _run(self) -> _Kept:
        return self._store._run(self._run_id)

    def params(self, params: Mapping[str, Any]) -> None:
        self._run.params |= {name: str(value) for name, value in params.items()}

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        for name, value in metrics.items():
            self._run.history.setdefault(name, []).append((step, float(value)))

    def series(self, name: str, values: Sequence[float]) -> None:
        steps = enumerate(values, start=1)
        self._run.history.setdefault(name, []).extend((step, float(v)) for step, v in steps)

    def tags(self, tags: Mapping[str, str]) -> None:
        self._run.tags |= tags

    def finding(self, finding: Finding) -> None:
        self._run.findings.append(Finding.from_dict(json.loads(json.dumps(finding.as_dict()))))

    def table(self, name: str, table: pa.Table) -> None:
        self._run.tables[name] = table

    def histogram(self, name: str, values: ArrayLike, step: int = 0) -> None:
        counts, edges = np.histogram(np.asarray(values, dtype=np.float64), bins="auto")
        path = self._store.folder(self._run_id) / "histograms" / f"{name}-{step}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"counts": counts.tolist(), "edges": edges.tolist()}))

    def artifact(self, path: Path, folder: str = "") -> None:
        copy = self._store.folder(self._run_id) / folder / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy, dirs_exist_ok=True)
        else:
            shutil.copy2(path, copy)

    def child(self, name: str) -> Recorder:
        return self._store._begun(self._run.experiment, name, self._run_id, {})

    def finish(self, status: Status, reason: str = "") -> None:
        self._run.status, self._run.reason, self._run.finished = status, reason, _now()

    def attach(self, run_id: str) -> Self:
        return type(self)(self._store, self._store._run(run_id).run_id)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
