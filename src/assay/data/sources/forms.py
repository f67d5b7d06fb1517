"""Forms: which module reads a file, by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from assay.data.sources import arrow, delimited, jsonl, parquet


class Form(Protocol):
    """Reads files of one kind. Neither function settles types."""

    def read(self, path: Path) -> pa.Table:
        """The whole file."""
        ...

    def batches(self, path: Path, rows: int) -> Iterator[pa.Table]:
        """The file piece by piece, in pieces of about as many rows as are wanted."""
        ...


FORMS: dict[str, Form] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".parquet": parquet,
    ".pq": parquet,
    ".arrow": arrow,
    ".feather": arrow,
    ".ipc": arrow,
    ".jsonl": jsonl,
    ".ndjson": jsonl,
}
_COMPRESSED = (".gz", ".zst", ".bz2")
_TEXT = (".csv", ".tsv", ".jsonl", ".ndjson")


def form_of(path: Path) -> Form | None:
    """What reads this file; None if nothing does."""
    return FORMS.get(ending_of(path))


def ending_of(path: Path) -> str:
    """The ending that says the form: '.csv' of 'a.csv.gz'."""
    ending = path.suffix.lower()
    inner = Path(path.stem).suffix.lower()
    return inner if ending in _COMPRESSED and inner in _TEXT else ending
