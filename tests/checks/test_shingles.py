"""Likeness is that of the sets of shingles, and sketches find the pairs that are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.checks.shingles import candidates, likeness, normal, shingle_sets, sketched
from tests.checks.planting import sayings

WORDS = st.lists(st.sampled_from(["a", "b", "Ç", "\u00df", "\u6f22", ""]), max_size=12)
TEXTS = WORDS.map(" ".join)


def plainly(text: str) -> set[tuple[str, ...]]:
    words = normal(text).split()
    return set(zip(words, words[1:], words[2:], strict=False))


@given(st.lists(TEXTS, min_size=2, max_size=8))
def test_likeness_is_that_of_the_sets(texts: list[str]) -> None:
    sets = shingle_sets(texts)
    assert [len(each) for each in sets] == [len(plainly(text)) for text in texts]
    one, other = plainly(texts[0]), plainly(texts[1])
    expected = len(one & other) / max(1, len(one | other))
    assert likeness(sets[0], sets[1]) == pytest.approx(expected)
    assert sketched(texts).words.tolist() == [len(text.split()) for text in texts]


def test_a_text_is_sketched_alike_whatever_stands_beside_it() -> None:
    texts = sayings(50, words=4000)
    together, alone = sketched(texts), [sketched([text]) for text in texts]
    assert np.array_equal(together.bins, np.concatenate([each.bins for each in alone]))
    assert np.array_equal(together.whole, np.concatenate([each.whole for each in alone]))
    assert len(sketched([]).words) == 0


@pytest.mark.parametrize("words", [12, 60, 600])
def test_pairs_that_are_alike_are_found_and_few_others(words: int) -> None:
    texts = sayings(300, seed=words, words=words)
    random = np.random.default_rng(0)
    changed = []
    for text in texts:
        parts = text.split()
        for at in random.integers(0, len(parts), max(1, len(parts) // 40)):
            parts[at] = "else"
        changed.append(" ".join(parts))
    alike = np.array(list(map(likeness, shingle_sets(texts), shingle_sets(changed))))
    i, j, agree = candidates(sketched(texts), sketched(changed), 0.8)
    found = {a for a, b in zip(i.tolist(), j.tolist(), strict=True) if a == b}
    wanted = set(np.flatnonzero(alike >= 0.8).tolist())
    assert len(wanted) >= 30
    assert len(wanted - found) <= 0.01 * len(wanted)
    assert len(i) <= 2 * len(texts)
    own = i == j
    assert np.abs(agree[own] - alike[i[own]]).mean() < 0.06
