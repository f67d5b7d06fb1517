"""Stillness: what is read was the same from its first byte to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.data.sources.folder import files_of
from assay.errors import DataError


@contextmanager
def unchanged(source: str | Path) -> Iterator[None]:
    """Refuse files that somebody wrote to in the meantime: half of one table, half of another.

    Databases and Delta tables see to it themselves.

    Raises:
        DataError: A file was changed, came or went; whatever its reader made of that.
    """
    if isinstance(source, str):
        yield
        return
    before = _state(source)
    try:
        yield
    except DataError as error:
        if _state(source) != before:
            raise _changed(source) from error
        raise
    if _state(source) != before:
        raise _changed(source)


def _changed(source: Path) -> DataError:
    return DataError(
        f"{source.name} was changed while it was read.",
        where=str(source),
        mend="wait until it is written, or read a copy of it",
    )


def _state(source: Path) -> dict[Path, tuple[int, int, int]]:
    """Which file is there, how long it is, and when it was written: of each file of a folder."""
    states = {}
    for file in files_of(source) if source.is_dir() else [source]:
        try:
            known = file.stat()
        except OSError:  # gone since the folder was listed
            continue
        states[file] = (known.st_ino, known.st_size, known.st_mtime_ns)
    return states
