"""Predicting whole tables: rows in, their predictions out, in the same order."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from assay.data.schema import Role
from assay.errors import InputError
from assay.inference.loading import LoadedModel
from assay.workspace import atomic_write

_FORMS = (".csv", ".parquet")


def predict_frame(model: LoadedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Predictions of a table: its id column if the model knows one, labels, probabilities.

    Raises:
        DataError: The table does not fit the model.
    """
    ids = [column.name for column in model.schema.columns if column.role is Role.ID]
    columns = {name: frame[name].to_numpy() for name in ids if name in frame.columns}
    if not model.classes:
        columns["prediction"] = model.predict(frame)
    else:
        probabilities = model.predict_proba(frame)
        columns["prediction"] = model.decide(probabilities)
        for position, label in enumerate(model.classes):
            columns[f"probability_{label}"] = probabilities[:, position]
    return pd.DataFrame(columns)


def check_out(path: Path) -> None:
    """Refuse a file that predictions cannot be written to, before they are made.

    Raises:
        InputError: Its form is unknown.
    """
    if path.suffix not in _FORMS:
        raise InputError(
            f"Predictions cannot be written to {path.name}.",
            where=str(path),
            mend=f"name a file that ends in {' or '.join(_FORMS)}",
        )


def write_frame(predictions: pd.DataFrame, path: Path) -> None:
    """Write predictions as CSV or Parquet, by the ending of the path; all or nothing."""
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        predictions.to_parquet(buffer, index=False)
        atomic_write(path, buffer.getvalue())
    else:
        atomic_write(path, predictions.to_csv(index=False))
