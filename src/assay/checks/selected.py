"""Selected: whether the columns kept are the best by a score on all rows, or on training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.predictions import Floats, Rows

Score = Callable[[Floats, Floats], Floats]
Mask = NDArray[np.bool_]
NEARLY_ALL = 0.95
DRAWS = 40
DRAWS_SLOW = 10
MOST_CELLS = 20_000_000
MOST_CELLS_SLOW = 40_000


@dataclass(frozen=True)
class Selection:
    """How the kept columns rank by one score.

    Attributes:
        score: Its name.
        by_all: Share of the kept columns that are among as many best by all rows.
        by_train: Share that are among as many best by training rows.
        by_chance: The same by as many rows as there are training rows, drawn at random: its mean.
        draws: So many drawings.
        as_many: Drawings that give as large a share as all rows do.
        best_by_train: Positions of the columns that training rows alone would keep.
    """

    score: str
    by_all: float
    by_train: float
    by_chance: float
    draws: int
    as_many: int
    best_by_train: Rows

    @property
    def is_on_all(self) -> bool:
        """Whether all rows explain what was kept, and neither training rows nor chance do."""
        return self.by_all >= NEARLY_ALL and self.by_train < self.by_all and self.as_many == 0


def selection(X: Floats, y: Floats, kept: Mask, train: Rows, *, by_class: bool) -> Selection | None:
    """The first score that explains what was kept, by all or by training rows; None if none does.

    Args:
        X: All columns before the selection, of all rows, shape (n, p); NaN where missing.
        y: The target: numbers, or codes of classes, shape (n,).
        kept: Which columns were kept, shape (p,).
        train: Which rows are training rows.
        by_class: Whether the target is a class.
    """
    means = np.nan_to_num(np.nanmean(X, axis=0))
    X = np.where(np.isfinite(X), X, means)
    for name, score in _scores(by_class).items():
        slow = name == "mutual information"
        at = _some(kept, MOST_CELLS_SLOW // len(y)) if slow else np.arange(len(kept))
        if X.size > MOST_CELLS or kept[at].all():
            continue
        found = _ranked(name, score, (X[:, at], y, kept[at], train), DRAWS_SLOW if slow else DRAWS)
        if found is None:
            continue
        best = np.zeros(len(kept), dtype=bool)
        best[at[found.best_by_train]] = True
        return replace(found, best_by_train=np.flatnonzero(best))
    return None


def _ranked(
    name: str, score: Score, of: tuple[Floats, Floats, Mask, Rows], draws: int
) -> Selection | None:
    """How the kept columns rank by a score; None if it explains them neither way."""
    X, y, kept, train = of
    of_train = score(X[train], y[train])
    by_train, by_all = _overlap(of_train, kept), _overlap(score(X, y), kept)
    if max(by_train, by_all) < NEARLY_ALL:
        return None
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(draws if by_train < by_all else 0):
        rows = random.permutation(len(y))[: len(train)]
        drawn.append(_overlap(score(X[rows], y[rows]), kept))
    return Selection(
        score=name,
        by_all=by_all,
        by_train=by_train,
        by_chance=float(np.mean(drawn)) if drawn else by_train,
        draws=len(drawn),
        as_many=int(np.sum(np.array(drawn) >= by_all)),
        best_by_train=_best(of_train, int(kept.sum())),
    )


def _some(kept: Mask, most: int) -> Rows:
    """The kept columns and as many others as a dear score can be computed for, drawn at random."""
    others = np.random.default_rng(0).permutation(np.flatnonzero(~kept))
    return np.sort(np.concatenate([np.flatnonzero(kept), others[: max(0, most - kept.sum())]]))


def _scores(by_class: bool) -> Mapping[str, Score]:
    from sklearn.feature_selection import (
        f_classif,
        f_regression,
        mutual_info_classif,
        mutual_info_regression,
    )

    def f(X: Floats, y: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray((f_classif if by_class else f_regression)(X, y)[0])

    def ranked(X: Floats, y: Floats) -> Floats:
        from scipy.stats import rankdata

        return f(rankdata(X, axis=0), y if by_class else rankdata(y))

    def correlation(X: Floats, y: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(f_regression(X, y)[0])

    def information(X: Floats, y: Floats) -> Floats:
        return np.asarray(
            (mutual_info_classif if by_class else mutual_info_regression)(X, y, random_state=0)
        )

    return {
        "F statistic": f,
        "correlation": correlation,
        "rank correlation": ranked,
        "mutual information": information,
    }


def _best(scores: Floats, k: int) -> Rows:
    ranked = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    return np.sort(ranked[:k]).astype(np.int64)


def _overlap(scores: Floats, kept: Mask) -> float:
    """Share of the kept columns that are among as many best."""
    k = int(kept.sum())
    return float(kept[_best(scores, k)].sum()) / k
