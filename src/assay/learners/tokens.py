"""Tokens: texts are tokenised once, and kept by the fingerprint of texts and tokenizer.

What is kept is an Arrow file of whole texts without marks, so that another length, or another way
to read long texts, finds it too. The next fit, seed or trial maps it into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.data.ragged import Ragged
from assay.learners.served_text import Frame, Reading, ServedText, sequences, tokens_of
from assay.workspace import written_aside

_VERSION = 1
"""Of how texts are tokenised: what an older one kept is not found again."""
_MOST_KEPT = 16
_COLUMN = "tokens"


@dataclass(frozen=True)
class TextEncoding:
    """What turns texts into the inputs of a transformer.

    Attributes:
        tokenizer: Hugging Face's.
        reading: Which columns are read, and how much of them.
        revision: Of the pretrained model that the tokenizer is of.
        folder: Where tokens are kept; None to keep none.
    """

    tokenizer: Any
    reading: Reading
    revision: str
    folder: Path | None = None

    def sequences(self, features: pd.DataFrame) -> Ragged:
        """The tokens of some rows, as `Part.features` has them."""
        names = self.reading.columns
        frame = Frame.of(self.tokenizer, len(names))
        tokens = [self.whole(features[name].tolist()) for name in names]
        return sequences(self.reading, frame, tokens, self.tokenizer.pad_token_id or 0)

    def lost(self, features: pd.DataFrame) -> Lost:
        """What is not read of some rows."""
        counts = np.zeros(len(features), dtype=np.int64)
        for name in self.reading.columns:
            counts += np.array([len(each) for each in self.whole(features[name].tolist())])
        if self.reading.long == "windows" and len(self.reading.columns) == 1:
            return Lost(0, len(counts), 0, int(counts.sum()))
        room = self.reading.max_length - Frame.of(self.tokenizer, len(self.reading.columns)).n_marks
        over = np.maximum(counts - room, 0)
        return Lost(int((over > 0).sum()), len(counts), int(over.sum()), int(counts.sum()))

    def whole(self, texts: Sequence[Any]) -> Sequence[Sequence[int]]:
        """The tokens of texts, whole and without marks; those that are kept, if they are."""
        if self.folder is None:
            return tokens_of(self.tokenizer, texts)
        path = self.folder / f"{self._fingerprint(texts)}.arrow"
        if path.is_file():
            path.touch()
        else:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(tokens_of(self.tokenizer, texts), path)
            _forget_all_but_newest(self.folder)
        return _Kept(path)

    def served(self, net: Any, target: dict[str, Any]) -> ServedText:
        """A network at work behind it."""
        return ServedText(net, self.tokenizer, self.reading, target)

    def _fingerprint(self, texts: Sequence[Any]) -> str:
        told = hashlib.sha256(f"{_VERSION} {self.revision} {len(texts)}\n".encode())
        for text in texts:
            raw = b"" if pd.isna(text) else str(text).encode()
            told.update(len(raw).to_bytes(8, "little") + raw)
        return told.hexdigest()


class Lost(NamedTuple):
    """What is not read of texts that are too long.

    Attributes:
        rows: With such a text ...
        of_rows: ... of so many.
        tokens: Not read, marks not counted ...
        of_tokens: ... of so many.
    """

    rows: int
    of_rows: int
    tokens: int
    of_tokens: int


class _Kept(Sequence[Any]):
    """Tokens in a mapped file."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as file:
            column = pa.ipc.open_file(file).read_all()[_COLUMN]
        self._column = column.combine_chunks()
        self._ends = self._column.offsets.to_numpy()
        self._values = self._column.values.to_numpy()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: Any) -> Any:
        return self._values[self._ends[place] : self._ends[place + 1]].tolist()


def _write(tokens: Sequence[Sequence[int]], path: Path) -> None:
    ends = np.cumsum([0, *map(len, tokens)])
    values = np.fromiter((each for some in tokens for each in some), np.int32, int(ends[-1]))
    column = pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), pa.array(values))
    table = pa.table({_COLUMN: column})
    with (
        written_aside(path, mode=0o600) as aside,
        pa.ipc.new_file(str(aside), table.schema) as file,
    ):
        file.write_table(table)


def _forget_all_but_newest(folder: Path) -> None:
    """What is mapped by a process stays readable for it, though its file is gone."""
    kept = sorted(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime_ns)
    for path in kept[:-_MOST_KEPT]:
        path.unlink(missing_ok=True)
