"""Labels on the same row: counts are counts, and chance is Fisher's exact test over all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from assay.data.labels import Held
from assay.data.together import LEVEL, MOST_PAIRS, together

NAMES = ("hot", "old", "rare", "wet")


def drawn(seed: int, n: int = 200) -> Held:
    """Four labels of which 'rare' leans on 'hot', more or less."""
    random = np.random.default_rng(seed)
    held = (random.random((n, 4)) < [0.5, 0.3, 0.2, 0.05]).astype(np.int64)
    lean = random.random(n) < random.random()
    held[lean, 2] = held[lean, 0]
    return held


@given(st.integers(0, 10_000))
def test_each_pair_is_told_as_fishers_exact_test_tells_it(seed: int) -> None:
    held = drawn(seed)
    for pair in together(held, NAMES):
        first, second = (held[:, NAMES.index(name)] == 1 for name in (pair.first, pair.second))
        assert first.sum() >= second.sum()
        assert pair.n == (first & second).sum()
        assert np.isclose(pair.expected, first.mean() * second.sum())
        cells = [
            [(first & second).sum(), (first & ~second).sum()],
            [(~first & second).sum(), (~first & ~second).sum()],
        ]
        tails = [fisher_exact(cells, alternative=each).pvalue for each in ("less", "greater")]
        assert pair.tells == (min(tails) < (1 - LEVEL) / 2 / 6)


def test_what_goes_together_comes_first() -> None:
    random = np.random.default_rng(0)
    held = (random.random((300, 4)) < 0.3).astype(np.int64)
    held[:, 3] = held[:, 1] * (random.random(300) < 0.9)
    first, *others = together(held, NAMES)
    assert ({first.first, first.second}, first.tells) == ({"old", "wet"}, True)
    assert len(others) == MOST_PAIRS - 1


def test_labels_that_are_independent_are_seldom_told_to_go_together() -> None:
    random = np.random.default_rng(0)
    told = [
        any(each.tells for each in together((random.random((150, 4)) < 0.3) * 1, NAMES))
        for _ in range(200)
    ]
    assert np.mean(told) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_a_label_on_every_row_tells_nothing() -> None:
    held = drawn(0)
    held[:, 0] = 1
    assert not any(each.tells for each in together(held[:, :2], NAMES[:2]))
