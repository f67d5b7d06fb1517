"""All mistakes as one table: what was predicted wrongly, and labels that may be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from assay.errors import InputError
from assay.evaluation.label_errors import label_errors
from assay.evaluation.outcome import Outcome
from assay.workspace import written_aside

_WRITERS: dict[str, Any] = {".csv": csv.write_csv, ".parquet": parquet.write_table}


def mistaken(outcome: Outcome) -> pa.Table:
    """A line for each row that was predicted wrongly, or whose label may be wrong; the worst first.

    Returns:
        Of a classification row, truth, predicted, confidence, for_truth (probabilities of the class
        predicted and of the true one), likely_label and label_wrong (the probability that the label
        is; both null where it is not suspected); of a regression row, truth, predicted and off_by.
    """
    if not outcome.task.is_classification or outcome.decided is None:
        off = outcome.known_values - outcome.truth
        order = np.argsort(-np.abs(off), kind="stable")
        order = order[off[order] != 0]
        columns = {"truth": outcome.truth, "predicted": outcome.known_values, "off_by": off}
        return pa.table({name: of[order] for name, of in {"row": outcome.rows, **columns}.items()})
    found = label_errors(outcome)
    suspected = {each.row: each for each in (found.rows if found is not None else ())}
    at = np.arange(len(outcome))
    for_truth = outcome.known_probabilities[at, outcome.truth]
    is_in = (outcome.decided != outcome.truth) | np.isin(outcome.rows, list(suspected))
    order = np.flatnonzero(is_in)
    order = order[np.argsort(for_truth[order], kind="stable")]
    doubts = [suspected.get(row) for row in outcome.rows[order].tolist()]
    labels = [str(each) for each in outcome.classes]
    return pa.table(
        {
            "row": outcome.rows[order],
            "truth": [labels[code] for code in outcome.truth[order]],
            "predicted": [labels[code] for code in outcome.decided[order]],
            "confidence": outcome.known_probabilities[order, outcome.decided[order]],
            "for_truth": for_truth[order],
            "likely_label": pa.array([each and each.likely for each in doubts], pa.string()),
            "label_wrong": pa.array([each and each.wrong for each in doubts], pa.float64()),
        }
    )


def write_mistaken(outcome: Outcome, path: Path) -> Path:
    """Write the table as CSV or Parquet, by the ending of the name.

    Raises:
        InputError: The name ends otherwise.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(
            f"{path.name} says by its ending neither CSV nor Parquet.",
            mend=f"--out {path.with_suffix('.csv').name}, or .parquet",
        )
    with written_aside(path) as aside:
        writer(mistaken(outcome), aside)
    return path
