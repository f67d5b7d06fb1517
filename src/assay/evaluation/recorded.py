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

_TRUTH, _DECIDED, _PROBABILITY = "truth", "decided", "probability"


def as_table(outcome: Outcome, folds: NDArray[np.int64] | None = None) -> pa.Table:
    """An outcome as a table: a line per row, classes as positions, probabilities by position.

    Of several labels truth and decision are columns by position too.
    """
    columns: dict[str, Any] = {"row": outcome.rows, **coded(_TRUTH, outcome.truth)}
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
        columns |= coded(_DECIDED, outcome.decided)
        columns |= coded(_PROBABILITY, outcome.probabilities)
    return pa.table(columns)


def from_table(table: pa.Table, schema: Schema, unknown: Sequence[Any] = ()) -> Outcome:
    """Read back what `as_table` wrote.

    Args:
        table: An outcome as a table.
        schema: Task, and the classes that the model knows.
        unknown: Classes of these rows that it does not know.
    """
    classes = (*schema.classes, *unknown)

    def column(name: str) -> Any:
        if name in table.column_names:
            return table[name].to_numpy()
        coded = [f"{name}_{code}" for code in range(len(classes))]
        if not coded or coded[0] not in table.column_names:
            return None
        return np.column_stack([table[each].to_numpy() for each in coded])

    recorded = "design" in table.column_names and table.num_rows > 0
    known = Outcome(
        schema.task,
        rows=column("row"),
        truth=column(_TRUTH),
        values=column("value"),
        weights=column("weight"),
        clusters=column("cluster"),
        times=column("time"),
        design=Design(table["design"][0].as_py()) if recorded else Design.CHANCE,
    )
    if not schema.task.is_classification:
        return known
    return replace(
        known,
        classes=classes,
        probabilities=column(_PROBABILITY),
        decided=column(_DECIDED),
        n_unknown=len(unknown),
    )


def coded(name: str, values: Any) -> dict[str, Any]:
    """A column of one value for each row, or a column for each position."""
    if values.ndim == 1:
        return {name: values}
    return {f"{name}_{code}": values[:, code] for code in range(values.shape[1])}
