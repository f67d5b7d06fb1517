"""Folds: which development rows each fold predicts, and from which it may learn.

Random and grouped folds predict every row once. Folds by time go forward: each predicts a later
block from all that was known before it (less the gap), and the first block is never predicted.
Holding out is one fold, parted likewise: the rows that it predicts are the validation rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from assay.data.dataset import Part
from assay.data.drawing import Mask, blocks, dealt, dealt_groups, drawn, drawn_groups, latest
from assay.data.keys import Codes
from assay.data.labels import rarest
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.errors import DataError
from assay.predictions import Floats

VALIDATION_PARTS = 10
"""One part in so many of a fold's training rows is for learners that stop early."""

FEWEST_GROUPS = 10
"""Groups below which the rows to stop on are drawn one by one: one group says too little."""


@dataclass(frozen=True)
class Folds:
    """A division of development rows.

    Attributes:
        number: The fold that predicts each row, int64, shape (n,); -1 for rows that none does.
        times: When each row was, shape (n,), if folds go forward in time; else None.
        gap: What lies between learning and predicting, in the unit of `times`.
    """

    number: NDArray[np.int64]
    times: Floats | None = None
    gap: float = 0.0

    def predicts(self, fold: int) -> Mask:
        """The rows that a fold predicts, shape (n,)."""
        return self.number == fold

    def learns(self, fold: int) -> Mask:
        """The rows that a fold may learn from, shape (n,)."""
        if self.times is None:
            return self.number != fold
        begins = self.times[self.predicts(fold)].min()
        return (self.times < begins) & (self.times <= begins - self.gap)

    def digest(self) -> bytes:
        """Names this division: rows, folds, and what each may learn from."""
        digest = hashlib.sha256(self.number.astype("<i8").tobytes())
        if self.times is not None:
            digest.update(self.times.astype("<f8").tobytes() + np.float64(self.gap).tobytes())
        return digest.digest()

    @property
    def predicted(self) -> Mask:
        """The rows that some fold predicts, shape (n,)."""
        return self.number >= 0


@dataclass(frozen=True)
class Folding:
    """How development rows are divided, again and again with other seeds.

    Attributes:
        by: 'random' (stratified), 'group' (stratified, groups whole) or 'time' (forward).
        count: Number of folds.
        gap: With by: time, what lies between learning and predicting.
        validation: Share of the rows that are held out, as the only fold; None for folds.
        seed: With `validation`, the seed by which these rows are drawn, whatever is drawn anew.
    """

    by: Literal["random", "group", "time"] = "random"
    count: int = 5
    gap: float = 0.0
    validation: float | None = None
    seed: int = 0

    @classmethod
    def of(cls, settings: DataSettings) -> Self:
        """As the experiment says."""
        return cls(settings.folded_by, settings.split.folds, settings.split.gap)

    @classmethod
    def holding_out(cls, settings: DataSettings) -> Self:
        """As the experiment says, for learners that are not fitted on folds."""
        split = settings.split
        return cls(settings.folded_by, 1, split.gap, split.validation, split.seed)

    @property
    def is_forward(self) -> bool:
        """Whether folds go forward in time."""
        return self.by == "time"

    def divide(self, part: Part, seed: int) -> Folds:
        """The folds of the rows of a part, as this seed draws them."""
        if self.validation is not None:
            return self._apart(part, self.validation)
        if self.by == "time":
            assert part.times is not None, "rows that are ordered have times"
            return Folds(blocks(part.times, self.count + 1) - 1, part.times, self.gap)
        if self.by == "group":
            assert part.groups is not None, "rows that are grouped have groups"
            return Folds(dealt_groups(part.groups, _classes(part), self.count, seed))
        return Folds(dealt(len(part), _classes(part), self.count, seed))

    def crossing(self, validation: Part, count: int) -> NDArray[np.int64]:
        """A fold for each row that was held out, shape (n,): each is calibrated by the others.

        Args:
            validation: These rows.
            count: How many folds; fewer where there are too few groups or times.
        """
        numbers = replace(self, count=count, validation=None).divide(validation, self.seed).number
        return np.unique(numbers, return_inverse=True)[1].astype(np.int64)

    def _apart(self, part: Part, share: float) -> Folds:
        """One fold of this share of the rows; no fold for the others."""
        if self.by == "time":
            assert part.times is not None, "rows that are ordered have times"
            return Folds(latest(part.times, share).astype(np.int64) - 1, part.times, self.gap)
        if self.by == "group":
            assert part.groups is not None, "rows that are grouped have groups"
            chosen = drawn_groups(part.groups, _classes(part), share, self.seed)
        else:
            chosen = drawn(len(part), _classes(part), share, self.seed)
        return Folds(chosen.astype(np.int64) - 1)

    def held_out(self, train: Part, seed: int) -> Mask:
        """The rows of a fold's training rows to stop on, shape (n,): parted like the folds.

        Of fewer than ten groups none is spared, and rows are drawn one by one.
        """
        if self.by == "time":
            assert train.times is not None
            return latest(train.times, 1 / VALIDATION_PARTS)
        groups = train.groups if self.by == "group" else None
        if groups is not None and len(np.unique(groups)) >= FEWEST_GROUPS:
            share = 1 / VALIDATION_PARTS
            return drawn_groups(groups, _classes(train), share, seed)
        # Of few groups none can be spared; to stop too late costs less than to learn from fewer.
        classes = _classes(train)
        spared = dealt(len(train), classes, VALIDATION_PARTS, seed) == 0
        # The only row of a class is learnt from.
        return spared if classes is None else spared & (np.bincount(classes)[classes] > 1)

    def refuse_impossible(self, part: Part) -> None:
        """Refuse before the first fit what cannot be divided.

        Raises:
            DataError: There are fewer groups, or times, than folds need, or too few rows to hold
                any out.
        """
        folds = self.divide(part, 0)
        if self.validation is not None:
            if not folds.predicted.any() or not folds.learns(0).any():
                raise self._nothing_held_out()
            return
        if self.by == "random":
            return
        n = len(np.unique(folds.number[folds.predicted]))
        if n == self.count and all(folds.learns(each).any() for each in range(n)):
            return
        what = "groups" if self.by == "group" else "times"
        raise DataError(
            f"data.split.folds asks for {self.count} folds, but the {what} of the rows make {n}.",
            where="gap and test rows are left out" if self.by == "time" else "",
            mend=f"data.split: {{folds: {max(2, n)}}}" if n >= 2 else f"give rows of more {what}",
        )

    def _nothing_held_out(self) -> DataError:
        what = {"group": "groups", "time": "times"}.get(self.by, "rows")
        return DataError(
            f"data.split.validation asks for {self.validation:.0%} of the rows, but there are too "
            f"few {what} to part them.",
            where="test rows and gap are left out" if self.by == "time" else "",
            mend="give more rows, or another data.split.validation"
            if what == "rows"
            else f"give rows of more {what}",
        )


def _classes(part: Part) -> Codes | None:
    """Codes of the classes of a classification, shape (n,); None for a regression.

    Of labels the rarest of each row.
    """
    if not part.schema.task.is_classification:
        return None
    if part.schema.task is Task.MULTILABEL:
        return rarest(part.known_target)
    return part.schema.codes(part.known_target)
