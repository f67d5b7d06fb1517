"""Grouped sums: what groups of rows weigh when rows are drawn again, on the draws of intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.intervals import Replicates, joined
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.sampling import Sampling
from assay.evaluation.settings import Resamples
from assay.evaluation.support import enough, enough_for_design, every_class
from assay.evaluation.weighted import Counts
from assay.predictions import Floats

Kept = Mapping[str, NDArray[Any]]
"""Arrays by name, whose first axis is that of the sums they were read from."""


@dataclass(frozen=True)
class Drawn:
    """What is kept of sums over groups of rows of a classification.

    Attributes:
        plain: On all rows; the first axis has length 1.
        resampled: On every resample; empty where rows are too few.
        left_out: Without each group of rows or clusters; empty likewise.
        sampling: What was drawn.
        too_few: Why no resample tells anything; None when they do.
    """

    plain: Kept
    resampled: Kept
    left_out: Kept
    sampling: Sampling
    too_few: str | None

    def replicates(self, name: str) -> Replicates:
        """A number, one of those that were kept with no further axis, to be subtracted from."""
        return Replicates(
            task=Task.BINARY,
            values={"": float(self.plain[name][0])},
            resampled={"": self.resampled[name]} if self.resampled else {},
            left_out={"": self.left_out[name]} if self.left_out else {},
            n=self.sampling.n_rows,
            n_units=self.sampling.n_units,
            too_few=self.too_few,
            method=self.sampling.method,
            in_time=self.sampling.in_time,
        )

    def difference(self, name: str, other: str, level: float) -> Estimate:
        """One number minus another, paired."""
        return self.replicates(name).difference(self.replicates(other), "", level)

    def estimate(self, name: str, level: float) -> Estimate:
        """A number with its interval."""
        return self.replicates(name).resampling("", level)


def over_draws(
    outcome: Outcome,
    groups: Codes,
    n_groups: int,
    read: Callable[[Floats], Kept],
    resamples: Resamples,
) -> Drawn:
    """Sums of the weights of each group, on all rows and on every draw.

    Args:
        outcome: Of a classification.
        groups: Which group each row is in, shape (n,).
        n_groups: How many there are.
        read: What to keep of sums, shape (b, n_groups); called from several threads.
        resamples: Number of bootstrap resamples; by the number of rows or clusters if 'auto'.
    """
    n = len(outcome)
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(n_groups, n))
    sampling = Sampling.of(outcome)
    too_few = enough(outcome) or enough_for_design(outcome) or every_class(outcome, 0.0)

    def kept(weights: Floats | Counts) -> Kept:
        by_row = np.ascontiguousarray(weights.T, dtype=np.float64)
        return read(np.ascontiguousarray((members @ by_row).T))

    resampled, left_out = ([], []) if too_few else sampling.over(kept, resamples)
    return Drawn(
        plain=kept(outcome.known_weights[None]),
        resampled=joined(resampled),
        left_out=joined(left_out),
        sampling=sampling,
        too_few=too_few,
    )
