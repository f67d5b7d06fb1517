"""Near rows: for each row the other row that agrees with it most surprisingly, on mixed types.

How close two rows are in a column is said by how rare that is: the share of rows that are at least
as close to the one as the other is. Its negative logarithm is the surprise, in nats; those of the
columns add up. So an exact agreement in a rare level or in many digits counts for much, one in a
frequent level for little, and a column that was changed altogether for nothing: numbers with units,
counts, levels and gaps are told in one measure, and no column has to be the same.

A copy that was changed a little is far nearer than the next row is. Of rows that were drawn alike,
the lead of the nearest over the next follows the same law wherever rows are dense or sparse: with
distances r1 < r2 in D dimensions, D log(r2 / r1) is exponential (Facco et al. 2017, 'Estimating the
intrinsic dimension of datasets by a minimal neighborhood information').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.checks.shingles import normal
from assay.data.dataset import Part
from assay.data.fingerprint import hash_bytes
from assay.data.schema import Kind
from assay.predictions import Floats

Whole = NDArray[np.int64]
CHUNKS = 4
FOLDS = 3
LEVEL_DIMENSIONS = 4
MOST_DIMENSIONS = 96
MOST_CELLS = 4_000_000


@dataclass(frozen=True)
class Near:
    """The nearest other row of each row that was looked at.

    Attributes:
        row: Which of the known rows it is, shape (m,).
        surprise: How rare it is to be as near, in nats, shape (m,).
        lead: How much more surprising than the next nearest, shape (m,).
    """

    row: Whole
    surprise: Floats
    lead: Floats


class Space:
    """Rows that are known, laid out so that near ones are found quickly."""

    def __init__(self, known: Part) -> None:
        """Lay out the known rows.

        Args:
            known: Rows with at least one feature that is no picture; no two should be equal.
        """
        names = [c.name for c in known.schema.features if c.kind is not Kind.IMAGE]
        self.columns = [_Column.of(known.features[name]) for name in names]
        self.cells = np.column_stack([each.known for each in self.columns])
        self.n = len(known)
        self.order = np.random.default_rng(0).permutation(self.n)
        self.where = np.argsort(self.order)
        self.places = [each[self.order] for each in self._placed(self.cells)]

    def read(self, part: Part) -> Floats:
        """The cells of other rows as numbers, shape (m, columns)."""
        return np.column_stack([each.read(part.features[each.name]) for each in self.columns])

    def nearest(self, cells: Floats, own: Whole | None = None) -> Near:
        """The nearest known row of each row.

        Candidates are the nearest in space of each of CHUNKS parts of the known rows, and those
        nearest without one of FOLDS sets of columns, so that one that was changed does not hide it.

        Args:
            cells: The rows, as `read` gives them.
            own: Which known row each of them is, so that it is not found; None if they are others.
        """
        candidates = np.empty((len(cells), CHUNKS + FOLDS), dtype=np.int64)
        places = self._placed(cells)
        step = max(1, MOST_CELLS * CHUNKS // max(1, self.n))
        for begin in range(0, len(cells), step):
            some = slice(begin, begin + step)
            ours = None if own is None else own[some]
            candidates[some] = self._candidates([each[some] for each in places], ours)
        candidates.sort(axis=1)
        surprise = self.surprise(cells, candidates, is_known=own is not None)
        surprise[:, 1:][candidates[:, 1:] == candidates[:, :-1]] = -np.inf
        best = np.argsort(-surprise, axis=1, kind="stable")[:, :2]
        rows = np.arange(len(cells))
        first, second = surprise[rows, best[:, 0]], surprise[rows, best[:, 1]]
        return Near(candidates[rows, best[:, 0]], first, first - second)

    def surprise(self, cells: Floats, others: Whole, *, is_known: bool) -> Floats:
        """How rare it is that known rows are as near as these, in nats, shape (m, others).

        Args:
            cells: Rows, shape (m, columns).
            others: Known rows for each, shape (m, others).
            is_known: Whether the rows are known ones themselves.
        """
        total = np.zeros(others.shape)
        for at, column in enumerate(self.columns):
            total += column.surprise(cells[:, at], self.cells[others, at], is_known)
        return total

    def _placed(self, cells: Floats) -> list[NDArray[np.float32]]:
        """Points of rows in each fold of the columns, of about the same weight each, float32."""
        folds = []
        for fold in range(FOLDS):
            columns = range(fold, len(self.columns), FOLDS)
            placed = [self.columns[at].placed(cells[:, at]) for at in columns]
            points = np.concatenate([np.zeros((len(cells), 1)), *placed], axis=1)
            points = points.astype(np.float32)
            if points.shape[1] > MOST_DIMENSIONS:
                size = (points.shape[1], MOST_DIMENSIONS)
                turned = np.random.default_rng(fold).normal(size=size) / MOST_DIMENSIONS**0.5
                points = points @ turned.astype(np.float32)
            folds.append(points)
        return folds

    def _candidates(self, places: list[NDArray[np.float32]], own: Whole | None) -> Whole:
        n = len(places[0])
        found = np.zeros((n, CHUNKS + FOLDS), dtype=np.int64)
        nearest = np.full((n, FOLDS), np.inf, dtype=np.float32)
        rows = np.arange(n)
        bounds = np.linspace(0, self.n, CHUNKS + 1).astype(np.int64)
        for at, (begin, end) in enumerate(pairwise(bounds)):
            away = [
                (known[begin:end] ** 2).sum(axis=1)[None] - 2 * ours @ known[begin:end].T
                + (ours**2).sum(axis=1)[:, None]
                for ours, known in zip(places, self.places, strict=True)
            ]  # fmt: skip
            whole = np.add.reduce(away)
            if own is not None:
                inside = np.flatnonzero((self.where[own] >= begin) & (self.where[own] < end))
                whole[inside, self.where[own][inside] - begin] = np.inf
            found[:, at] = self.order[begin + whole.argmin(axis=1)]
            for fold, part in enumerate(away):
                rest = np.subtract(whole, part, out=part)
                best = rest.argmin(axis=1)
                is_nearer = rest[rows, best] < nearest[:, fold]
                nearest[is_nearer, fold] = rest[rows, best][is_nearer]
                found[is_nearer, CHUNKS + fold] = self.order[begin + best][is_nearer]
        return found


@dataclass(frozen=True)
class _Column:
    """A feature of the known rows as numbers; levels have numbers of no order.

    Attributes:
        name: Its name.
        known: The cells, NaN where missing, shape (n,).
        sorted: Those that are not missing, ascending.
        levels: Number of each level by its normal form; None for a column of numbers.
    """

    name: str
    known: Floats
    sorted: Floats
    levels: dict[str, int] | None

    @classmethod
    def of(cls, values: pd.Series) -> _Column:
        if pd.api.types.is_numeric_dtype(values):
            known = values.to_numpy(dtype=np.float64)
            return cls(str(values.name), known, np.sort(known[np.isfinite(known)]), None)
        codes, texts = _coded(values)
        levels = {text: at for at, text in enumerate(texts)}
        known = np.where(codes < 0, np.nan, codes)
        return cls(str(values.name), known, np.sort(known[np.isfinite(known)]), levels)

    def read(self, values: pd.Series) -> Floats:
        """Cells of other rows; a level that is not known gets a number that no level has."""
        if self.levels is None:
            return values.to_numpy(dtype=np.float64)
        codes, texts = _coded(values)
        numbers = np.array([self.levels.get(text, -1) for text in texts] or [0], dtype=np.float64)
        return np.where(codes < 0, np.nan, numbers[codes])

    def surprise(self, cells: Floats, others: Floats, is_known: bool) -> Floats:
        """-log of the share of known cells at least as near to each, shape (m, others)."""
        mine = np.repeat(cells[:, None], others.shape[1], axis=1)
        away = np.abs(mine - others)
        if self.levels is not None:
            away[away > 0] = np.inf
        slack = 1e-9 * np.maximum(np.abs(mine), np.abs(others))
        low, high = mine - away - slack, mine + away + slack
        n = len(self.known)
        count = np.searchsorted(self.sorted, high, "right") - np.searchsorted(self.sorted, low)
        gaps = np.isnan(mine) & np.isnan(others)
        count = np.where(gaps, n - len(self.sorted), count) - is_known
        apart = np.isnan(mine) != np.isnan(others)
        return np.where(apart, 0.0, -np.log(np.clip(count / (n - is_known), 1 / n, 1)))

    def placed(self, cells: Floats) -> Floats:
        """Points of the cells: the rank of a number, a random point for a level, (m, d)."""
        gap = np.isnan(cells)
        if self.levels is None:
            low = np.searchsorted(self.sorted, cells) + np.searchsorted(self.sorted, cells, "right")
            rank = low / max(1, 2 * len(self.sorted))
            return np.where(gap, -0.5, rank)[:, None]
        points = np.random.default_rng(hash_bytes(self.name.encode())).normal(
            scale=np.sqrt(1 / 12 / LEVEL_DIMENSIONS), size=(len(self.levels) + 2, LEVEL_DIMENSIONS)
        )
        return points[np.where(gap, len(self.levels), np.nan_to_num(cells)).astype(np.int64)]


def _coded(values: pd.Series) -> tuple[Whole, Sequence[str]]:
    """Number of the level of each cell, -1 where missing, and the levels in their normal form."""
    codes, levels = pd.factorize(values)
    texts = [normal(str(level)) for level in levels]
    of, known = pd.factorize(np.array(texts, dtype=object))
    return np.where(codes < 0, -1, of[codes] if len(of) else -1), list(known)
