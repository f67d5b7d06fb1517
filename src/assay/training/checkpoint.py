"""Checkpoints: what training needs to go on, kept on the disk so that no kill can lose it.

One is whole or it is not there (`checkpoint_files`). One that was damaged later on is told of, and
the one before takes its place. Training waits only while its state is copied; a thread writes.
"""

from __future__ import annotations

import re
import shutil
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from assay.errors import InputError
from assay.monitor import AssayWarning
from assay.training.checkpoint_files import Manifest, TornError, manifest_of, read, write
from assay.training.snapshot import Snapshot
from assay.training.tree import split

_NAME = re.compile(r"step-\d{9,}(-again\d+)?")
_LOCK = ".lock"
_PATIENCE_S = 5.0
"""How long workers of a killed process may still hold its lock."""


class _Writing(threading.Thread):
    """Something that is being written beside training."""

    def __init__(self, name: str, write: Callable[[], None], before: _Writing | None) -> None:
        super().__init__(name=name)
        self._write, self._before = write, before
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            if self._before is not None:
                self._before.join()
                if self._before.error is not None:
                    raise OSError("nor could what it speaks of")
            self._write()
        except BaseException as error:
            self.error = error


class Checkpoints:
    """The checkpoints of one training, in a folder that nobody else writes to.

    Args:
        folder: Where they are; created if need be.
        keep: How many are kept, besides the best.

    Raises:
        InputError: Another training writes there.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        assert keep >= 1, "the last one is always kept"
        self.folder = folder
        self._keep = keep
        self._snapshot = Snapshot()
        self._writing: _Writing | None = None
        self._damaged: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder)
        for each in folder.glob(".step-*"):
            shutil.rmtree(each, ignore_errors=True)

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def save(
        self,
        state: Mapping[str, Any],
        *,
        step: int | None = None,
        best: bool = False,
        after: Checkpoints | None = None,
    ) -> None:
        """Keep a state: it is copied now and written in the background.

        The one before is waited for. What the disk refuses is told of with a warning, here or in
        the call that comes next; the earlier checkpoints stay as they are.

        Args:
            state: A tree, as `tree.split` takes it.
            step: The optimizer step; by default what the state has under 'step'.
            best: Whether it is the best so far, and to be kept as such.
            after: Others that this state speaks of: it is not on the disk before what they are
                writing is, and not at all if that fails.

        Raises:
            InputError: The state holds what cannot be kept.
        """
        self.wait()
        at = int(state["step"] if step is None else step)
        document, tensors = split(state)
        copies = self._snapshot.taken(tensors)
        before = after._writing if after is not None else None
        self._writing = _Writing(
            f"step-{at:09d}", lambda: self._write(document, copies, at, best), before
        )
        self._writing.start()

    def latest(self) -> Any:
        """The state that was saved last and is whole, with tensors on the CPU; None without one.

        Warns of damaged ones (AssayWarning), naming which and why.
        """
        self.wait()
        return _newest(self.folder, self._damaged, best=False)

    def best(self) -> Any:
        """The state that was saved as the best, as far as it is whole; None without one."""
        self.wait()
        return _newest(self.folder, self._damaged, best=True)

    def steps(self) -> list[int]:
        """The optimizer steps that there are checkpoints of, in the order in which they came."""
        self.wait()
        return [manifest.step for _, manifest in _whole(self.folder)]

    def wait(self) -> None:
        """Wait until what was saved is on the disk, and tell if it is not."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        writing.join()
        if writing.error is None:
            return
        if not isinstance(writing.error, OSError):
            raise writing.error
        there = [each for each, _ in _whole(self.folder)]
        last = f"the last one is {there[-1]}" if there else "there is none yet"
        warnings.warn(
            AssayWarning(
                f"The checkpoint {writing.name} could not be written ({writing.error}); {last}, "
                f"and training goes on. Free some space: {self.folder}"
            ),
            stacklevel=3,
        )

    def close(self) -> None:
        """Wait until all is on the disk, and leave the folder to others."""
        try:
            self.wait()
        finally:
            self._lock.release()

    def _write(self, document: Any, tensors: Mapping[str, Tensor], step: int, best: bool) -> None:
        name = f"step-{step:09d}"
        number = max((each.number for _, each in _whole(self.folder)), default=0) + 1
        if (self.folder / name).exists():  # training went back, and came by once more
            name = f"{name}-again{number}"
        write(self.folder / name, document, tensors, step=step, number=number, best=best)
        self._prune()

    def _prune(self) -> None:
        """Remove what is older than the last ones, now that the newest is on the disk."""
        whole = [each for each in _whole(self.folder) if each[0] not in self._damaged]
        best = [name for name, manifest in whole if manifest.is_best][-1:]
        kept = {*(name for name, _ in whole[-self._keep :]), *best}
        for name in _names(self.folder):
            if name not in kept:
                gone = (self.folder / name).rename(self.folder / f".{name}.gone")
                shutil.rmtree(gone, ignore_errors=True)


def newest(folder: Path, *, best: bool = False) -> Any:
    """The last whole state in a folder, or the last best one, without a claim to write there.

    Args:
        folder: Of the checkpoints.
        best: Whether the best is asked for.

    Returns:
        The state with tensors on the CPU; None without one. Damaged ones are warned of.
    """
    return _newest(folder, set(), best=best)


def _newest(folder: Path, damaged: set[str], *, best: bool) -> Any:
    """The last whole state, or the last best one; those that are damaged are told and noted."""
    torn: dict[str, str] = {}
    state, taken = None, None
    for name, manifest in reversed(_whole(folder, torn)):
        if best and not manifest.is_best:
            continue
        try:
            state, taken = read(folder / name), name
            break
        except TornError as why:
            torn[name] = str(why)
    instead = f"{taken} takes its place" if taken else "there is none to take its place"
    for name in sorted(torn.keys() - damaged):
        text = f"The checkpoint {name} is damaged: {torn[name]}; {instead}. It lies in {folder}."
        warnings.warn(AssayWarning(text), stacklevel=3)
    damaged.update(torn)
    return state


def _whole(folder: Path, torn: dict[str, str] | None = None) -> list[tuple[str, Manifest]]:
    """Names and manifests of the checkpoints that have one, in the order in which they came."""
    found: list[tuple[str, Manifest]] = []
    for name in _names(folder):
        try:
            found.append((name, manifest_of(folder / name)))
        except TornError as why:
            if torn is not None:
                torn[name] = str(why)
    return sorted(found, key=lambda each: each[1].number)


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob("step-*") if _NAME.fullmatch(each.name))


def _locked(folder: Path) -> Any:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK, thread_local=False)
    with suppress(Timeout):
        lock.acquire(timeout=_PATIENCE_S)
    if not lock.is_locked:
        raise InputError(
            "Another training writes its checkpoints there.",
            where=str(folder),
            mend="wait for it to end, or give this one a folder of its own",
        )
    return lock
