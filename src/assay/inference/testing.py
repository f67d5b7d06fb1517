"""Testing: the finished model on opened rows, exactly as it would predict anybody's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay.data.kinds import label_values
from assay.data.preparation import target_values
from assay.data.schema import label_array
from assay.data.vault import OpenedRows
from assay.evaluation.outcome import Outcome
from assay.inference.loading import LoadedModel


def predict_opened(model: LoadedModel, opened: OpenedRows) -> Outcome:
    """Predictions, decisions and truth of opened test rows.

    Rows of a class that no development row had cannot be predicted right; they are left out, and
    the evaluation's number of rows says so.
    """
    schema = model.schema
    table, rows = opened.table, opened.rows
    if schema.task.is_classification:
        known = np.array([label in schema.classes for label in label_values(table[schema.target])])
        table, rows = table.filter(pa.array(known)), rows[known]
    frame = table.drop_columns([schema.target]).to_pandas()
    target = target_values(table[schema.target], schema)
    if not schema.task.is_classification:
        return Outcome(schema.task, rows, target, values=model.predict(frame).astype(np.float64))
    probabilities = model.predict_proba(frame)
    return Outcome(
        schema.task,
        rows,
        schema.codes(target),
        classes=schema.classes,
        probabilities=probabilities,
        decided=schema.codes(label_array(model.decide(probabilities).tolist())),
    )
