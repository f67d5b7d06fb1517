"""A fine-tuned transformer at work: texts in, probabilities or values out.

This module stands alone beside `assay.data.ragged`, `assay.networks.reading` and
`assay.learners.served_network` with what that needs, because the text of all of them travels inside
every logged model that reads texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.ragged import Ragged
from assay.learners.served_network import Said, in_terms, one_thread, says_of
from assay.networks.reading import hushed, logits_of

TEXT = "text.json"
TRANSFORMER = "transformer"
TEXTS_AT_ONCE = 32
"""Rows that are predicted at a time, in the order of their length."""
HEAD_SHARE = 0.25
"""Of a long text, what is kept of its beginning; the rest is of its end."""
Tokens = NDArray[np.int32]
"""Of a text, shape (tokens,)."""
_AT_ONCE = 1000


@dataclass(frozen=True)
class Reading:
    """How texts become tokens.

    Attributes:
        columns: The column of texts, or of first and second texts.
        max_length: Tokens of a sequence, special tokens included.
        long: What is read of a text that is longer: its 'head', 'head and tail', or all of it in
            overlapping 'windows'.
    """

    columns: tuple[str, ...]
    max_length: int
    long: str


@dataclass(frozen=True)
class Frame:
    """What a tokenizer puts around the tokens of texts.

    Attributes:
        special: Special tokens before the first text, between two (nothing for one alone), and
            behind the last.
        types: Of each stretch: special tokens and texts in turn, as they lie; empty if none is
            told.
    """

    special: tuple[tuple[int, ...], ...]
    types: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any, n_texts: int) -> Frame:
        """Found out from a text that is known."""
        probe = tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = tokenizer(*["a"] * n_texts)
        ids, kinds = whole["input_ids"], whole.get("token_type_ids")
        special, types, at = [], [], 0
        for _ in range(n_texts):
            begin = next(i for i in range(at, len(ids)) if ids[i : i + len(probe)] == probe)
            special.append(tuple(ids[at:begin]))
            types += [kinds[max(begin - 1, 0)], kinds[begin]] if kinds else []
            at = begin + len(probe)
        special.append(tuple(ids[at:]))
        types += [kinds[-1]] if kinds else []
        return cls(tuple(special), tuple(types))

    @property
    def n_special(self) -> int:
        return sum(map(len, self.special))


def tokens_of(tokenizer: Any, texts: Sequence[Any]) -> list[Tokens]:
    """The tokens of texts, whole and without special ones; of what is missing, none."""
    found: list[Tokens] = []
    for low in range(0, len(texts), _AT_ONCE):
        some = ["" if pd.isna(each) else str(each) for each in texts[low : low + _AT_ONCE]]
        given = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
        found += [np.array(each, dtype=np.int32) for each in tokenizer(some, **given)["input_ids"]]
    return found


def sequences(
    reading: Reading, frame: Frame, tokens: Sequence[Sequence[Tokens]], padding: int
) -> Ragged:
    """Tokens as sequences that are no longer than they may be.

    Args:
        reading: How.
        frame: What is put around them.
        tokens: Of each column, of each row.
        padding: The token that stands for nothing.
    """
    room = reading.max_length - frame.n_special
    lengths, rows = [0], [0]
    for texts in zip(*tokens, strict=True):
        parts = _parts(reading.long, texts, room)
        lengths += [frame.n_special + sum(map(len, part)) for part in parts]
        rows.append(len(lengths) - 1)
    ends = np.cumsum(lengths)
    names = ["input_ids", "token_type_ids"] if frame.types else ["input_ids"]
    values = {name: np.zeros(ends[-1], dtype=np.int32) for name in names}
    ids, types = values["input_ids"], values.get("token_type_ids")
    special, at = [np.array(each, dtype=np.int32) for each in frame.special], 0
    for texts in zip(*tokens, strict=True):
        for part in _parts(reading.long, texts, room):
            laid = [each for pair in zip(special[:-1], part, strict=True) for each in pair]
            for place, stretch in enumerate([*laid, special[-1]]):
                begin, at = at, at + len(stretch)
                ids[begin:at] = stretch
                if types is not None:
                    types[begin:at] = frame.types[place]
    return Ragged(values, ends, np.array(rows), {"input_ids": padding, "token_type_ids": 0})


def _parts(long: str, texts: Sequence[Tokens], room: int) -> list[Sequence[Tokens]]:
    """What is read of a row's texts: of each sequence, a part of each text."""
    if sum(map(len, texts)) <= room:
        return [texts]
    if len(texts) > 1:
        rooms = _shared([len(each) for each in texts], room)
        return [[_ends(long, each, most) for each, most in zip(texts, rooms, strict=True)]]
    [text] = texts
    if long != "windows":
        return [[_ends(long, text, room)]]
    step = max(room * 3 // 4, 1)
    starts = range(0, max(len(text) - room, 0) + step, step)
    return [[text[start : start + room]] for start in starts if start < len(text)]


def _shared(lengths: Sequence[int], room: int) -> list[int]:
    """Room for two texts: the longer one is shortened first, as tokenizers do it."""
    first, second = lengths
    shorter = min(first, second, room // 2)
    return [room - shorter, shorter] if second < first else [shorter, room - shorter]


def _ends(long: str, text: Tokens, room: int) -> Tokens:
    if len(text) <= room:
        return text
    head = room if long == "head" else int(room * HEAD_SHARE)
    return np.concatenate([text[:head], text[len(text) - (room - head) :]])


class ServedText:
    """A transformer with what comes before it and after it.

    Args:
        net: For sequence classification, in evaluation mode, on the CPU.
        tokenizer: Its tokenizer.
        reading: How texts become tokens.
        target: What `Target.as_dict` gives.
    """

    def __init__(
        self, net: Any, tokenizer: Any, reading: Reading, target: Mapping[str, Any]
    ) -> None:
        self.net, self.tokenizer, self.reading, self.target = net, tokenizer, reading, target

    @classmethod
    def read(cls, folder: Path) -> ServedText:
        """Read what was saved; no code in it is run."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        about = json.loads((folder / TEXT).read_text(encoding="utf-8"))
        given = {"trust_remote_code": False, "local_files_only": True}
        with hushed():
            net = AutoModelForSequenceClassification.from_pretrained(
                folder / TRANSFORMER, dtype="float32", use_safetensors=True, **given
            )
        tokenizer = AutoTokenizer.from_pretrained(folder / TRANSFORMER, **given)
        how = about["reading"]
        reading = Reading(tuple(how["columns"]), how["max_length"], how["long"])
        return cls(net.eval(), tokenizer, reading, about["target"])

    def predict(self, features: pd.DataFrame) -> Said:
        """What it says of some rows, with one numerical thread."""
        import torch

        if len(features) == 0:
            shape = (0, len(self.target["seen"])) if self.target["classes"] else (0,)
            return in_terms(self.target, np.zeros(shape))
        rows = self.sequences(features)
        order = np.argsort(-rows.lengths, kind="stable")
        says, said = says_of(self.target), []
        with one_thread(), torch.inference_mode():
            for low in range(0, len(order), TEXTS_AT_ONCE):
                padded = rows.padded(order[low : low + TEXTS_AT_ONCE])
                inputs = {name: torch.tensor(each) for name, each in padded.items()}
                outputs = logits_of(self.net, **inputs)
                said.append(says(outputs.double()).numpy())
        joined = np.concatenate(said)
        found = np.empty_like(joined)
        found[order] = joined
        return in_terms(self.target, found)

    def sequences(self, features: pd.DataFrame) -> Ragged:
        """The tokens of some rows."""
        tokens = [
            tokens_of(self.tokenizer, features[name].tolist()) for name in self.reading.columns
        ]
        frame = Frame.of(self.tokenizer, len(self.reading.columns))
        return sequences(self.reading, frame, tokens, self.tokenizer.pad_token_id or 0)

    def save(self, folder: Path, **about: Any) -> None:
        """Write it as `transformers` reads it, and beside it how it is used.

        Args:
            folder: Exists already.
            about: What else is to be kept; fit for JSON.
        """
        with hushed():
            self.net.save_pretrained(folder / TRANSFORMER)
        self.tokenizer.save_pretrained(folder / TRANSFORMER)
        told = {"reading": asdict(self.reading), "target": dict(self.target), **about}
        (folder / TEXT).write_text(json.dumps(told, indent=1), encoding="utf-8")
