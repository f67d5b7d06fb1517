"""What a fit prints: shown as ever, and kept for the run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TextIO, cast

from assay.provenance import masked

PRINTED = "printed.log"
_MOST = 1 << 20


@contextmanager
def overheard() -> Iterator[StringIO]:
    """What is printed in the block, its first 1 MiB; it is printed all the same."""
    kept = StringIO()
    with redirect_stdout(cast(TextIO, _Both(sys.stdout, kept))):
        yield kept


def write_printed(printed: Sequence[tuple[str, str]], folder: Path) -> Path | None:
    """Write what fits printed, each under what the fit is called; None if nothing was."""
    said = [f"== {name}\n{masked(text).rstrip()}\n" for name, text in printed if text.strip()]
    if not said:
        return None
    path = folder / PRINTED
    path.write_text("\n".join(said), encoding="utf-8")
    return path


class _Both:
    """Standard output, and a copy of what goes there."""

    def __init__(self, out: TextIO, kept: StringIO) -> None:
        self._out = out
        self._kept = kept

    def write(self, text: str) -> int:
        if self._kept.tell() < _MOST:
            self._kept.write(text)
        return self._out.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)
