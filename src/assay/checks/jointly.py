"""Jointly: what several columns say of the target together, and none of them alone.

Three ways to look, each cheap and each against what is there anyway: two columns in cells of both
(an exclusive or), a weighted sum, product or ratio of a few numbers (parts of a total), and columns
of one family by name (the shares of a histogram), through the probe's small forest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.checks.probe import encoded, fold_errors, target_columns
from assay.checks.skill import Bins, bins, few, skills
from assay.data.dataset import Part
from assay.data.schema import Kind, Task
from assay.predictions import Floats

PAIR_ROWS = 4000
MOST_PAIRS = 10
LEAST_OF_PAIR = 0.2
PAIR_BINS = 8
MOST_PAIRED = 40
FOREST_ROWS = 2000
FOREST_FOLDS = 2
MOST_FAMILIES = 6
FEWEST_OTHERS = 3
SUM_ROWS = 20_000
FEWEST_ROWS = 100
MOST_GAPS = 0.05
MOST_TERMS = 12
MOST_PARTS = 4
EXACT = 1e-7
HARDLY_MORE = 1.1


@dataclass(frozen=True)
class Joint:
    """Columns that say the target together.

    Attributes:
        columns: The columns.
        how: What they say it by: 'cells', 'sum', 'product' or 'family'.
        skill: What they explain together.
        best_alone: What the best of them explains alone.
        is_exact: Whether the target follows from them to the last digits.
    """

    columns: tuple[str, ...]
    how: str
    skill: float
    best_alone: float
    is_exact: bool = False


def pair_skills(train: Part, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """Skill of the cells of two features at a time, by their names, of the likeliest pairs."""
    sample = few(train, PAIR_ROWS)
    kinds = {column.name: column.kind for column in sample.schema.features}
    chosen = [name for name in names if kinds[name] not in (Kind.IMAGE, Kind.TEXT)][:MOST_PAIRED]
    if len(chosen) < 2:
        return {}
    binned = {name: bins(sample.features[name], kinds[name], PAIR_BINS) for name in sorted(chosen)}
    pairs: dict[tuple[str, str], Bins] = {
        (one, other): binned[one] * (PAIR_BINS + 1) + binned[other]
        for one, other in _likely(binned, target_columns(sample))
    }
    return skills(pairs, sample)


def _likely(binned: Mapping[str, Bins], truth: Floats) -> list[tuple[str, str]]:
    """Pairs whose cells explain much more of the variance than both features do, the best first.

    All pairs at once: counts and sums of all cells are products of the features' indicators. What
    cells explain is corrected for how many there are (adjusted R2).
    """
    names, width = list(binned), PAIR_BINS + 1
    levels = np.eye(width, dtype=np.float32)
    ones = np.hstack([levels[each] for each in binned.values()])
    n, shape = len(ones), (len(names), width, len(names), width)
    count = (ones.T @ ones).reshape(shape)
    between = np.zeros((len(names), len(names)))
    for column in truth.T:
        total = (ones.T @ (ones * column[:, None].astype(np.float32))).reshape(shape)
        between += (total**2 / np.maximum(count, 1)).sum(axis=(1, 3))
    n_cells = (count > 0).sum(axis=(1, 3))
    left = 1 - between / max(float((truth**2).sum()), np.finfo(float).tiny)
    explained = 1 - left * (n - 1) / np.maximum(n - n_cells, 1)
    alone = np.maximum(np.diag(explained), 0)
    more = explained - alone[:, None] - alone[None, :]
    order = sorted(combinations(range(len(names)), 2), key=lambda at: -more[at])
    return [(names[i], names[j]) for i, j in order[:MOST_PAIRS] if explained[i, j] >= LEAST_OF_PAIR]


def sums(train: Part, names: Sequence[str]) -> list[Joint]:
    """A sum, and a product, of few numbers that comes nearest to the target.

    Products and ratios are sums of logarithms. Of classes there must be two.
    """
    if train.schema.task is Task.MULTICLASS:
        return []
    sample = few(train, SUM_ROWS)
    is_number = sample.schema.task is Task.REGRESSION
    y = sample.known_target.astype(np.float64) if is_number else None
    aim = target_columns(sample)[:, 0]
    numeric = sorted({*names} & {*sample.schema.named(Kind.NUMERIC)})
    table = sample.features[numeric]
    table = table.loc[:, (table.isna().mean() <= MOST_GAPS) & (table.nunique() > 1)]
    complete = table.notna().all(axis=1).to_numpy()
    if complete.sum() < FEWEST_ROWS or table.shape[1] < 2:
        return []
    values, aim, rows = table.to_numpy(np.float64)[complete], aim[complete], sample.take(complete)
    found = [_summed("sum", list(table), values, aim, rows)]
    positive = (values > 0).all(axis=0)
    if positive.sum() > 1 and (y is None or (y > 0).all()):
        logs, which = np.log(values[:, positive]), [*table.columns[positive]]
        found.append(
            _summed("product", which, logs, aim if y is None else np.log(y[complete]), rows)
        )
    return [joint for joint in found if joint is not None]


def _summed(how: str, names: list[str], values: Floats, aim: Floats, rows: Part) -> Joint | None:
    """The few columns whose weighted sum comes nearest to the aim, chosen one by one."""
    spread = values.std(axis=0)
    kept = np.flatnonzero(spread > EXACT * np.abs(values).max(axis=0))
    X, aim = (values[:, kept] - values[:, kept].mean(axis=0)) / spread[kept], aim - aim.mean()
    scale = float(np.abs(aim).max())
    if scale == 0 or len(kept) < 2:
        return None
    chosen: list[int] = []
    left = aim
    is_class = rows.schema.task is not Task.REGRESSION
    while len(chosen) < min(MOST_PARTS if is_class else MOST_TERMS, len(kept)):
        # The partial correlation decides, so that one that only helps another is found too.
        rest = [j for j in range(len(kept)) if j not in chosen]
        others = X[:, rest] if not chosen else _without(X[:, rest], X[:, chosen])
        norms = np.sqrt((others**2).sum(axis=0))
        gain = np.where(
            norms > EXACT * len(X), np.abs(left @ others) / np.maximum(norms, 1e-300), 0
        )
        chosen.append(rest[int(gain.argmax())])
        left = _without(aim[:, None], X[:, chosen])[:, 0]
        if np.abs(left).max() <= EXACT * scale:
            break
    chosen = _needed(X, aim, chosen, float(left @ left) + EXACT**2 * float(aim @ aim))
    left = _without(aim[:, None], X[:, chosen])[:, 0]
    if len(chosen) < 2:
        return None
    columns = tuple(names[kept[j]] for j in chosen)
    is_exact = bool(np.abs(left).max() <= EXACT * scale)
    if is_class:
        said = pd.Series(aim - left)
        skill = skills({how: bins(said, Kind.NUMERIC)}, rows)[how]
    else:
        skill = 1 - float(left @ left) / float(aim @ aim)
    alone = max(float(X[:, j] @ aim) ** 2 / float(X[:, j] @ X[:, j]) for j in chosen)
    return Joint(columns, how, skill, alone / float(aim @ aim), is_exact and not is_class)


def _needed(X: Floats, aim: Floats, chosen: list[int], missed: float) -> list[int]:
    """The chosen columns without those that could go and leave hardly more missed."""
    for j in list(chosen):
        fewer = [each for each in chosen if each != j]
        if fewer:
            left = _without(aim[:, None], X[:, fewer])[:, 0]
            if float(left @ left) <= HARDLY_MORE * missed:
                chosen = fewer
    return chosen


def _without(values: Floats, given: Floats) -> Floats:
    """What is left of columns when others are known."""
    basis = np.linalg.qr(given)[0]
    return np.asarray(values - basis @ (basis.T @ values))


def families(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Names that differ in a number only, or share their first or last word; the largest first.

    >>> families(["r1", "r2", "year", "vote_a", "vote_b", "vote_c"])
    [('vote_a', 'vote_b', 'vote_c'), ('r1', 'r2')]
    """
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(names):
        stem = re.sub(r"\d+", "#", name)
        if stem != name:
            found["number", stem].append(name)
        words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
        if len(words) > 1:
            found["first", words[0]].append(name)
            found["last", words[-1]].append(name)
    sets = {tuple(each) for each in found.values() if len(each) > 1}
    return sorted(sets, key=lambda each: (-len(each), each))


def family_skills(
    train: Part, names: Sequence[str], least: float
) -> dict[tuple[str, ...], tuple[float, float]]:
    """What a family explains through a small forest, and what all other features do.

    Args:
        train: Rows with their targets.
        names: Features among which families are looked for.
        least: Families that explain less are left out.
    """
    sample = few(train, FOREST_ROWS)
    images = tuple(sample.schema.named(Kind.IMAGE))
    among = sorted({*sample.features.columns[sample.features.notna().any()]} - {*images})
    likely = [each for each in families(names) if len(among) - len(each) >= FEWEST_OTHERS]
    if not likely:
        return {}
    X, truth = encoded(sample, images), target_columns(sample)
    folds = np.random.default_rng(0).permutation(len(sample)) % FOREST_FOLDS
    total = max(float((truth**2).sum()), np.finfo(float).tiny)

    def skill(is_seen: NDArray[np.bool_]) -> float:
        return 1 - float((fold_errors(X[:, is_seen], truth, folds) ** 2).sum()) / total

    found = {}
    for family in likely[:MOST_FAMILIES]:
        is_in = np.isin(among, family)
        own = skill(is_in) if is_in.any() else 0.0
        if own >= least:
            found[family] = own, skill(~is_in)
    return found
