"""Rows that are alike but for their label: a bound on every model, and labels that may be wrong.

Rows that are equal in all features are told apart by no function of them, so those outnumbered by
others of the same features are got wrong by every model. Where columns have few values that is
natural. Rows are only named where they are copies: equal far more often than chance makes them (as
AS201 judges), numbers to three digits and letters in any case; the same image, byte for byte; or
the same or nearly so in a text (as AS205 judges) and in all else. Rows of other times are no
copies, nor, but for such a text, are rows whose pictures are missing.

This is no check, because what it tells of ordinary tables is no mistake (docs/why.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.checks.as205_repeated_texts import FEWEST_WORDS, MOST_ROWS, repeated
from assay.checks.shingles import Whole, normal
from assay.checks.twins import TIMES_NATURAL, n_pairs, natural_pairs
from assay.data.dataset import Part
from assay.data.fingerprint import Hashes, bound_to, cell_hashes, hash_bytes
from assay.data.schema import Column, Kind, Role, Task
from assay.evaluation.details import OppositeLabels, OppositePair
from assay.predictions import Floats

MOST_LISTED = 1000


@dataclass(frozen=True)
class _Rows:
    """Rows, `raw` as they are stored, with their `labels` as codes."""

    part: Part
    raw: pa.Table
    labels: Whole

    def hashes(self, columns: Sequence[Column], *, rough: bool) -> Iterator[Hashes]:
        """Hashes of the cells, a column at a time, each of shape (n,)."""
        for column in columns:
            yield bound_to(column.name, self._cells(column, rough=rough))

    def _cells(self, column: Column, *, rough: bool) -> Hashes:
        if column.kind is Kind.IMAGE:
            contents = (_content(each) for each in self.part.features[column.name])
        elif rough and column.role is Role.FEATURE and column.kind is Kind.TEXT:
            contents = (normal(each).encode() for each in self.part.features[column.name])
        else:
            return cell_hashes(self.raw[column.name].combine_chunks(), rough=rough)
        return np.fromiter(map(hash_bytes, contents), dtype=np.uint64, count=len(self.part))

    def sums(self, columns: Sequence[Column], *, rough: bool) -> Hashes:
        """A hash of each row, shape (n,)."""
        total = np.zeros(len(self.part), dtype=np.uint64)
        for each in self.hashes(columns, rough=rough):
            total += each
        return total


@dataclass(frozen=True)
class _Cells:
    """Rows by group and label; those of one group and label are a cell.

    Attributes:
        keys: Of each cell, group times `k` plus label, ascending, shape (cells,).
        first: First row of each cell.
        count: How many rows are in each.
        of: Cell of each row, shape (rows,).
        k: Number of labels.
    """

    keys: Whole
    first: Whole
    count: Whole
    of: Whole
    k: int

    @classmethod
    def of_rows(cls, groups: Whole, labels: Whole) -> _Cells:
        """The cells of rows with these groups and labels."""
        k = int(labels.max()) + 1
        keys, first, of, count = np.unique(
            groups * k + labels, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(keys, first, count, of, k)

    @cached_property
    def group(self) -> Whole:
        """Group of each cell, ascending."""
        return self.keys // self.k

    @cached_property
    def label(self) -> Whole:
        """Label of each cell."""
        return self.keys % self.k

    @cached_property
    def size(self) -> Whole:
        """Rows of each group, shape (groups,)."""
        return np.bincount(self.group, self.count).astype(np.int64)

    def leaders(self, ranks: NDArray[np.generic]) -> Whole:
        """Of each group the cell of the lowest rank, the first of several, shape (groups,)."""
        order = np.lexsort((self.first, ranks, self.group))
        groups, at = np.unique(self.group[order], return_index=True)
        leaders = np.full(len(self.size), -1)
        leaders[groups] = order[at]
        return leaders

    def beside(self, one: Whole, other: Whole) -> tuple[Whole, Whole]:
        """Of pairs of groups each cell of the one, and the other group."""
        which, cell = _all_of(self.group, one)
        return cell, other[which]


@dataclass(frozen=True)
class _Copies:
    """Rows and those that are copies of them, each of shape (rows,).

    Attributes:
        n: How many copies each row has.
        opposed: Share of these that have another label.
        twin: One copy that has, of the row to which more are opposed; else -1.
    """

    n: Whole
    opposed: Floats
    twin: Whole


def opposite_labels(part: Part, raw: pa.Table) -> OppositeLabels | None:
    """Rows that are alike with other labels; None of a regression, and where there is no such row.

    Args:
        part: Rows with their targets.
        raw: The same rows as they are stored.
    """
    schema = part.schema
    if not schema.task.is_classification or schema.task is Task.MULTILABEL or not len(part):
        return None
    rows = _Rows(part, raw, schema.codes(part.known_target))
    equal = np.unique(rows.sums(schema.features, rough=False), return_inverse=True)[1]
    cells = _Cells.of_rows(equal, rows.labels)
    most_frequent = cells.leaders(-cells.count)
    beyond = len(part) - int(cells.count[most_frequent].sum())
    copies = _copies(rows)
    odd = np.flatnonzero(copies.twin >= 0)
    if not beyond and not len(odd):
        return None
    has_any = np.flatnonzero(copies.n)
    listed = odd[np.lexsort((odd, -copies.n[odd], -copies.opposed[odd]))[:MOST_LISTED]]
    return OppositeLabels(
        of=len(part),
        beyond=beyond,
        n=len(odd),
        twins=len(has_any),
        agree=float(1 - copies.opposed[has_any].mean()) if len(has_any) else 1.0,
        pairs=tuple(_described(rows, listed, copies.twin[listed])),
    )


def _copies(rows: _Rows) -> _Copies:
    columns = [each for each in rows.part.schema.columns if each.role in (Role.FEATURE, Role.TIME)]
    whole = rows.sums(columns, rough=True)
    hashes, first, groups = np.unique(whole, return_index=True, return_inverse=True)
    alone = np.flatnonzero(~_may_be_copies(rows, columns, whole))
    groups[alone] = len(hashes) + np.arange(len(alone))
    cells = _Cells.of_rows(groups, rows.labels)
    low, high = _near_groups(rows, hashes, first)
    near, beside = cells.beside(np.append(low, high), np.append(high, low))
    n = cells.size[cells.group] - 1
    others = cells.size[cells.group] - cells.count
    np.add.at(n, near, cells.size[beside])
    np.add.at(others, near, cells.size[beside])
    which, same = _all_of(cells.keys, beside * cells.k + cells.label[near])
    np.subtract.at(others, near[which], cells.count[same])
    opposed = others / np.maximum(n, 1)
    twin = _twins(cells, opposed, near, beside)
    of_rows = np.where(twin >= 0, cells.first[twin], -1)[cells.of]
    return _Copies(n[cells.of], opposed[cells.of], of_rows)


def _twins(cells: _Cells, opposed: Floats, near: Whole, beside: Whole) -> Whole:
    """Of each cell one with another label to which fewer are opposed; -1 where there is none.

    Args:
        cells: All of them.
        opposed: To each, the share of its copies with another label.
        near: Cells with a group beside them that is nearly the same.
        beside: That group.
    """
    leaders = cells.leaders(opposed)
    own, leader = leaders[cells.group], leaders[beside]
    twins = np.where(own != np.arange(len(own)), own, -1)
    is_later = cells.first[near] > cells.first[leader]
    is_odd = (opposed[near] > opposed[leader]) | ((opposed[near] == opposed[leader]) & is_later)
    is_odd &= (cells.label[near] != cells.label[leader]) & (twins[near] < 0)
    cell, at = np.unique(near[is_odd], return_index=True)
    twins[cell] = leader[is_odd][at]
    return twins


def _may_be_copies(rows: _Rows, columns: Sequence[Column], whole: Hashes) -> NDArray[np.bool_]:
    """Which rows are copies of those that equal them, shape (n,).

    Rows that hold a long text or a picture are; others if far more pairs are equal than chance
    makes, as AS201 judges, where there are no pictures.
    """
    features, schema = rows.part.features, rows.part.schema
    is_told = np.zeros(len(rows.part), dtype=bool)
    for name in schema.named(Kind.TEXT):
        is_told |= [len(each.split()) >= FEWEST_WORDS for each in features[name]]
    pictures = schema.named(Kind.IMAGE)
    for name in pictures:
        is_told |= [isinstance(each, bytes | np.ndarray) for each in features[name]]
    exact = n_pairs(whole)
    if exact and not pictures:
        by_column = rows.hashes(columns, rough=True)
        is_told |= exact > TIMES_NATURAL * natural_pairs(by_column, whole)
    return is_told


def _near_groups(rows: _Rows, hashes: Hashes, first: Whole) -> tuple[Whole, Whole]:
    """Pairs of groups that are nearly the same in one text and equal in all else, each pair once.

    Args:
        rows: The rows.
        hashes: What the rows of each group have in common, ascending, shape (groups,).
        first: A row of each, shape (groups,).
    """
    found = [np.empty((2, 0), dtype=np.int64)]
    for column in rows.part.schema.features:
        if column.kind is Kind.TEXT:
            [every] = rows.hashes([column], rough=True)
            own = every[first]
            texts, at = np.unique(own, return_index=True)
            low, high = _near_texts(rows.part.features[column.name].iloc[first[at]].tolist())
            order = np.argsort(own, kind="stable")
            which, place = _all_of(own[order], texts[low])
            one = order[place]
            wanted = hashes[one] - own[one] + texts[high[which]]
            which, other = _all_of(hashes, wanted)
            found.append(np.stack([one[which], other]))
    low, high = np.concatenate(found, axis=1)
    return low, high


def _near_texts(texts: Sequence[str]) -> tuple[Whole, Whole]:
    """Positions of distinct texts that are nearly the same, the lower one first; each pair once."""
    at = np.linspace(0, len(texts) - 1, min(len(texts), MOST_ROWS)).astype(np.int64)
    some = [texts[each] for each in at]
    found = repeated(some, some)
    low, high = np.minimum(found.test, found.train), np.maximum(found.test, found.train)
    pairs = np.unique(low * len(at) + high)
    return at[pairs // len(at)], at[pairs % len(at)]


def _all_of(keys: NDArray[np.generic], wanted: NDArray[np.generic]) -> tuple[Whole, Whole]:
    """Which of the wanted keys stand where among sorted ones, each of shape (found,).

    >>> _all_of(np.array([3, 5, 5, 8]), np.array([5, 6, 3]))
    (array([0, 0, 2]), array([1, 2, 0]))
    """
    low = np.searchsorted(keys, wanted, side="left")
    n = np.searchsorted(keys, wanted, side="right") - low
    which = np.repeat(np.arange(len(wanted)), n)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n)
    return which, low[which] + nth


def _described(rows: _Rows, odd: Whole, twin: Whole) -> Iterator[OppositePair]:
    schema = rows.part.schema
    one, other = (
        _Rows(rows.part.take(each), rows.raw.take(each), rows.labels[each]) for each in (odd, twin)
    )
    hashes = zip(
        one.hashes(schema.features, rough=False),
        other.hashes(schema.features, rough=False),
        strict=True,
    )
    differ = [mine != theirs for mine, theirs in hashes]
    for at in range(len(odd)):
        yield OppositePair(
            row=int(one.part.rows[at]),
            label=str(schema.classes[one.labels[at]]),
            twin=int(other.part.rows[at]),
            twin_label=str(schema.classes[other.labels[at]]),
            differ=tuple(
                each.name for each, is_other in zip(schema.features, differ, strict=True)
                if is_other[at]
            ),
        )  # fmt: skip


def _content(cell: object) -> bytes:
    """What an image holds: its file, or its pixels with how they stand."""
    if isinstance(cell, bytes):
        return cell
    pixels = np.asarray(cell)
    return f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes()
