"""Twins: rows with the same features, in training and test, and how many of them are natural.

Two laws say what is natural. Chance makes rows that agree in all columns but one, and of these a
known share agrees in that one too; copying makes none of the former. And of two equal rows, a
division at random puts one on each side as often as heads and tails differ; copying from one part
to the other always does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assay.checks.base import View
from assay.checks.chance import Mask, at_least
from assay.data.fingerprint import Hashes, mixed, row_hashes
from assay.data.schema import Role

TIMES_NATURAL = 3.0
CHANCE = 1e-4
NEAR_PAIRS = 20
"""Pairs that differ in one column, from which some that differ in none are to be expected."""


@dataclass(frozen=True)
class Hashed:
    """Rows as hashes, those of training before those of the test.

    Attributes:
        by_column: Hashes of the cells of each column, each of shape (n,).
        n_train: How many rows are in training.
        labels: Hashes of the targets, shape (n,); None where those of the test are not known.
    """

    by_column: Sequence[Hashes]
    n_train: int
    labels: Hashes | None = None

    @cached_property
    def rows(self) -> Hashes:
        """A hash of each row, without its target, shape (n,)."""
        return np.asarray(np.sum(self.by_column, axis=0, dtype=np.uint64))

    @cached_property
    def labelled(self) -> Hashes:
        """The same with the target, where that is known of both parts."""
        return self.rows if self.labels is None else self.rows + self.labels

    @property
    def met(self) -> Mask:
        """Which test rows have the features of a training row, shape (test rows,)."""
        return np.isin(self.rows[self.n_train :], self.rows[: self.n_train])


def hashed(view: View) -> Hashed:
    """Features and times of all rows: rows of other times are not copies of each other.

    Args:
        view: One with test rows.
    """
    assert view.test is not None
    assert view.raw_test is not None
    told_by = (Role.FEATURE, Role.TIME)
    names = [c.name for c in view.schema.columns if c.role in told_by]
    parts = (view.raw_train, view.raw_test)
    by_column = [
        np.concatenate([row_hashes(part.select([name])) for part in parts]) for name in names
    ]
    labels = None
    train, test = view.train.target, view.test.target
    if train is not None and test is not None:
        both = np.concatenate([train, test])
        codes = np.unique(both, axis=0, return_inverse=True)[1].ravel()
        labels = mixed(codes.astype(np.uint64))
    return Hashed(by_column, len(view.train), labels)


def n_pairs(rows: Hashes) -> int:
    """Pairs of equal rows."""
    counts = np.unique(rows, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def were_made_single(by_column: Sequence[Hashes], labelled: Hashes, rows: Hashes) -> bool:
    """Whether equal rows were taken out: none is left, though chance would make some.

    How many are natural is unknown then, and what is left of them says nothing.

    Args:
        by_column: Hashes of the cells of each column, each of shape (n,).
        labelled: A hash of each row with its target, shape (n,).
        rows: The same without the target.
    """
    if n_pairs(labelled):
        return False
    near = [n_pairs(rows - column) - n_pairs(rows) for column in by_column]
    return max(near, default=0) >= NEAR_PAIRS


def sum_of(by_column: Sequence[Hashes]) -> Hashes:
    """A hash of each row from those of its cells."""
    return np.asarray(np.sum(by_column, axis=0, dtype=np.uint64))


def natural_pairs(by_column: Iterable[Hashes], rows: Hashes) -> float:
    """Pairs of equal rows that chance alone would make, judged by pairs that differ in one column.

    Of pairs that agree in all columns but one, a share c agrees in that one too by chance, where c
    is the chance that two values of the column are equal. So d pairs that differ there let expect
    d c / (1 - c) that do not. The column that explains most counts.
    """
    exact = n_pairs(rows)
    expected = [0.0]
    for column in by_column:
        agree = _agreement(column)
        if agree < 1:
            expected.append((n_pairs(rows - column) - exact) * agree / (1 - agree))
    return max(expected)


@dataclass(frozen=True)
class Agreement:
    """Pairs of rows, and how many of them have the same label.

    Attributes:
        pairs: Pairs of equal rows.
        agree: Of them, those with one label.
        near: Pairs that differ in one column.
        near_agree: Of these, those with one label.
        rows: Rows that equal another.
    """

    pairs: int
    agree: int
    near: int
    near_agree: int
    rows: int

    @property
    def is_mixed(self) -> bool:
        """Whether rows that all but equal are so many that equal ones may be natural."""
        return self.near >= self.pairs

    @property
    def natural(self) -> float:
        """The share of near pairs with one label."""
        return self.near_agree / max(1, self.near)

    @property
    def agrees_more(self) -> bool:
        """Whether equal rows have one label more often than near ones: as copies do."""
        return self._is_beyond(self.agree, self.natural)

    @property
    def agrees_less(self) -> bool:
        """Whether equal rows have one label more rarely than near ones: as no nature does."""
        return self._is_beyond(self.pairs - self.agree, 1 - self.natural)

    def _is_beyond(self, found: int, natural: float) -> bool:
        """A binomial law; n equal rows make n - 1 comparisons, however many pairs that is."""
        n = min(self.pairs, self.rows)
        return bool(at_least(round(found * n / self.pairs), n, natural) < CHANCE)


def agreement(by_column: Iterable[Hashes], rows: Hashes, labels: Hashes) -> Agreement:
    """How labels agree within pairs of equal rows and of rows that differ in one column.

    Args:
        by_column: Hashes of the cells of each column, each of shape (n,).
        rows: Their sum; some are equal.
        labels: Hashes of the labels, shape (n,).
    """
    pairs, agree = n_pairs(rows), n_pairs(rows + labels)
    near, near_agree = 0, 0
    for column in by_column:
        others = rows - column
        near += n_pairs(others) - pairs
        near_agree += n_pairs(others + labels) - agree
    counts = np.unique(rows, return_counts=True)[1]
    return Agreement(pairs, agree, near, near_agree, int((counts[counts > 1] - 1).sum()))


def _agreement(column: Hashes) -> float:
    """The chance that two rows have the same value in a column."""
    n = len(column)
    counts = np.unique(column, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(1, n * (n - 1)))


@dataclass(frozen=True)
class Meeting:
    """How test rows equal training rows, by features, and by the target too where it is known.

    Attributes:
        met: Which test rows equal a training row, shape (test rows,).
        meets: Which training rows equal a test row, shape (training rows,).
        natural: Share of the training rows that equal another training row.
        twos: Rows that are there exactly twice.
        split: Which test rows are one of these, with the other in training, shape (test rows,).
        splits: Which training rows are the other, shape (training rows,).
        by_chance: The chance that two rows drawn alike are one in training and one in the test.
    """

    met: Mask
    meets: Mask
    natural: float
    twos: int
    split: Mask
    splits: Mask
    by_chance: float

    @property
    def share(self) -> float:
        """Of the test rows, those that equal a training row."""
        return float(self.met.mean())

    @property
    def expected(self) -> float:
        """Pairs with one row in each part to expect, where rows were divided at random."""
        return self.twos * self.by_chance

    @property
    def copies(self) -> float:
        """How many rows were copied from one part to the other, at a guess.

        Copies make pairs with a row in each part only; all other pairs are divided by chance.
        """
        return (float(self.split.sum()) - self.expected) / (1 - self.by_chance)

    @property
    def is_proven(self) -> bool:
        """Whether there are more such pairs than any division of rows drawn alike makes."""
        return bool(at_least(self.split.sum(), self.twos, self.by_chance) < CHANCE)


def meeting(rows: Hashed) -> Meeting:
    """Compare the parts.

    Of rows that are there twice, a division at random puts one on each side with chance
    2 f (1 - f), where f is the share of the test; a division by time or by group, or a drift, does
    so more rarely. Copying from one part to the other always does.
    """
    values, of = np.unique(rows.labelled, return_inverse=True)
    n_train, n = rows.n_train, len(rows.labelled)
    train, test = (
        np.bincount(each, minlength=len(values)) for each in (of[:n_train], of[n_train:])
    )
    of_train, of_test = of[:n_train], of[n_train:]
    split = (train == 1) & (test == 1)
    share = len(of_test) / n
    return Meeting(
        met=train[of_test] > 0,
        meets=test[of_train] > 0,
        natural=float((train[of_train] > 1).mean()),
        twos=int((train + test == 2).sum()),
        split=split[of_test],
        splits=split[of_train],
        by_chance=2 * share * (1 - share),
    )
