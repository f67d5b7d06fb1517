"""Grouped sums: what groups of rows weigh when rows are drawn again, on the draws of intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from assay.data.schema import Task
from assay.estimates import Estimate
from assay.evaluation.intervals import Replicates
from assay.evaluation.outcome import Codes, Outcome
from assay.evaluation.sampling import Sampling
from assay.evaluation.settings import Resamples
from assay.evaluation.spread import Spread
from assay.evaluation.support import enough, every_class
from assay.evaluation.weighted import Counts
from assay.predictions import Floats
from assay.threads import cores

_CELLS_AT_ONCE = 64_000_000
"""Weights that all threads together hold, as for the intervals of metrics."""

Kept = Mapping[str, NDArray[Any]]
"""Arrays by name, whose first axis is that of the sums they were read from."""


@dataclass(frozen=True)
class Drawn:
    """What is kept of sums over groups of rows of a classification.

    Attributes:
        plain: On all rows; the first axis has length 1.
        resampled: On every resample; empty where rows are too few.
        left_out: Without each group of rows or clusters; empty likewise.
        n: Number of rows.
        n_clusters: Number of clusters that were drawn; None when single rows were.
        too_few: Why no resample tells anything; None when they do.
    """

    plain: Kept
    resampled: Kept
    left_out: Kept
    n: int
    n_clusters: int | None
    too_few: str | None

    def replicates(self, name: str) -> Replicates:
        """A number, one of those that were kept with no further axis, to be subtracted from."""
        return Replicates(
            task=Task.BINARY,
            values={"": float(self.plain[name][0])},
            resampled={"": self.resampled[name]} if self.resampled else {},
            left_out={"": self.left_out[name]} if self.left_out else {},
            n=self.n,
            too_few=self.too_few,
            n_clusters=self.n_clusters,
        )

    def difference(self, name: str, other: str, level: float) -> Estimate:
        """One number minus another, paired."""
        return self.replicates(name).difference(self.replicates(other), "", level)

    def estimate(self, name: str, level: float) -> Estimate:
        """A number with its interval."""
        value = float(self.plain[name][0])
        if self.too_few is not None:
            return Estimate.without_interval(value, n=self.n, reason=self.too_few)
        units = self.n if self.n_clusters is None else self.n_clusters
        spread = Spread(value, self.resampled[name], self.left_out[name], units)
        if spread.wanting is not None:
            return Estimate.without_interval(value, n=self.n, reason=spread.wanting)
        method = self.replicates(name).method
        return Estimate(value, *spread.interval(level), n=self.n, level=level, method=method)


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
    too_few = enough(outcome) or every_class(outcome, 0.0)

    def kept(weights: Floats | Counts) -> Kept:
        by_row = np.ascontiguousarray(weights.T, dtype=np.float64)
        return read(np.ascontiguousarray((members @ by_row).T))

    workers = max(1, min(cores(), _CELLS_AT_ONCE // max(1, sampling.cells)))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max_workers=workers) as threads:
        blocks = [] if too_few else sampling.blocks(resamples)
        spans = [] if too_few else sampling.spans()
        resampled = list(threads.map(lambda block: kept(sampling.draw(block)), blocks))
        left_out = list(threads.map(lambda span: kept(sampling.leave_out(span)), spans))
    return Drawn(
        plain=kept(outcome.known_weights[None]),
        resampled=_joined(resampled),
        left_out=_joined(left_out),
        n=n,
        n_clusters=sampling.n_clusters,
        too_few=too_few,
    )


def _joined(blocks: Sequence[Kept]) -> Kept:
    names = blocks[0] if blocks else ()
    return {name: np.concatenate([each[name] for each in blocks]) for name in names}
