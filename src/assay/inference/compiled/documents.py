"""Documents: TF-IDF of a text, and the topics that it is reduced to, as scikit-learn has them.

The words are cut by the vectorizer's own analyzer; what follows are its operations, in its order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from assay.inference.compiled.steps import step_of

Document = Callable[[str], Iterable[tuple[int, float]]]
"""Of a text: positions among the outputs, and what stands there."""


def document_of(part: Any) -> Document | None:
    """What a fitted part makes of a text; None if it is not known here."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else [part]
    words = _words(steps[0])
    if words is None or len(steps) == 1:
        return words
    if type(steps[1]).__name__ != "TruncatedSVD":
        return None
    topics, after = _topics(steps[1]), [step_of(step) for step in steps[2:]]
    if None in after:
        return None

    def made(text: str) -> Iterable[tuple[int, float]]:
        row = topics(words(text))
        for step in after:
            row = step(row)  # type: ignore[misc]
        return enumerate(row)

    return made


def _words(vectorizer: Any) -> Document | None:
    if type(vectorizer).__name__ != "TfidfVectorizer" or vectorizer.dtype is not np.float64:
        return None
    if vectorizer.norm != "l2" or not vectorizer.use_idf or vectorizer.binary:
        return None
    analyze, place_of = vectorizer.build_analyzer(), vectorizer.vocabulary_.get
    weights, is_sublinear = vectorizer.idf_, vectorizer.sublinear_tf

    def made(text: str) -> list[tuple[int, float]]:
        counts = Counter(map(place_of, analyze(text)))
        counts.pop(None, None)
        if not counts:
            return []
        places = sorted(counts)
        shares = np.array([counts[place] for place in places], dtype=np.float64)
        if is_sublinear:
            np.log(shares, shares)
            shares += 1.0
        shares *= weights[places]
        listed = shares.tolist()
        total = 0.0
        for share in listed:
            total += share * share
        length = math.sqrt(total)
        return [(place, share / length) for place, share in zip(places, listed, strict=True)]

    return made


def _topics(reduction: Any) -> Callable[[Iterable[tuple[int, float]]], list[float]]:
    """What a truncated SVD makes of a sparse row: one entry after the other, as scipy adds up."""
    of_word = np.ascontiguousarray(reduction.components_.T)

    def made(entries: Iterable[tuple[int, float]]) -> list[float]:
        total = np.zeros(of_word.shape[1])
        for place, value in entries:
            total += value * of_word[place]
        listed: list[float] = total.tolist()
        return listed

    return made
