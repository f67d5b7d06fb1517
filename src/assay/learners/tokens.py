"""Tokens: texts are tokenised once, and kept by the fingerprint of texts and tokenizer.

What is kept is an Arrow file of whole texts without special tokens, so that another length, or
another way to read long texts, finds it too. The next fit, seed or trial maps it into memory. Where
nothing can be kept, or what was kept is gone or broken, texts are tokenised again: no fit ends for
that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from assay.data.ragged import Ragged
from assay.learners.served_text import (
    Frame,
    Reading,
    ServedText,
    Tokens,
    sequences,
    tokens_of,
)
from assay.workspace import forget_all_but_newest, written_aside

_VERSION = 1
"""Of how texts are tokenised: what an older one kept is not found again."""
_MOST_KEPT = 16
_COLUMN = "tokens"
_TOKENISING = "tokenizers", "transformers"
"""Packages, another version of which may tokenise otherwise."""


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
        frame = Frame.of(self.tokenizer, len(self.reading.columns))
        room = self.reading.max_length - frame.n_special
        over = np.maximum(counts - room, 0)
        return Lost(int((over > 0).sum()), len(counts), int(over.sum()), int(counts.sum()))

    def whole(self, texts: Sequence[Any]) -> Sequence[Tokens]:
        """The tokens of texts, whole and without special ones; those that are kept, if they are."""
        if self.folder is None:
            return tokens_of(self.tokenizer, texts)
        path = self.folder / f"{self._fingerprint(texts)}.arrow"
        try:
            kept = _Kept(path)
        except (OSError, pa.ArrowException):
            tokens = tokens_of(self.tokenizer, texts)
            with suppress(OSError):
                _write(tokens, path)
                forget_all_but_newest(self.folder, "*.arrow", _MOST_KEPT)
            return tokens
        with suppress(OSError):
            os.utime(path)
        return kept

    def served(self, net: Any, target: dict[str, Any]) -> ServedText:
        """A network at work behind it."""
        return ServedText(net, self.tokenizer, self.reading, target)

    def _fingerprint(self, texts: Sequence[Any]) -> str:
        makers = [version(name) for name in _TOKENISING]
        about = f"{_VERSION} {' '.join(makers)} {self.revision} {len(texts)}\n"
        told = hashlib.sha256(about.encode())
        for text in texts:
            raw = b"" if pd.isna(text) else str(text).encode()
            told.update(len(raw).to_bytes(8, "little") + raw)
        return told.hexdigest()


class Lost(NamedTuple):
    """What is not read of texts that are too long.

    Attributes:
        rows: With such a text ...
        of_rows: ... of so many.
        tokens: Not read, special ones not counted ...
        of_tokens: ... of so many.
    """

    rows: int
    of_rows: int
    tokens: int
    of_tokens: int


class _Kept(Sequence[Any]):
    """Tokens in a mapped file; of each text an array that must not be written to.

    Raises:
        OSError: There is no such file.
        ArrowException: It is torn.
    """

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as file:
            column = pa.ipc.open_file(file).get_batch(0).column(_COLUMN)
        self._ends = column.offsets.to_numpy()
        self._values = column.values.to_numpy()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: Any) -> Any:
        return self._values[self._ends[place] : self._ends[place + 1]]


def _write(tokens: Sequence[Tokens], path: Path) -> None:
    ends = np.cumsum([0, *map(len, tokens)])
    values = np.concatenate([np.empty(0, dtype=np.int32), *tokens])
    column = pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), pa.array(values))
    batch = pa.record_batch({_COLUMN: column})
    with (
        written_aside(path, mode=0o600) as aside,
        pa.ipc.new_file(str(aside), batch.schema) as file,
    ):
        file.write_batch(batch)
