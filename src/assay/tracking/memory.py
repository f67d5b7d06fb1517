"""Runs in memory: the store for tests and for looking without keeping anything."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
from numpy.typing import ArrayLike

from assay.errors import NotFoundError
from assay.findings import Finding
from assay.tracking.recorder import Histogram, Point, Recorder, Status, now
from assay.tracking.store import RunRecord, finding_key, unique_name


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
    points: dict[str, set[Point]] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
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

    def resume(self, run_id: str) -> Recorder:
        """Go on with a run that has ended: it is running again."""
        run = self._run(run_id)
        run.status, run.reason, run.finished = Status.RUNNING, "", None
        return MemoryRecorder(self, run_id)

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
            metrics={name: _in_order(each)[-1].value for name, each in run.points.items()},
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
        found = self._run(run_id).findings
        return [found[key] for key in sorted(found)]

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Every value of a metric with its step, in order."""
        points = self._run(run_id).points.get(metric, set())
        return [(each.step, each.value) for each in _in_order(points)]

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

    def _child(self, run_id: str, key: str) -> str | None:
        """The id of the run's child with this key."""
        for each in self._kept.values():
            if key and (each.parent, each.tags.get("assay.key")) == (run_id, key):
                return each.run_id
        return None

    def _begun(
        self, experiment: str, name: str, parent: str | None, tags: Mapping[str, str]
    ) -> MemoryRecorder:
        run_id, created = uuid4().hex, _moment(now())
        self._kept[run_id] = _Kept(run_id, name, experiment, parent, created, dict(tags))
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
        self.points([Point(name, float(value), step, now()) for name, value in metrics.items()])

    def series(self, name: str, values: Sequence[float]) -> None:
        at = now()
        steps = enumerate(values, start=1)
        self.points([Point(name, float(value), step, at) for step, value in steps])

    def points(self, points: Sequence[Point]) -> None:
        for each in points:
            self._run.points.setdefault(each.name, set()).add(each)

    def tags(self, tags: Mapping[str, str]) -> None:
        self._run.tags |= tags

    def finding(self, finding: Finding, key: str = "") -> None:
        copied = Finding.from_dict(json.loads(json.dumps(finding.as_dict())))
        self._run.findings[key or finding_key()] = copied

    def table(self, name: str, table: pa.Table) -> None:
        self._run.tables[name] = table

    def histogram(self, name: str, values: ArrayLike | Histogram, step: int = 0) -> None:
        path = self._store.folder(self._run_id) / "histograms" / f"{name}-{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"step": step, **asdict(Histogram.of(values))}))

    def artifact(self, path: Path, folder: str = "") -> None:
        copy = self._store.folder(self._run_id) / folder / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy, dirs_exist_ok=True)
        else:
            shutil.copy2(path, copy)

    def model(self, folder: Path, name: str, digest: str) -> None:
        copy = self._store.folder(self._run_id) / "models" / name
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        self._run.tags["assay.digest"] = digest

    def child(self, name: str, key: str = "") -> Recorder:
        there = self._store._child(self._run_id, key)
        if there is not None:
            return MemoryRecorder(self._store, there)
        tags = {"assay.key": key} if key else {}
        return self._store._begun(self._run.experiment, name, self._run_id, tags)

    def finish(self, status: Status, reason: str = "", at: int | None = None) -> None:
        self._run.status, self._run.reason = status, reason
        self._run.finished = _moment(at if at is not None else now())

    def attach(self, run_id: str) -> Self:
        return type(self)(self._store, self._store._run(run_id).run_id)


def _in_order(points: Iterable[Point]) -> list[Point]:
    return sorted(points, key=lambda each: (each.step, each.at))


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
