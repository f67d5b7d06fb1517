"""Origin: which row of the table before preparation each training and test row was.

Rows are known again by the columns that preparation left alone: those whose cells, whatever their
order, are the same before and after.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay.checks.base import View
from assay.data.fingerprint import cell_hashes, row_hashes
from assay.predictions import Rows

LEAST_FOUND = 0.95


def original_rows(view: View, before: pa.Table) -> tuple[Rows, Rows] | None:
    """Row numbers before, of training and of test rows, -1 where unknown; None if they are lost.

    Args:
        view: With training and test rows.
        before: All rows before they were prepared and divided, settled.
    """
    if view.raw_test is None:
        return None
    shared = [
        name
        for name in view.raw_test.column_names
        if name in before.column_names
        and view.raw_test.schema.field(name).type == before.schema.field(name).type
    ]
    parts = [view.raw_train.select(shared), view.raw_test.select(shared)]
    both = pa.concat_tables(parts)
    untouched = [name for name in shared if _same_cells(both[name], before[name])]
    if not untouched:
        return None
    known, rows = row_hashes(before.select(untouched)), row_hashes(both.select(untouched))
    order = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[order], rows), len(order) - 1)
    is_known = known[order][at] == rows
    hashes, counts = np.unique(known, return_counts=True)
    once = counts[np.minimum(np.searchsorted(hashes, rows), len(hashes) - 1)] == 1
    found = np.where(is_known & once, order[at], -1).astype(np.int64)
    if (found >= 0).mean() < LEAST_FOUND:
        return None
    n = view.raw_train.num_rows
    return found[:n], found[n:]


def _same_cells(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether the cells of the first are cells of the second, nearly all of them."""
    ours, theirs = (cell_hashes(each.combine_chunks()) for each in (one, other))
    if one.null_count < other.null_count * len(one) / max(1, len(other)) * LEAST_FOUND:
        return False
    return bool(np.isin(ours, theirs).mean() >= LEAST_FOUND)
