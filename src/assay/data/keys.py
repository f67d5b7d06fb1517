"""What ties rows together, orders them and weighs them: the columns with a role of that sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.data.features import feature_frame
from assay.data.fingerprint import row_hashes
from assay.errors import DataError
from assay.predictions import Floats, Rows

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Keys:
    """What decides which rows must not be parted, and how much they count; of all rows.

    Attributes:
        groups: The group of each row, shape (n,); None without groups.
        times: When each row was, shape (n,); None without times.
        weights: How much each row counts, shape (n,); None if all count the same.
    """

    groups: Codes | None = None
    times: Floats | None = None
    weights: Floats | None = None

    def of(self, rows: Rows) -> Keys:
        """Those of some rows, by their numbers in the source."""

        def at(array: Any) -> Any:
            return None if array is None else array[rows]

        return Keys(at(self.groups), at(self.times), at(self.weights))


def group_codes(table: pa.Table, columns: Sequence[str], *, missing_is_alone: bool = True) -> Codes:
    """A number for each row, the same for rows that agree in all columns, int64, shape (n,).

    Args:
        table: The rows.
        columns: What they have to agree in.
        missing_is_alone: Whether a row without a value in any of them is a group of its own: of a
            name of a group this says nothing; of a feature it is a value like any other.
    """
    codes = np.unique(row_hashes(table.select(list(columns))), return_inverse=True)[1]
    codes = codes.astype(np.int64)
    alone = np.zeros(len(codes), dtype=bool)
    for name in columns if missing_is_alone else ():
        alone |= pc.is_null(table[name]).to_numpy()
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def times(table: pa.Table, column: str, read_as: str) -> Floats:
    """When each row was, float64, shape (n,): days since 1970 for dates; NaN where unknown.

    Raises:
        DataError: The column holds neither numbers nor dates.
    """
    kind = read_as.partition(" ")[0]
    if kind not in ("numeric", "datetime"):
        raise DataError(
            f"data.roles.time names {column!r}, whose values are {kind}: they have no order.",
            mend="name a column of dates or numbers; if it holds dates of another form: "
            f"data: {{kinds: {{{column}: '%d.%m.%Y'}}}}",
        )
    frame = feature_frame(table.select([column]).to_pandas(), {column: read_as})
    return frame[column].to_numpy(dtype=np.float64)


def weights(table: pa.Table, column: str) -> Floats:
    """How much each row counts, float64, shape (n,).

    Raises:
        DataError: A weight is missing, negative, infinite or no number, or all are zero.
    """
    kind = table[column].type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = table[column].to_numpy().astype(np.float64)
        wrong = np.flatnonzero(~np.isfinite(values) | (values < 0))
        if len(wrong) == 0 and values.sum() > 0:
            return values
        where = f"{len(wrong):,} rows, the first is row {wrong[0]:,}" if len(wrong) else "all are 0"
    else:
        where = f"it is stored as {kind}"
    raise DataError(
        f"data.roles.weight names {column!r}, which does not hold a weight for every row.",
        where=where,
        mend="give every row a number that is not negative, or take the role off",
    )
