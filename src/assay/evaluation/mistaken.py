"""All mistakes as one table: rows predicted wrongly, and labels that may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from assay.errors import InputError
from assay.evaluation.details import OppositePair
from assay.evaluation.label_errors import label_errors
from assay.evaluation.labelled import in_words, label_losses, surest_mistakes
from assay.evaluation.outcome import Outcome
from assay.workspace import written_aside

_TYPES = {
    "row": pa.int64(), "truth": pa.string(), "predicted": pa.string(), "confidence": pa.float64(),
    "for_truth": pa.float64(), "likely_label": pa.string(), "label_wrong": pa.float64(),
    "alike_row": pa.int64(), "alike_label": pa.string(),
}  # fmt: skip
_WRITERS: dict[str, Any] = {".csv": csv.write_csv, ".parquet": parquet.write_table}


def mistaken(outcome: Outcome, alike: Sequence[OppositePair] = ()) -> pa.Table:
    """A line for each row that was predicted wrongly, or whose label may be wrong; the worst first.

    Args:
        outcome: Predictions of rows that were not learnt from.
        alike: Rows that are alike with other labels, predicted or not.

    Returns:
        Of a classification row, truth, predicted, confidence, for_truth (probabilities of the class
        predicted and of the true one), likely_label and label_wrong (the probability that the label
        is; both null where it is not suspected), alike_row and alike_label (a row like it of
        another label, and that label; both null where there is none); rows that were not predicted
        come last. Of a regression row, truth, predicted and off_by. Of a row with labels, truth,
        predicted, the decision on a label that is wrong with the most confidence, that confidence
        (a probability), and the log loss, by which they are ordered.
    """
    if outcome.has_labels:
        return _of_labels(outcome)
    if outcome.decided is None:
        off = outcome.known_values - outcome.truth
        order = np.argsort(-np.abs(off), kind="stable")
        order = order[off[order] != 0]
        columns = {"truth": outcome.truth, "predicted": outcome.known_values, "off_by": off}
        return pa.table({name: of[order] for name, of in {"row": outcome.rows, **columns}.items()})
    found = label_errors(outcome)
    suspected = {each.row: each for each in (found.rows if found is not None else ())}
    at = np.arange(len(outcome))
    for_truth = outcome.known_probabilities[at, outcome.truth]
    twins = {each.row: each for each in alike}
    doubtful = [*suspected, *twins]
    is_in = (outcome.decided != outcome.truth) | np.isin(outcome.rows, doubtful)
    order = np.flatnonzero(is_in)
    order = order[np.argsort(for_truth[order], kind="stable")]
    doubts = [suspected.get(row) for row in outcome.rows[order].tolist()]
    labels = [str(each) for each in outcome.classes]
    apart = sorted(twins.keys() - set(outcome.rows.tolist()))
    rows = [*outcome.rows[order].tolist(), *apart]
    pairs = [twins.get(row) for row in rows]
    nothing = [None] * len(apart)
    known: dict[str, Any] = {
        "predicted": [labels[code] for code in outcome.decided[order]],
        "confidence": outcome.known_probabilities[order, outcome.decided[order]].tolist(),
        "for_truth": for_truth[order].tolist(),
        "likely_label": [each and each.likely for each in doubts],
        "label_wrong": [each and each.wrong for each in doubts],
    }
    truth = [labels[code] for code in outcome.truth[order]] + [twins[row].label for row in apart]
    columns = {
        "row": rows,
        "truth": truth,
        **{name: [*cells, *nothing] for name, cells in known.items()},
        "alike_row": [each and each.twin for each in pairs],
        "alike_label": [each and each.twin_label for each in pairs],
    }
    return pa.table({name: pa.array(columns[name], kind) for name, kind in _TYPES.items()})


def _of_labels(outcome: Outcome) -> pa.Table:
    """A line for each row that has a label decided wrong, the highest log loss first."""
    assert outcome.decided is not None
    worst, sure = surest_mistakes(outcome)
    loss = label_losses(outcome)["log"]
    order = np.flatnonzero(~outcome.decided_right)
    order = order[np.argsort(-loss[order], kind="stable")]
    columns = {
        "truth": [in_words(outcome.classes, held) for held in outcome.truth[order]],
        "predicted": [in_words(outcome.classes, held) for held in outcome.decided[order]],
        "worst": [worst[at] for at in order],
    }
    return pa.table(
        {
            "row": outcome.rows[order],
            **{name: pa.array(cells, pa.string()) for name, cells in columns.items()},
            "confidence": sure[order],
            "log_loss": loss[order],
        }
    )


def write_mistaken(outcome: Outcome, path: Path, alike: Sequence[OppositePair] = ()) -> Path:
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
        writer(mistaken(outcome, alike), aside)
    return path
