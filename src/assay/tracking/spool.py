"""The spool: what a process records in a run, on this disk before anywhere else (law 4).

A folder for each process and run, of which the process holds the lock as long as it lives:

    about.json      which run, and where it goes
    log.jsonl       every call of the recorder, in order
    files/          copies of what was recorded as files
    NAME.sent       how far the store, or a mirror, has been told
    NAME.refused    the lines that it will never take
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet
from filelock import FileLock, Timeout

from assay.tracking.log import Log, Tell
from assay.tracking.recorder import now
from assay.tracking.records import Record, decoded, encoded
from assay.workspace import atomic_write, written_aside

_ABOUT = "about.json"
_LOG = "log.jsonl"
_FILES = "files"
_GROWING = "growing"
_LOCK = "lock"
_REFUSED = "refused"
_NEVER_BEGUN_S = 3600
_WHY = re.compile(r'\{"why": ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class About:
    """Which run a spool is of, and where it goes.

    Attributes:
        run_id: The run's id in the store.
        name: Its name.
        experiment: The experiment it belongs to.
        created: When it began, in milliseconds since 1970, UTC.
        address: The store, as it may be written down.
        tags: What the run was begun with.
        begins: Whether the run began here, and so ends here.
        mirrors: The settings that say which mirrors are told as well.
    """

    run_id: str
    name: str
    experiment: str
    created: int
    address: str
    tags: Mapping[str, str] = field(default_factory=dict)
    begins: bool = True
    mirrors: Mapping[str, Any] = field(default_factory=dict)


class Spool:
    """The folder of one process and one run.

    Args:
        folder: The folder; it exists, and nobody else holds its lock.
        about: What it is of.
        lock: Its lock, held.
        tell: Told, in words, when the disk is full.
    """

    def __init__(
        self, folder: Path, about: About, lock: FileLock, tell: Tell | None = None
    ) -> None:
        self.folder = folder
        self.about = about
        self.log = Log(folder / _LOG, *([tell] if tell else []))
        self._forget_what_was_never_written()
        self._lock = lock
        self._writing = threading.Lock()
        self._at = 0
        self._step: Any = None

    @classmethod
    def begin(cls, below: Path, about: About, tell: Tell | None = None) -> Self:
        """A new one, in a folder of its own."""
        folder = below / f"{about.run_id}-{uuid4().hex[:8]}"
        (folder / _FILES).mkdir(parents=True, mode=0o700)
        lock = FileLock(folder / _LOCK)
        lock.acquire(blocking=False)
        atomic_write(folder / _ABOUT, json.dumps(asdict(about), indent=1), mode=0o600)
        return cls(folder, about, lock, tell)

    @classmethod
    def take_over(cls, folder: Path) -> Self | None:
        """One that an earlier process left; None if its process lives, or it was never begun."""
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            return None
        try:
            about = About(**json.loads((folder / _ABOUT).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            lock.release()
            return None
        return cls(folder, about, lock)

    def append(self, method: str, child: str, *arguments: Any) -> None:
        """Write down a call. Records of one moment and one step never look the same."""
        with self._writing:
            at = now()
            step = arguments[0] if method == "metrics" else None
            if at < self._at or (at == self._at and step == self._step):
                at = self._at + (step == self._step)
            self._at, self._step = at, step
            self.log.append(encoded(method, child, at, *arguments))

    def keep(self, path: Path) -> str:
        """Copy a file or folder; returns where it is, relative to the spool."""
        copy = self._place(path.name)
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy2(path, copy)
        _sync(copy)
        return str(copy.relative_to(self.folder))

    def keep_table(self, name: str, table: pa.Table) -> str:
        """Keep a table as Parquet; returns where it is, relative to the spool."""
        path = self._place(f"{name.rpartition('/')[2]}.parquet")
        with written_aside(path, mode=0o600) as aside:
            pyarrow.parquet.write_table(table, aside, compression="zstd")
        return str(path.relative_to(self.folder))

    def growing(self, name: str) -> Path:
        """A file to write to until the run ends, however it ends; it is recorded then."""
        folder = self.folder / _FILES / _GROWING
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / name

    def record_grown(self) -> None:
        """Record the files that were growing."""
        for path in sorted((self.folder / _FILES / _GROWING).glob("*")):
            self.append("artifact", "", str(path.relative_to(self.folder)), "")

    def sent(self, target: str) -> int:
        """How far a target has been told."""
        try:
            return int((self.folder / f"{target}.sent").read_text())
        except (OSError, ValueError):
            return 0

    def mark_sent(self, target: str, end: int) -> None:
        """Remember how far a target has been told; it may be told the same again if not.

        That is as it must be where the disk is full: what is sent is sent.
        """
        aside = self.folder / f".{target}.sent"
        with suppress(OSError):
            aside.write_text(str(end))
            aside.replace(self.folder / f"{target}.sent")

    def set_aside(self, target: str, record: Record, why: str) -> None:
        """Keep what a target will never take, with what it said.

        Raises:
            OSError: It cannot be written, and so is to be sent again.
        """
        line = json.dumps({"why": why, "record": [record.method, record.child, *record.arguments]})
        with (self.folder / f"{target}.refused").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def refusals(self) -> list[str]:
        """What to say of records that were set aside."""
        said = []
        for path in sorted(self.folder.glob("*.refused")):
            lines = path.read_text(encoding="utf-8").splitlines()
            if lines:
                whose = f"{self.about.experiment}/{self.about.name}, kept in {self._aside}"
                why = _WHY.match(lines[0])  # of a disk that was full it may be half a line
                said.append(
                    f"{path.stem} will not take {len(lines):,} of the records of {whose}"
                    + (f": {json.loads(why[1])}" if why else "")
                )
        return said

    def end_what_is_open(self, status: str, reason: str) -> None:
        """Write down the end of the run, and of those inside it, where their process did not."""
        open_runs = {""} if self.about.begins else set()
        if not any(each.method == "finish" and not each.child for each in self.records()):
            self.record_grown()
        last = self.about.created
        for record in self.records():
            last = max(last, record.at)
            if record.method == "child":
                open_runs.add(record.arguments[1])
            if record.method == "finish":
                open_runs.discard(record.child)
        for child in sorted(open_runs, reverse=True):  # the run itself last
            self.log.append(encoded("finish", child, last, status, reason))

    def records(self) -> Iterator[Record]:
        """Everything that was recorded, from the first."""
        start = 0
        while block := self.log.read(start):
            yield from decoded(block, start)
            start += len(block)

    def close(self, *, keep: bool) -> None:
        """Let go of it; without `keep` only what was refused stays, with the files it names."""
        self.log.close()
        if not keep and self.refusals():
            self._aside.parent.mkdir(exist_ok=True, mode=0o700)
            self.folder.replace(self._aside)
        elif not keep:
            with suppress(OSError):  # first what tells that it was ever begun
                (self.folder / _ABOUT).unlink()
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    @property
    def _aside(self) -> Path:
        """Where it stays if something was refused."""
        return self.folder.parent.with_name(_REFUSED) / self.folder.name

    def _forget_what_was_never_written(self) -> None:
        """A target may have been told what was held in memory, or lost by the disk since."""
        for path in self.folder.glob("*.sent"):
            if self.sent(path.stem) > self.log.size:
                self.mark_sent(path.stem, self.log.size)

    def _place(self, name: str) -> Path:
        """A free place for a file of this name."""
        folder = self.folder / _FILES / uuid4().hex[:12]
        folder.mkdir(mode=0o700)
        return folder / name


def left(below: Path) -> list[Path]:
    """The spools that there are, oldest first, also those of living processes.

    One that was never begun, since its process was killed or the disk was full, is removed.
    """
    begun: list[tuple[float, Path]] = []
    for folder in below.glob("*/"):
        with suppress(OSError):  # its process may remove it meanwhile
            if (folder / _ABOUT).exists():
                begun.append(((folder / _ABOUT).stat().st_mtime, folder))
            elif time.time() - folder.stat().st_mtime > _NEVER_BEGUN_S:
                shutil.rmtree(folder)
    return [folder for _, folder in sorted(begun)]


def _sync(path: Path) -> None:
    """Have the disk keep a file, or the files in a folder."""
    for each in [path] if path.is_file() else path.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                os.fsync(file.fileno())
