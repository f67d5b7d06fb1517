"""A sample of predictions to look at: some of the worst and some at random, with what was seen.

Out-of-fold predictions of development rows only; a sealed row is in none of its arguments.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.schema import Column, Kind, Role, Schema
from assay.evaluation.labelled import in_words, label_losses, sureness
from assay.evaluation.outcome import Outcome
from assay.predictions import Floats, Rows
from assay.tracking.pictures import opened, picture_columns

MOST_ROWS = 200
LONGEST_TEXT = 2000
"""Characters of a text that are shown."""
_WIDEST = 256
_SMALLEST = 1e-15


def predictions_sample(
    outcome: Outcome,
    table: pa.Table,
    rows: Rows,
    schema: Schema,
    *,
    seed: int,
    folder: Path = Path(),
) -> pa.Table:
    """At most 200 predicted rows, the worst half first, beside their id, texts and pictures.

    Args:
        outcome: Out-of-fold predictions with the truth.
        table: Development rows as stored.
        rows: Their row numbers in the source, int64, shape (n,), ascending.
        schema: What the columns are.
        seed: Of the choice at random.
        folder: What paths of pictures are relative to.

    Returns:
        row, chosen ('worst' or 'random'), truth, predicted, confidence (of a classification; of
        several labels that of the least sure one) or error (of a regression), loss, and the columns
        to look at.
    """
    loss = losses(outcome)
    picked, chosen = _picked(loss, seed)
    shown: dict[str, Any] = {
        "row": outcome.rows[picked],
        "chosen": chosen,
        **_predicted(outcome, picked),
        "loss": loss[picked],
    }
    seen = table.take(rows.searchsorted(outcome.rows[picked]))
    pictures = picture_columns(seen, folder)
    for column in schema.columns:
        if column.name not in seen.column_names or column.role is Role.TARGET:
            continue
        name = column.name if column.name not in shown else f"{column.name} (data)"
        values = seen[column.name].to_pylist()
        if _tells(column):
            shown[name] = [cut(each) for each in values]
        if column.name in pictures:
            small = pa.array([_small(each, folder) for each in values], pa.binary())
            shown[f"{name} (picture)" if name in shown else name] = small
    return pa.table(shown)


def losses(outcome: Outcome) -> Floats:
    """How wrong each prediction is, shape (n,): log loss, or the squared error of a regression.

    Of several labels the mean over them. A probability of zero counts as 1e-15.
    """
    if outcome.has_labels:
        return np.asarray(label_losses(outcome)["log"], dtype=np.float64)
    if outcome.probabilities is None:
        return np.asarray((outcome.known_values - outcome.truth) ** 2, dtype=np.float64)
    of_truth = outcome.probabilities[np.arange(len(outcome)), outcome.truth]
    return -np.log(np.maximum(of_truth, _SMALLEST))


def cut(value: Any) -> Any:
    """The value; of a text too long to be shown its beginning."""
    if not isinstance(value, str) or len(value) <= LONGEST_TEXT:
        return value
    return f"{value[: LONGEST_TEXT - 1]}…"


def _picked(loss: Floats, seed: int) -> tuple[NDArray[np.int64], list[str]]:
    """Positions of the worst, worst first, and of others at random."""
    worst = np.argsort(-loss, kind="stable")[: MOST_ROWS // 2]
    others = np.setdiff1d(np.arange(len(loss)), worst)
    wanted = min(len(others), MOST_ROWS - len(worst))
    drawn = np.random.default_rng(seed).choice(others, wanted, replace=False)
    chosen = ["worst"] * len(worst) + ["random"] * len(drawn)
    return np.concatenate([worst, np.sort(drawn)]).astype(np.int64), chosen


def _predicted(outcome: Outcome, picked: NDArray[np.int64]) -> dict[str, Any]:
    truth = outcome.truth[picked]
    if outcome.probabilities is None:
        values = outcome.known_values[picked]
        return {"truth": truth, "predicted": values, "error": values - truth}
    assert outcome.decided is not None
    decided = outcome.decided[picked]
    if outcome.has_labels:
        return {
            "truth": [in_words(outcome.classes, held) for held in truth],
            "predicted": [in_words(outcome.classes, held) for held in decided],
            "confidence": sureness(outcome)[picked].min(axis=1),
        }
    return {
        "truth": [outcome.classes[code] for code in truth],
        "predicted": [outcome.classes[code] for code in decided],
        "confidence": outcome.probabilities[picked, decided],
    }


def _tells(column: Column) -> bool:
    """Whether a person reads a column: a text that the learner saw, or what a row is called."""
    is_text = column.kind is Kind.TEXT and column.role is Role.FEATURE
    return is_text or column.role is Role.ID


def _small(value: Any, folder: Path) -> bytes | None:
    """A picture, made small enough to look at many; None if it is none."""
    image = opened(value, folder)
    if image is None:
        return None
    image.thumbnail((_WIDEST, _WIDEST))
    file = BytesIO()
    image.convert("RGB").save(file, "png")
    return file.getvalue()
