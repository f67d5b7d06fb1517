"""Outcomes as tables: so that a recorded run can be compared and drawn again, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.schema import Schema
from assay.evaluation.outcome import Outcome

_PROBABILITY = "probability_"


def as_table(outcome: Outcome, folds: NDArray[np.int64] | None = None) -> pa.Table:
    """An outcome as a table: a line per row, classes as positions, probabilities by position."""
    columns: dict[str, Any] = {"row": outcome.rows, "truth": outcome.truth}
    if folds is not None:
        columns["fold"] = folds
    if outcome.probabilities is None:
        columns["value"] = outcome.values
    else:
        columns["decided"] = outcome.decided
        columns |= {
            f"{_PROBABILITY}{code}": outcome.probabilities[:, code]
            for code in range(len(outcome.classes))
        }
    return pa.table(columns)


def from_table(table: pa.Table, schema: Schema) -> Outcome:
    """Read back what `as_table` wrote."""
    rows, truth = table["row"].to_numpy(), table["truth"].to_numpy()
    if not schema.task.is_classification:
        return Outcome(schema.task, rows, truth, values=table["value"].to_numpy())
    probabilities = [
        table[f"{_PROBABILITY}{code}"].to_numpy() for code in range(len(schema.classes))
    ]
    return Outcome(
        schema.task,
        rows,
        truth,
        classes=schema.classes,
        probabilities=np.column_stack(probabilities),
        decided=table["decided"].to_numpy(),
    )
