"""Predicting whole tables: rows in, their predictions out, in the same order."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from assay.data.schema import Role
from assay.errors import InputError
from assay.inference.loading import LoadedModel, as_frame
from assay.monitor import Announce, Step
from assay.workspace import atomic_write

_FORMS = (".csv", ".parquet")
_MANY_ROWS = 100_000


def predict_frame(model: LoadedModel, rows: Any, announce: Announce) -> pd.DataFrame:
    """Predictions of a table: its id column if the model knows one, labels, probabilities.

    The id column keeps its name: where it is called as one of ours is, ours gets a '_' more.

    Args:
        model: What predicts.
        rows: A table, as in `as_frame`; the predictions have its index.
        announce: Told of progress, where there is enough to wait for.

    Raises:
        DataError: The table does not fit the model.
    """
    frame = as_frame(rows)
    if len(frame) >= _MANY_ROWS:
        announce(Step(f"Predicting {len(frame):,} rows"))
    predicted = _predicted(model, frame)
    ids = [each.name for each in model.schema.columns if each.role is Role.ID]
    kept = frame[[name for name in ids if name in frame.columns]]
    told = pd.concat([kept, predicted.rename(columns=lambda name: _free(name, ids))], axis=1)
    told.attrs = {"model": model.name}
    return told


def check_out(path: Path, data: Any = None) -> None:
    """Refuse a file that predictions cannot be written to, before they are made.

    Args:
        path: Where predictions are to go.
        data: What is predicted; if it is a file or folder, it is never written over.

    Raises:
        InputError: Its form is unknown, its folder cannot be written, or it is the data.
    """
    if path.suffix not in _FORMS or path.is_dir():
        raise InputError(
            f"Predictions cannot be written to {path.name}.",
            where=str(path),
            mend=f"name a file that ends in {' or '.join(_FORMS)}",
        )
    if isinstance(data, str | Path) and _is_within(path, Path(data)):
        raise InputError(
            f"Predictions would be written over the data, {Path(data).name}.",
            where=str(path),
            mend=f"name another file, for example predictions{path.suffix}",
        )
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent}.", where=str(path), mend=f"mkdir -p '{path.parent}'"
        )
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(
            f"Nothing can be written into the folder {path.parent}: {error.strerror}.",
            where=str(path),
            mend="name a file in another folder",
        ) from None


def write_frame(predictions: pd.DataFrame, path: Path) -> None:
    """Write predictions as CSV or Parquet, by the ending of the path; all or nothing."""
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        predictions.to_parquet(buffer, index=False)
        atomic_write(path, buffer.getvalue())
    else:
        atomic_write(path, predictions.to_csv(index=False))


def _predicted(model: LoadedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Labels or values and probabilities of some rows."""
    if not model.classes:
        return pd.DataFrame({"prediction": model.predict(frame)}, index=frame.index)
    probabilities = model.predict_proba(frame)
    columns = {"prediction": model.decide(probabilities)}
    for position, label in enumerate(model.classes):
        columns[f"probability_{label}"] = probabilities[:, position]
    return pd.DataFrame(columns, index=frame.index)


def _free(name: str, taken: list[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _is_within(path: Path, data: Path) -> bool:
    """Whether a path is the data, by whatever name, or lies inside it."""
    if path.exists() and data.exists() and path.samefile(data):
        return True
    return path.resolve().is_relative_to(data.resolve())
