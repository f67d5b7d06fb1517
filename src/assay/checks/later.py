"""Later rows: those that come after training, to judge a model on or to serve.

Checks of drift compare each of them with the training rows, in the columns and types of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from assay.checks.base import View
from assay.data.features import feature_frame
from assay.data.keys import Codes
from assay.data.schema import Schema
from assay.data.sources.settling import settled_apart
from assay.predictions import Floats, Labels, Rows


@dataclass(frozen=True)
class Later:
    """Rows that come after training.

    Attributes:
        name: What messages call them: 'test' or 'serving'.
        features: Read as training reads them, NaN where a value is missing or cannot be read.
        stored: Names and types of their columns; None where they come from the training table.
        rows: Their numbers in the source, shape (n,).
        target: Their targets; None where unknown or sealed.
        groups: Number of the group of each, shape (n,); None without.
        times: When each was, shape (n,); None without.
    """

    name: str
    features: pd.DataFrame
    stored: pa.Schema | None
    rows: Rows
    target: Labels | None = None
    groups: Codes | None = None
    times: Floats | None = None

    def at_fault(self, positions: Rows) -> dict[str, tuple[int, ...]]:
        """Rows at fault as findings list them, which know test rows and no serving rows."""
        if self.name != "test":
            return {}
        return {"test": tuple(self.rows[positions].tolist())}


def later_parts(view: View) -> list[Later]:
    """The test rows and the serving rows, where there are any."""
    parts = []
    given = view.given
    if view.test is not None:
        test = view.test
        stored = None if given is None else given.test
        parts.append(
            Later("test", test.features, stored, test.rows, test.target, test.groups, test.times)
        )
    if given is not None and given.serving is not None and given.serving.num_rows:
        parts.append(_served(view, given.serving))
    return parts


def _served(view: View, serving: pa.Table) -> Later:
    """Serving rows as the schema of training reads them; a column that they lack is missing."""
    names = [column.name for column in view.schema.features]
    rows = pa.table({name: _column(serving, view.raw_train.schema.field(name)) for name in names})
    if names:
        _, rows, _ = settled_apart(view.raw_train.select(names), rows, "the training table")
    columns = {}
    for name, read_as in view.schema.reading.items():
        columns[name] = _read(rows.select([name]).to_pandas(), name, read_as)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(serving.num_rows))
    numbers = pd.RangeIndex(serving.num_rows).to_numpy()
    return Later("serving", frame, serving.schema, numbers)


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name in table.column_names:
        return table[field.name]
    return pa.chunked_array([pa.nulls(table.num_rows, field.type)])


def _read(cells: pd.DataFrame, name: str, read_as: str) -> pd.Series:
    """One feature; all of it missing where its cells are of another kind."""
    try:
        return feature_frame(cells, {name: read_as})[name]
    except ValueError:
        return pd.Series(float("nan"), index=cells.index)


def kind_of_type(stored: pa.DataType) -> str:
    """What sort of values a type holds: sizes, encodings and truth as 0 and 1 do not matter."""
    if pa.types.is_dictionary(stored):
        stored = stored.value_type
    if pa.types.is_null(stored):
        return "nothing"
    if pa.types.is_integer(stored) or pa.types.is_floating(stored) or pa.types.is_decimal(stored):
        return "numbers"
    if pa.types.is_boolean(stored):
        return "truth values"
    if pa.types.is_temporal(stored):
        return "dates"
    if pa.types.is_string(stored) or pa.types.is_large_string(stored):
        return "text"
    return "text" if pa.types.is_string_view(stored) else "other values"


def features_in_both(schema: Schema, later: Later) -> list[str]:
    """Features that the later rows have under the same name."""
    names = [column.name for column in schema.features]
    return names if later.stored is None else [n for n in names if n in later.stored.names]
