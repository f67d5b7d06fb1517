"""Which marks of texts say a class: frequent in it, rare in all others, of unrelated texts.

One half of the texts finds them and the other confirms, at a level that counts how many are tried;
what is shown of a mark is counted on the half that did not find it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from assay.checks.marks import KINDS, Mark, marks
from assay.checks.shingles import Whole, likeness, shingle_sets

FEWEST_TEXTS = 200
FEWEST_WITH_MARK = 10
LEAST_COVER = 0.05
LEAST_COVER_OF_NAME = 0.2
LEAST_PRECISION = 0.8
LEAST_ODDS = 20.0
MOST_CONFIRMED = 200
LEVEL = 0.05
MOST_ALIKE = 0.5
PAIRS_COMPARED = 40
SAME_TEXTS = 0.8
MOST_TOLD = 20
FIRM_COVER = 0.3
FIRM_OTHERS = 0.01
FIRM_WORDS = 3


@dataclass(frozen=True)
class Told:
    """What one mark says of the classes, counted on rows that did not find it.

    Attributes:
        mark: The mark.
        code: The class that it says.
        cover: Share of that class's texts that have it.
        others: Share of all other texts that have it.
        log_odds: Logarithm of the odds ratio, with one half added to each count (Haldane).
        error: Its standard error.
        chance: How likely so many of the class's texts have it by chance (Fisher's exact test).
        texts: Positions of all texts that have it, of both halves.
    """

    mark: Mark
    code: int
    cover: float
    others: float
    log_odds: float
    error: float
    chance: float
    texts: Whole

    @property
    def is_firm(self) -> bool:
        """Whether it is a verbatim line of a large share of one class, and hardly elsewhere."""
        is_line = self.mark.kind == "line" and len(self.mark.value.split()) >= FIRM_WORDS
        return is_line and self.cover >= FIRM_COVER and self.others <= FIRM_OTHERS


def telling(
    texts: Sequence[str], codes: Whole, half: NDArray[np.bool_], names: Sequence[str] = ()
) -> list[Told]:
    """Marks that say a class, found on one half of some texts and counted on the other.

    Of marks that stand in the same texts one is named; what texts that are alike share is none.

    Args:
        texts: Texts, no two the same.
        codes: The class of each, from 0, shape (n,).
        half: Which texts find the marks, shape (n,).
        names: What the texts may call the classes.
    """
    if len(texts) < FEWEST_TEXTS:
        return []
    named = {*names} - {""}
    found = _having(texts, np.flatnonzero(half), named)
    likely = [mark for mark, having in found.items() if _says(mark, having, codes, half)]
    likely.sort(key=lambda mark: (-len(found[mark]), mark))
    likely = likely[:MOST_CONFIRMED]
    again = _having(texts, np.flatnonzero(~half), named, {*likely})
    told = []
    for mark in likely:
        first = _says(mark, found[mark], codes, half)
        sure = _says(mark, again.get(mark, []), codes, ~half)
        # Many marks are tried, so that each must be the more unlikely by chance.
        if first and sure and first.code == sure.code and sure.chance * len(likely) <= LEVEL:
            told.append(replace(sure, texts=np.sort([*found[mark], *again[mark]])))
    told.sort(key=lambda each: (KINDS.index(each.mark.kind), -len(each.texts), each.mark))
    kept = sorted(_apart(told), key=lambda each: -len(each.texts))
    return _unrelated(kept, texts)[:MOST_TOLD]


def _having(
    texts: Sequence[str], rows: Whole, names: Set[str], among: Set[Mark] | None = None
) -> dict[Mark, list[int]]:
    """Which of these rows have a mark, by mark; all marks, or those among some."""
    found: dict[Mark, list[int]] = {}
    for row in rows.tolist():
        seen = marks(texts[row], names)
        for mark in seen if among is None else seen & among:
            found.setdefault(mark, []).append(row)
    return found


def _says(mark: Mark, having: Sequence[int], codes: Whole, among: NDArray[np.bool_]) -> Told | None:
    """What a mark says, if it is frequent in one class and rare in the others of these texts."""
    from scipy.stats import hypergeom

    if len(having) < FEWEST_WITH_MARK:
        return None
    sizes = np.bincount(codes[among])
    counts = np.bincount(codes[having], minlength=len(sizes))
    code = int(np.argmax(counts / np.maximum(sizes, 1)))
    n, n_class = int(sizes.sum()), int(sizes[code])
    n_with, n_both = len(having), int(counts[code])
    without = n_class - n_both, n - n_class - (n_with - n_both)
    cells = np.array([n_both, without[0], n_with - n_both, without[1]]) + 0.5
    log_odds, error = float(np.log(cells) @ [1, -1, -1, 1]), float(np.sqrt((1 / cells).sum()))
    cover = n_both / n_class
    least = LEAST_COVER_OF_NAME if mark.kind == "name of a class" else LEAST_COVER
    is_strong = log_odds >= np.log(LEAST_ODDS) and n_both >= LEAST_PRECISION * n_with
    if cover < least or not is_strong:
        return None
    others = (n_with - n_both) / max(1, n - n_class)
    chance = float(hypergeom.sf(n_both - 1, n, n_class, n_with))
    return Told(mark, code, cover, others, log_odds, error, chance, np.array(having))


def _apart(told: Sequence[Told]) -> list[Told]:
    """Those that are not mostly in texts that have one before them."""
    kept: list[Told] = []
    for each in told:
        if not any(np.isin(each.texts, other.texts).mean() >= SAME_TEXTS for other in kept):
            kept.append(each)
    return kept


def _unrelated(told: Sequence[Told], texts: Sequence[str]) -> list[Told]:
    """Those whose texts have little else in common: a form that is filled in is what it says."""
    kept = []
    for each in told:
        step = len(each.texts) // 2
        first = np.linspace(0, step - 1, min(step, PAIRS_COMPARED)).astype(np.int64)
        one, other = (
            shingle_sets([texts[row] for row in each.texts[at]]) for at in (first, first + step)
        )
        if median(map(likeness, one, other)) <= MOST_ALIKE:
            kept.append(each)
    return kept
