"""Rows that are alike but for their label: a bound on every model, and labels that may be wrong.

Rows that are equal in all features are told apart by no function of them, so those outnumbered by
others of the same features are got wrong by every model. Where columns have few values that is
natural. Rows are only named where they are copies: equal far more often than chance makes them (as
AS201 judges), numbers to three digits and letters in any case; the same image, byte for byte; or
nearly the same in a text (as AS205 judges) and in all else. Rows of other times are no copies.

This is no check, because what it tells of ordinary tables is no mistake (docs/why.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.checks.as201_duplicates_across_parts import TIMES_NATURAL, n_pairs, natural_pairs
from assay.checks.as205_repeated_texts import MOST_ROWS, repeated
from assay.checks.shingles import Whole
from assay.data.dataset import Part
from assay.data.fingerprint import Hashes, cell_hashes, hash_bytes, mixed
from assay.data.schema import Column, Kind, Role
from assay.evaluation.details import OppositeLabels, OppositePair

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
            if column.kind is Kind.IMAGE:
                cells = self.part.features[column.name]
                yield np.array([hash_bytes(_content(each)) for each in cells], dtype=np.uint64)
            else:
                salt = np.uint64(hash_bytes(column.name.encode()))
                cells = self.raw[column.name].combine_chunks()
                yield mixed(cell_hashes(cells, rough=rough) ^ salt)

    def sums(self, columns: Sequence[Column], *, rough: bool) -> Hashes:
        """A hash of each row, shape (n,)."""
        total = np.zeros(len(self.part), dtype=np.uint64)
        for each in self.hashes(columns, rough=rough):
            total += each
        return total


@dataclass(frozen=True)
class _Twins:
    """Rows and those that are copies of them.

    Attributes:
        n: How many copies each row has, shape (rows,).
        others: How many of these have another label, shape (rows,).
        odd: Rows with a copy of another label, shape (pairs,).
        twin: One such copy of each, shape (pairs,).
    """

    n: Whole
    others: Whole
    odd: Whole
    twin: Whole

    def joined_by(self, one: Whole, other: Whole, labels: Whole) -> _Twins:
        """With further pairs of copies; the odd one is that to which more others are opposed."""
        n, others = self.n.copy(), self.others.copy()
        differ = labels[one] != labels[other]
        for rows in (one, other):
            np.add.at(n, rows, 1)
            np.add.at(others, rows[differ], 1)
        one, other = one[differ], other[differ]
        opposed = others / np.maximum(n, 1)
        is_first = opposed[one] > opposed[other]
        odd, twin = np.where(is_first, one, other), np.where(is_first, other, one)
        odd, twin = np.append(self.odd, odd), np.append(self.twin, twin)
        first = np.unique(odd, return_index=True)[1]
        return _Twins(n, others, odd[first], twin[first])


def opposite_labels(part: Part, raw: pa.Table) -> OppositeLabels | None:
    """Rows that are alike with other labels; None of a regression, and where there is no such row.

    Args:
        part: Rows with their targets.
        raw: The same rows as they are stored.
    """
    schema = part.schema
    if not schema.task.is_classification or not len(part):
        return None
    rows = _Rows(part, raw, schema.codes(part.known_target))
    equal = np.unique(rows.sums(schema.features, rough=False), return_inverse=True)[1]
    beyond = len(_outnumbered(equal, rows.labels)[0])
    twins = _copies(rows)
    if not beyond and not len(twins.odd):
        return None
    has_any = np.flatnonzero(twins.n)
    opposed = twins.others / np.maximum(twins.n, 1)
    order = np.lexsort((twins.odd, -twins.n[twins.odd], -opposed[twins.odd]))[:MOST_LISTED]
    return OppositeLabels(
        of=len(part),
        beyond=beyond,
        n=len(twins.odd),
        twins=len(has_any),
        agree=float(1 - opposed[has_any].mean()) if len(has_any) else 1.0,
        pairs=tuple(_described(rows, twins.odd[order], twins.twin[order])),
    )


def _outnumbered(groups: Whole, labels: Whole) -> tuple[Whole, Whole]:
    """Rows that have not the most frequent label of their group, and the first row that has."""
    k = int(labels.max()) + 1
    cells, first, cell, counts = np.unique(
        groups * k + labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts, cells // k))
    leads = order[np.unique(cells[order] // k, return_index=True)[1]][groups]
    odd = np.flatnonzero(cell != leads)
    return odd, first[leads[odd]]


def _copies(rows: _Rows) -> _Twins:
    n = len(rows.part)
    columns = [each for each in rows.part.schema.columns if each.role in (Role.FEATURE, Role.TIME)]
    whole = rows.sums(columns, rough=True)
    groups = np.unique(whole, return_inverse=True)[1]
    odd, twin = _outnumbered(groups, rows.labels)
    nothing = np.zeros(n, dtype=np.int64)
    twins = _Twins(nothing, nothing, odd[:0], twin[:0])
    if len(odd) and _are_copies(rows, columns, whole):
        cell = np.unique(groups * n + rows.labels, return_inverse=True)[1]
        size, same = (np.bincount(each)[each] for each in (groups, cell))
        twins = _Twins(size - 1, size - same, odd, twin)
    else:
        groups = np.arange(n)
    for column in rows.part.schema.named(Kind.TEXT):
        [own] = rows.hashes([each for each in columns if each.name == column], rough=True)
        one, other = _near_texts(rows.part, column)
        is_new = (whole - own)[one] == (whole - own)[other]
        is_new &= groups[one] != groups[other]
        twins = twins.joined_by(one[is_new], other[is_new], rows.labels)
    return twins


def _are_copies(rows: _Rows, columns: Sequence[Column], whole: Hashes) -> bool:
    """Whether far more pairs are equal than chance makes, as AS201 judges; images never are."""
    if rows.part.schema.named(Kind.IMAGE):
        return True
    by_column = list(rows.hashes(columns, rough=True))
    return n_pairs(whole) > TIMES_NATURAL * natural_pairs(by_column, whole)


def _near_texts(part: Part, name: str) -> tuple[Whole, Whole]:
    """Pairs of rows whose text is the same or nearly, the lower one first; each pair once."""
    at = np.linspace(0, len(part) - 1, min(len(part), MOST_ROWS)).astype(np.int64)
    texts = part.features[name].iloc[at].tolist()
    found = repeated(texts, texts)
    low, high = np.minimum(found.test, found.train), np.maximum(found.test, found.train)
    pairs = np.unique((low * len(at) + high)[low != high])
    return at[pairs // len(at)], at[pairs % len(at)]


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
    """What an image holds: its file, or its pixels."""
    return cell if isinstance(cell, bytes) else np.asarray(cell).tobytes()
