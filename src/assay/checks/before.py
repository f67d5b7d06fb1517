"""Before: which rows are not in the table as it was before it was prepared and divided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.checks.chance import Mask
from assay.data.fingerprint import Hashes, row_hashes
from assay.data.schema import Role

LEAST_FOUND = 0.5


@dataclass(frozen=True)
class Lacking:
    """Rows that the table before lacks, or has fewer times than both parts together.

    Attributes:
        train: Which training rows, shape (training rows,).
        test: Which test rows, shape (test rows,).
    """

    train: Mask
    test: Mask


def lacking_before(view: View, before: pa.Table) -> Lacking | None:
    """Compare by the features that both have; None if rows were changed since, or none were added.

    Filling gaps changes rows too, maybe those of one class above all: so there have to be more rows
    than before.

    Args:
        view: One with test rows.
        before: All rows before they were prepared and divided, settled.
    """
    assert view.raw_test is not None
    told_by = (Role.FEATURE, Role.TIME, Role.ID, Role.GROUP)
    names = [c.name for c in view.schema.columns if c.role in told_by]
    is_more = len(view.train) + view.raw_test.num_rows > before.num_rows
    if not is_more or not names or not {*names} <= {*before.column_names}:
        return None
    train, test, known = (
        row_hashes(part.select(names)) for part in (view.raw_train, view.raw_test, before)
    )
    if np.isin(np.concatenate([train, test]), known).mean() < LEAST_FOUND:
        return None
    return Lacking(_is_short(train, test, known), _is_short(test, train, known))


def _is_short(rows: Hashes, others: Hashes, known: Hashes) -> Mask:
    """Which rows are not known; or known, but fewer times than they are in both parts."""
    values, of = np.unique(rows, return_inverse=True)
    needed = np.bincount(of) + _counts(values, others)
    had = _counts(values, known)
    # A row that is in one part alone is short only where the table before lacks it.
    is_in_both = _counts(values, others) > 0
    return np.asarray(((had == 0) | ((needed > had) & is_in_both))[of])


def _counts(values: Hashes, among: Hashes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How often each value is among others; values are ascending and distinct."""
    known, counts = np.unique(among, return_counts=True)
    if not len(known):
        return np.zeros(len(values), dtype=np.int64)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[at] == values, counts[at], 0).astype(np.int64)
