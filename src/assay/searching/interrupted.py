"""A search for an ensemble that may be interrupted: where it is kept, and for whom.

It is in the folder of its study as long as it has not come to a run. One process at a time works
on it, on the very data, folds, settings and versions that it began with; anything else is refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from assay import steps
from assay.errors import AssayError, InputError
from assay.place import Place
from assay.provenance import DISTRIBUTIONS
from assay.searching.asked import digest_of
from assay.tuning.kept import Kept
from assay.tuning.study import of_something_else
from assay.workspace import atomic_write, file_name

_FOLDER, _ABOUT = "auto", "about.json"
_PROPOSER = "optuna"


@contextmanager
def interruptible(ready: steps.Ready, place: Place, name: str) -> Iterator[Kept]:
    """What a search of this name had come to; gone once the block ends, kept if it raises.

    Where not a single fit has come to predictions there is nothing to go on with.

    Args:
        ready: What is searched for.
        place: Where.
        name: Of the study.

    Raises:
        InputError: Another process is at it, or it searched something else.
    """
    study = place.workspace.studies_folder / file_name(name)
    study.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(study / f"{_FOLDER}.lock", name):
        folder = study / _FOLDER
        known = _opened(folder, name, _about(ready))
        try:
            yield known
        except AssayError:
            if known.is_worth_nothing:
                _forget(folder)
            raise
        _forget(folder)


@contextmanager
def _alone(path: Path, name: str) -> Iterator[None]:
    """Within it no other process searches.

    Raises:
        InputError: Another does.
    """
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(
            f"The study {name} is being searched by another process.",
            where=str(path.parent),
            mend="wait until it has ended, or begin another: assay tune EXPERIMENT --study "
            "OTHER_NAME",
        ) from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # something is kept, or another learner's study has this name
            path.parent.rmdir()


def _about(ready: steps.Ready) -> dict[str, str]:
    """What the fits depend on."""
    loaded, about = ready.asked.loaded, ready.asked.about
    versions = {**about["packages"], _PROPOSER: about[DISTRIBUTIONS][_PROPOSER]}
    in_time = loaded.experiment.tuning.seconds is not None
    return {
        "data": ready.data.fingerprint,
        "split": ready.split,
        "experiment": digest_of(loaded),
        "kind of budget": "seconds" if in_time else "trials",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _opened(folder: Path, name: str, about: Mapping[str, str]) -> Kept:
    """What is kept of a search about the same; a search that begins says what it is about.

    Raises:
        InputError: It was about something else.
    """
    path, found = folder / _ABOUT, Kept(folder)
    known = json.loads(path.read_bytes()) if path.exists() else None
    if known == about:
        return found
    if known is not None and not found.is_worth_nothing:
        raise of_something_else(name, str(folder), known, about)
    _forget(folder)
    atomic_write(path, json.dumps(about), mode=0o600)
    return Kept(folder)


def _forget(folder: Path) -> None:
    """Remove all of it; what a kill leaves of it says of nothing what it is about."""
    (folder / _ABOUT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
