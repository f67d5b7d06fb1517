"""Ragged: rows of whole numbers of any length, as the batches of a network that reads them.

A row may be several sequences (windows of a long text), whose outputs the network pools. This
module stands alone, because its text travels inside logged models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Ragged:
    """Sequences one behind the other.

    Attributes:
        values: What they hold, by the name of the network's argument; each of shape (total,).
        ends: Where each sequence begins and the last one ends, shape (sequences + 1,).
        rows: Which sequence each row begins with, and how many there are, shape (n + 1,).
        padding: By name, what is put where a sequence has ended.
    """

    values: Mapping[str, Ints]
    ends: Ints
    rows: Ints
    padding: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows) - 1

    @cached_property
    def lengths(self) -> Ints:
        """What each row takes in a batch, shape (n,): its longest sequence times their number."""
        longest = np.maximum.reduceat(np.diff(self.ends), self.rows[:-1])
        lengths: Ints = longest * np.diff(self.rows)
        return lengths

    def padded(self, index: Ints) -> dict[str, NDArray[np.int64]]:
        """The rows of these numbers.

        Returns:
            By name, and `attention_mask`, which is 1 where there is something: int64, of shape
            (n, longest), or (n, sequences, longest) where any row of the table has several.
        """
        has_several = len(self.ends) != len(self.rows)
        counts = self.rows[index + 1] - self.rows[index]
        n, most = len(index), int(counts.max(initial=1))
        place = np.repeat(np.arange(n) * most, counts) + _ranges(counts)
        taken = np.repeat(self.rows[index], counts) + _ranges(counts)
        lengths = self.ends[taken + 1] - self.ends[taken]
        longest = int(lengths.max(initial=1))
        to = np.repeat(place * longest, lengths) + _ranges(lengths)
        of = np.repeat(self.ends[taken], lengths) + _ranges(lengths)
        shape = (n, most, longest) if has_several else (n, longest)
        found = {}
        for name, values in self.values.items():
            flat = np.full(n * most * longest, self.padding[name], dtype=np.int64)
            flat[to] = values[of]
            found[name] = flat.reshape(shape)
        mask = np.zeros(n * most * longest, dtype=np.int64)
        mask[to] = 1
        return {**found, "attention_mask": mask.reshape(shape)}


def _ranges(counts: Ints) -> Ints:
    """0, 1, ..., up to each count, one behind the other: of 2 and 3 that is 0, 1, 0, 1, 2."""
    starts = np.cumsum(counts) - counts
    ranges: Ints = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    return ranges
