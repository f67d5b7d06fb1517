"""Outcomes as tables: so that a recorded run can be compared and drawn again, number for number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.schema import Schema
from assay.evaluation.design import Design
from assay.evaluation.outcome import Outcome

_PROBABILITY = "probability_"


def as_table(outcome: Outcome, folds: NDArray[np.int64] | None = None) -> pa.Table:
    """An outcome as a table: a line per row, classes as positions, probabilities by position."""
    columns: dict[str, Any] = {"row": outcome.rows, "truth": outcome.truth}
    if folds is not None:
        columns["fold"] = folds
    if outcome.weights is not None:
        columns["weight"] = outcome.weights
    if outcome.clusters is not None:
        columns["cluster"] = outcome.clusters
    if outcome.times is not None:
        columns["time"] = outcome.times
    if outcome.design is not Design.CHANCE:
        columns["design"] = pa.repeat(outcome.design.value, len(outcome)).dictionary_encode()
    if outcome.probabilities is None:
        columns["value"] = outcome.values
    else:
        columns["decided"] = outcome.decided
        columns |= {
            f"{_PROBABILITY}{code}": outcome.probabilities[:, code]
            for code in range(len(outcome.classes))
        }
    return pa.table(columns)


def from_table(table: pa.Table, schema: Schema, unknown: Sequence[Any] = ()) -> Outcome:
    """Read back what `as_table` wrote.

    Args:
        table: An outcome as a table.
        schema: Task, and the classes that the model knows.
        unknown: Classes of these rows that it does not know.
    """

    def column(name: str) -> Any:
        return table[name].to_numpy() if name in table.column_names else None

    recorded = "design" in table.column_names and table.num_rows > 0
    known = Outcome(
        schema.task,
        rows=column("row"),
        truth=column("truth"),
        values=column("value"),
        weights=column("weight"),
        clusters=column("cluster"),
        times=column("time"),
        design=Design(table["design"][0].as_py()) if recorded else Design.CHANCE,
    )
    if not schema.task.is_classification:
        return known
    classes = (*schema.classes, *unknown)
    probabilities = [table[f"{_PROBABILITY}{code}"].to_numpy() for code in range(len(classes))]
    return replace(
        known,
        classes=classes,
        probabilities=np.column_stack(probabilities),
        decided=column("decided"),
        n_unknown=len(unknown),
    )
